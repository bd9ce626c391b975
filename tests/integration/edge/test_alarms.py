"""Alarms: one active row a type, the steps of the state table, and who gets to know and to answer."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import IntegrityError

from edge_bridge import access, api
from edge_bridge.alarms import actions
from edge_bridge.alarms.escalation import escalate_due
from edge_bridge.models import Alarm, AlarmChange
from edge_bridge.protocol import Lane
from tenants.agreements.actions import end_agreement
from tenants.data import Conflict, Forbidden, NotFound
from tenants.models import FeedEvent, new_id
from tests.integration.edge.scenes import (
    cleared,
    gateway,
    history,
    opened,
    raised,
    reading,
    set_aside,
    the_alarm,
    told,
)
from tests.together import at_once


def acknowledge(party, alarm, comment="seen"):
    with party.acting():
        return actions.acknowledge_alarm(alarm=alarm, comment=comment)


def test_alarm_goes_through_raise_acknowledge_and_clear(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(1.2))
    acknowledged = acknowledge(aurora, the_alarm(aurora))
    assert acknowledged.acknowledged_by_id == aurora.user.pk and acknowledged.acknowledged_for_id == aurora.id
    edge.say(Lane.P0, cleared(0.4))
    alarm = the_alarm(aurora)
    assert (alarm.state, alarm.value, alarm.severity) == ("NORM", 0.4, "critical")
    assert alarm.cleared_at > alarm.raised_at
    assert history(aurora) == [
        ("raised", "NORM", "UNACK"),
        ("acknowledged", "UNACK", "ACKED"),
        ("cleared", "ACKED", "NORM"),
    ]
    assert told(aurora) == [("alarm.raised", "UNACK"), ("alarm.acknowledged", "ACKED"), ("alarm.cleared", "NORM")]


def test_alarm_that_comes_back_unacknowledged_is_the_same_alarm(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(), cleared(), raised(1.4))
    alarm = the_alarm(aurora)
    assert (alarm.state, alarm.value, alarm.cleared_at) == ("UNACK", 1.4, None)
    assert [kind for kind, _ in told(aurora)] == ["alarm.raised", "alarm.cleared", "alarm.raised"]


def test_alarm_that_returned_to_normal_and_was_acknowledged_makes_room_for_a_new_one(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(), cleared())
    assert acknowledge(aurora, the_alarm(aurora)).state == "NORM"
    edge.say(Lane.P0, raised())
    with aurora.acting():
        assert sorted(Alarm.objects.own().values_list("state", flat=True)) == ["NORM", "UNACK"]


def test_repeated_raise_brings_the_value_up_to_date_and_stays_acknowledged(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(1.2))
    acknowledge(aurora, the_alarm(aurora))
    edge.say(Lane.P0, raised(1.3))
    alarm = the_alarm(aurora)
    assert (alarm.state, alarm.value) == ("ACKED", 1.3)
    assert told(aurora)[-1] == ("alarm.updated", "ACKED")


def test_acknowledged_alarm_that_grows_worse_must_be_seen_again(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(severity="high"))
    acknowledge(aurora, the_alarm(aurora))
    edge.say(Lane.P0, raised(1.9, severity="critical"))
    alarm = the_alarm(aurora)
    assert (alarm.state, alarm.severity) == ("UNACK", "critical")
    assert history(aurora)[-1] == ("re_alarmed", "ACKED", "UNACK")


def test_shelved_alarm_stays_shelved_unless_it_grows_worse(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(severity="medium"))
    with aurora.acting():
        until = datetime.now(UTC) + timedelta(hours=1)
        actions.shelve_alarm(alarm=Alarm.objects.get(), until=until, reason="sensor is cleaned")
    edge.say(Lane.P0, cleared(severity="medium"), raised(severity="medium"))
    assert the_alarm(aurora).state == "SHLVD"
    edge.say(Lane.P0, raised(severity="high"))
    assert the_alarm(aurora).state == "UNACK"


def test_clearing_what_does_not_stand_is_set_aside(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, cleared())
    edge.say(Lane.P0, raised(), cleared(), cleared())
    assert len(set_aside(aurora)) == 2
    assert the_alarm(aurora).state == "RTNUN"


def test_historical_alarm_is_kept_with_both_times(aurora):
    edge = gateway(aurora)
    then = datetime.now(UTC) - timedelta(hours=3)
    edge.say(Lane.P0, raised(occurred_at=then, historical=True))
    alarm = the_alarm(aurora)
    assert alarm.historical and alarm.raised_at == then and alarm.received_at > then + timedelta(hours=2)
    with aurora.acting():
        assert FeedEvent.objects.get(kind="alarm.raised").body["historical"] is True


def test_alarm_that_was_live_stays_live_when_its_return_comes_late(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised())
    edge.say(Lane.P0, *[say(historical=True) for say in (cleared, raised, cleared)])
    alarm = the_alarm(aurora)
    assert (alarm.state, alarm.historical) == ("RTNUN", False)
    with aurora.acting():
        assert escalate_due(aurora.id, datetime.now(UTC) + timedelta(seconds=301)) == 1


def test_what_came_late_after_the_acknowledgement_of_a_live_alarm_is_history_of_its_own(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised())
    acknowledge(aurora, the_alarm(aurora))
    edge.say(Lane.P0, *[say(historical=True) for say in (cleared, raised, cleared)])
    with aurora.acting():
        rows = list(Alarm.objects.own().order_by("pk").values_list("state", "historical"))
        assert escalate_due(aurora.id, datetime.now(UTC) + timedelta(seconds=301)) == 0
    assert rows == [("NORM", False), ("RTNUN", True)]


def test_acknowledged_alarm_that_was_worse_for_a_while_must_be_seen_again_though_it_came_late(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(severity="high"))
    acknowledge(aurora, the_alarm(aurora))
    edge.say(Lane.P0, raised(historical=True), cleared(historical=True))
    alarm = the_alarm(aurora)
    assert (alarm.state, alarm.severity, alarm.historical) == ("RTNUN", "critical", False)


def test_late_alarm_that_is_raised_again_live_is_live(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(historical=True), cleared(historical=True))
    edge.say(Lane.P0, raised())
    alarm = the_alarm(aurora)
    assert (alarm.state, alarm.historical) == ("UNACK", False)


def test_alarms_are_found_by_span_type_and_person_and_given_as_a_table(aurora, borealis):
    edge = gateway(aurora)
    long_ago = datetime.now(UTC) - timedelta(days=3)
    edge.say(Lane.P0, raised(), raised(alarm_type="dust", severity="low", occurred_at=long_ago))
    client, day_ago = aurora.client(), (datetime.now(UTC) - timedelta(days=1)).isoformat()
    with aurora.acting():
        actions.assign_alarm(alarm=Alarm.objects.get(alarm_type="dust"), user_id=aurora.user.pk)
        escalate_due(aurora.id, datetime.now(UTC) + timedelta(seconds=1000))

    def found(client=client, **asked) -> list[str]:
        return [row["alarm_type"] for row in client.get("/api/v1/alarms", asked).json()["results"]]

    assert found() == ["dust", "ch4.hi"]
    assert found(since=day_ago) == ["ch4.hi"] and found(until=day_ago) == ["dust"]
    assert found(alarm_type="dust") == found(assigned_to=str(aurora.user.pk)) == ["dust"]
    assert found(escalated_to_me="true") == ["ch4.hi"]
    table = client.get("/api/v1/alarms.csv", {"since": day_ago}).content.decode("utf-8-sig").splitlines()
    assert table[0].startswith("id,alarm_type,severity") and len(table) == 2 and ",ch4.hi,critical,UNACK," in table[1]
    opened(aurora, borealis, "view_alarms")
    assert found(borealis.client(), shared="true", until=day_ago) == ["dust"]
    refused = borealis.client().get("/api/v1/alarms", {"shared": "true", "escalated_to_me": "true"})
    assert refused.status_code == 422


def test_threads_that_report_one_alarm_at_once_make_one_row(aurora):
    at_once(*[partial(gateway(aurora).say, Lane.P0, raised()) for _ in range(8)])
    assert the_alarm(aurora).state == "UNACK"
    events = [event for event, _, _ in history(aurora)]
    assert sorted(events) == ["raised", *["updated"] * 7]


def test_database_refuses_a_second_active_alarm_of_a_type(aurora):
    gateway(aurora).say(Lane.P0, raised())
    with pytest.raises(IntegrityError, match="alarm_active_once"), aurora.acting():
        second = Alarm.objects.get()
        second.pk = new_id()
        second.save(force_insert=True)


def test_history_can_be_neither_changed_nor_removed(aurora):
    gateway(aurora).say(Lane.P0, raised())
    with aurora.acting():
        assert AlarmChange.objects.update(event="nothing") == 0
        assert AlarmChange.objects.all()._raw_delete("default") == 0
    assert history(aurora) == [("raised", "NORM", "UNACK")]


def test_second_acknowledgement_is_refused_in_words(aurora):
    gateway(aurora).say(Lane.P0, raised())
    alarm = the_alarm(aurora)
    acknowledge(aurora, alarm)
    with pytest.raises(Conflict, match="state ACKED cannot be acknowledged"):
        acknowledge(aurora, alarm)


@pytest.mark.parametrize("equipment", ["", "GAS-T0-01"])
def test_partner_is_told_live_and_acknowledges_only_what_was_opened(aurora, borealis, cassia, equipment):
    edge = gateway(aurora)
    agreement = opened(aurora, borealis, "view_alarms", equipment=equipment)
    edge.say(Lane.P0, raised())
    alarm = the_alarm(aurora)
    assert told(borealis) == [("alarm.raised", "UNACK")]
    with pytest.raises(NotFound):
        acknowledge(borealis, alarm)
    second = opened(aurora, borealis, "acknowledge_alarms", equipment=equipment)
    shared = acknowledge(borealis, alarm, "our engineer is on the way")
    assert shared.acknowledged_for_id == borealis.id
    assert told(aurora) == told(borealis) == [("alarm.raised", "UNACK"), ("alarm.acknowledged", "ACKED")]
    with aurora.acting():
        end_agreement(agreement=agreement, reason="done")
        end_agreement(agreement=second, reason="done")
    edge.say(Lane.P0, cleared())
    assert told(borealis) == [] == told(cassia)
    for outsider in (borealis, cassia):
        with outsider.acting():
            assert not Alarm.objects.exists() and not AlarmChange.objects.exists()
            with pytest.raises(NotFound):
                access.get_alarm(alarm.pk)


def test_partner_without_telemetry_sees_the_alarm_but_no_series(aurora, borealis):
    edge = gateway(aurora)
    opened(aurora, borealis, "view_alarms")
    edge.say(Lane.P2, reading(code="GAS-T0-01", tag="CH4"))
    edge.say(Lane.P0, raised())
    with borealis.acting():
        snapshot = api.alarm_snapshot(access.get_alarm(Alarm.objects.get().pk))
    assert snapshot["alarm"]["type"] == "ch4.hi" and snapshot["series"] == [] == snapshot["readings"]


def test_snapshot_holds_the_hour_before_of_that_machine_as_plain_json(aurora):
    edge = gateway(aurora)
    near = [reading(n, code="GAS-T0-01", tag="CH4", ago_s=300 - n) for n in range(210)]
    far = [reading(-1, code="GAS-T0-01", tag="CH4", ago_s=4000), reading(-2)]
    edge.say(Lane.P2, *near, *far)
    edge.say(Lane.P0, raised())
    with aurora.acting():
        snapshot = json.loads(json.dumps(api.alarm_snapshot(access.get_alarm(Alarm.objects.get().pk))))
    assert [row[2] for row in snapshot["readings"]] == [float(n) for n in range(10, 210)]
    assert snapshot["site"]["name"] == "Aurora North" and snapshot["equipment"]["code"] == "GAS-T0-01"


def test_role_without_the_capability_can_not_acknowledge(aurora):
    gateway(aurora).say(Lane.P0, raised())
    with aurora.acting("viewer"), pytest.raises(Forbidden):
        actions.acknowledge_alarm(alarm=Alarm.objects.get())


def test_alarm_that_ends_and_begins_again_within_a_batch_makes_two_rows(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(1.1))
    acknowledge(aurora, the_alarm(aurora))
    edge.say(Lane.P0, cleared(0.4), raised(1.5), raised(1.6))
    with aurora.acting():
        rows = list(Alarm.objects.own().order_by("pk").values_list("state", "value"))
    assert rows == [("NORM", 0.4), ("UNACK", 1.6)]
    assert [event for event, _, _ in history(aurora)][-3:] == ["cleared", "raised", "updated"]


def test_clearing_before_the_raising_in_one_batch_clears_nothing(aurora):
    gateway(aurora).say(Lane.P0, cleared(), raised())
    assert the_alarm(aurora).state == "UNACK" and len(set_aside(aurora)) == 1


def test_flood_of_alarms_in_one_batch_costs_few_statements(aurora, django_assert_max_num_queries):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised())
    flood = edge.batch(Lane.P0, *[raised(alarm_type=f"type {n}") for n in range(300)])
    with django_assert_max_num_queries(20):
        edge.record(flood)
    assert len(told(aurora)) == 301 + 2  # and of the flood that they are: its beginning, and its count


def test_batch_that_goes_through_several_states_leaves_each_step_in_the_log(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(severity="high"))
    acknowledge(aurora, the_alarm(aurora))
    edge.say(Lane.P0, raised(severity="critical"), cleared(), raised(), cleared())
    assert [(before, after) for _, before, after in history(aurora)][2:] == [
        ("ACKED", "UNACK"),
        ("UNACK", "RTNUN"),
        ("RTNUN", "UNACK"),
        ("UNACK", "RTNUN"),
    ]
    assert the_alarm(aurora).state == "RTNUN"


def test_why_an_alarm_was_raised_and_cleared_stands_in_its_history(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(0.7, detail="ch4 reaches 1 % in 9 min (7 min to 12 min), 30 USC 863 (i)"), cleared())
    with aurora.acting():
        changes = AlarmChange.objects.filter(tenant=aurora.id).order_by("pk").own()
        assert [change.comment for change in changes] == [
            "ch4 reaches 1 % in 9 min (7 min to 12 min), 30 USC 863 (i)",
            "",
        ]
