"""What is due without anybody asking: escalation, silent gateways, floods and their end; the figures of the log."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest

from edge_bridge.actions import revoke_device
from edge_bridge.alarm_log import AlarmLog
from edge_bridge.alarms import actions, policies
from edge_bridge.alarms.cloud import Finding, clear_alarm, raise_alarm
from edge_bridge.alarms.escalation import escalate_due
from edge_bridge.alarms.health import alarm_health
from edge_bridge.alarms.sweeps import sweep_alarms, sweep_of
from edge_bridge.authentication import device_of
from edge_bridge.models import Alarm, AlarmChange, Device, Watermark
from edge_bridge.protocol import Alarm as AlarmEntry
from edge_bridge.protocol import Entry, Lane
from edge_bridge.sweeping import sweep_each
from tenants.context import acting_as
from tenants.data import Invalid, NotFound
from tenants.feed.receipts import note_receipts
from tenants.models import FeedEvent, FeedHead, new_id
from tests.integration.edge.scenes import Gateway, cleared, gateway, history, raised, reading, the_alarm, told
from tests.together import at_once


def after(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def swept(owner, now: datetime) -> int:
    with owner.acting():
        return sweep_of(owner.id, now)


def escalated(owner, now: datetime) -> int:
    """How many alarms went on; the gateways of these tests fall silent meanwhile, which is an alarm of its own."""
    with owner.acting():
        return escalate_due(owner.id, now)


def escalations(owner) -> list[str]:
    with owner.acting():
        rows = FeedEvent.objects.filter(kind="alarm.escalated").order_by("seq")
        return [row.body["escalated_to"] for row in rows]


def policy(owner, severity: str, *steps: policies.Step, site: str = "") -> None:
    with owner.acting("manager"):
        policies.set_escalation(site=owner.sites.get(site), severity=severity, steps=steps)


def received(owner) -> None:
    """A screen of the owner says that it has the whole feed."""
    with owner.acting():
        head = FeedHead.objects.get(tenant=owner.id)
        note_receipts(owner.id, head.epoch, {owner.user.pk: head.seq})


def heard(edge: Gateway, owner, seconds: float, *said: AlarmEntry) -> None:
    """The cloud takes these in so long from now."""
    machine = owner.equipment["GAS-T0-01"]
    with acting_as(edge.actor):
        log = AlarmLog(edge.device, after(seconds))
        log.prepare([(machine, alarm) for alarm in said])
        for alarm in said:
            log.take(machine, alarm)
        log.write()


def test_unacknowledged_alarm_goes_step_by_step_and_each_step_once(aurora):
    policy(aurora, "high", policies.Step(60, "manager"), policies.Step(120, user_id=aurora.user.pk))
    policy(aurora, "high", policies.Step(30, "owner"), site="north-mill")  # another site's
    gateway(aurora).say(Lane.P0, raised(severity="high"))
    assert escalated(aurora, after(50)) == 0
    assert (escalated(aurora, after(61)), escalated(aurora, after(62))) == (1, 0)
    assert (escalated(aurora, after(200)), escalated(aurora, after(9000))) == (1, 0)
    assert escalations(aurora) == ["role:manager", f"user:{aurora.user.pk}"]
    alarm = the_alarm(aurora)
    assert (alarm.state, alarm.severity, alarm.escalation_step) == ("UNACK", "high", 2)


def test_acknowledged_or_late_alarm_escalates_to_nobody(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(), raised(alarm_type="late", historical=True))
    with aurora.acting():
        actions.acknowledge_alarm(alarm=Alarm.objects.get(alarm_type="ch4.hi"))
    assert escalated(aurora, after(2000)) == 0


def test_alarm_that_grows_worse_begins_its_steps_anew(aurora):
    policy(aurora, "high", policies.Step(60, "manager"))
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(severity="high"))
    swept(aurora, after(61))
    edge.say(Lane.P0, raised(severity="critical"))
    alarm = the_alarm(aurora)
    assert (alarm.escalation_step, alarm.escalated_to) == (0, "")


def test_alarm_that_chatters_keeps_its_clock_and_its_steps(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised())
    received(aurora)
    heard(edge, aurora, 240, cleared(), raised(1.4))
    received(aurora)
    assert told(aurora)[-1] == ("alarm.raised", "UNACK")
    assert (escalated(aurora, after(299)), escalated(aurora, after(301))) == (0, 1)
    heard(edge, aurora, 480, cleared(), raised(1.5), cleared())
    alarm = the_alarm(aurora)
    assert (alarm.state, alarm.escalation_step, alarm.escalated_to) == ("RTNUN", 1, "role:manager")
    heard(edge, aurora, 720, raised())
    received(aurora)
    assert (escalated(aurora, after(899)), escalated(aurora, after(901)), escalated(aurora, after(9000))) == (0, 1, 0)
    assert escalations(aurora) == ["role:manager", "role:owner"]


def test_alarm_that_chatters_unread_goes_on_before_its_time(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised())
    heard(edge, aurora, 40, cleared(), raised())
    assert escalated(aurora, after(70)) == 1
    heard(edge, aurora, 80, cleared(), raised())
    assert escalated(aurora, after(150)) == 0 and escalations(aurora) == ["role:manager"]


def test_call_of_a_chattering_alarm_that_no_screen_received_counts_for_itself(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised())
    received(aurora)
    heard(edge, aurora, 40, cleared(), raised())
    assert escalated(aurora, after(110)) == 1


def test_alarm_that_was_acknowledged_and_comes_back_begins_anew(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised())
    assert escalated(aurora, after(301)) == 1
    with aurora.acting():
        actions.acknowledge_alarm(alarm=Alarm.objects.get())
    heard(edge, aurora, 310, cleared(), raised())
    received(aurora)
    with aurora.acting():
        again = Alarm.objects.exclude(state="NORM").get()
    assert (again.escalation_step, again.escalated_to) == (0, "")
    assert (escalated(aurora, after(609)), escalated(aurora, after(611))) == (0, 1)


@pytest.mark.parametrize("first", [{"severity": "high"}, {"historical": True}])
def test_alarm_that_comes_back_worse_or_called_nobody_before_begins_anew(aurora, first):
    policy(aurora, "high", policies.Step(60, "manager"))
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(**first), cleared(**first))
    escalated(aurora, after(61))
    heard(edge, aurora, 1000, raised())
    received(aurora)
    alarm = the_alarm(aurora)
    assert (alarm.severity, alarm.escalation_step, alarm.escalated_to) == ("critical", 0, "")
    assert (escalated(aurora, after(1299)), escalated(aurora, after(1301))) == (0, 1)


def test_alarm_of_the_cloud_that_chatters_keeps_its_clock_unless_it_comes_back_worse(aurora):
    site_id, seconds = aurora.sites["north"].pk, iter((0, 240, 480))
    place = {"tenant_id": aurora.id, "site_id": site_id}
    found = [Finding("alarm_flood", severity, "alarms", 11, 10, "test") for severity in ("low", "low", "high")]
    began = []
    for finding in found:
        with aurora.acting():
            began.append(raise_alarm(finding, now=after(next(seconds)), **place).annunciated_at)
            clear_alarm("alarm_flood", now=after(0), **place)
    assert began[1] == began[0] < began[2]


def test_alarm_that_a_person_silenced_for_a_while_begins_anew(aurora):
    gateway(aurora).say(Lane.P0, raised())
    assert escalated(aurora, after(301)) == 1
    with aurora.acting("manager"):
        alarm = Alarm.objects.get()
        actions.take_out_of_service(alarm=alarm, reason="its sensor is changed")
        actions.return_alarm(alarm=alarm)
    alarm = the_alarm(aurora)
    assert (alarm.state, alarm.escalation_step, alarm.escalated_to) == ("UNACK", 0, "")


def test_critical_alarm_that_no_screen_received_goes_on_before_its_time(aurora):
    gateway(aurora).say(Lane.P0, raised(), raised(alarm_type="seen too", severity="high"))
    assert swept(aurora, after(70)) == 1
    assert escalations(aurora) == ["role:manager"]
    with aurora.acting():
        assert AlarmChange.objects.get(event="escalated").comment == "to role:manager: no screen has received it"


def test_critical_alarm_that_a_screen_received_waits_for_its_steps(aurora):
    gateway(aurora).say(Lane.P0, raised())
    received(aurora)
    assert (escalated(aurora, after(70)), escalated(aurora, after(301))) == (0, 1)


@pytest.mark.parametrize(
    "bring_back",
    [
        lambda edge: edge.say(Lane.P0, raised(severity="critical")),
        lambda edge: edge.say(Lane.P0, cleared(severity="high"), raised(severity="critical")),
    ],
)
def test_alarm_that_was_seen_must_be_seen_again_when_it_grows_worse(aurora, bring_back):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(severity="high"))
    received(aurora)
    bring_back(edge)
    assert told(aurora)[-1][0] in ("alarm.re_alarmed", "alarm.raised")
    assert escalated(aurora, after(70)) == 1
    with aurora.acting():
        assert AlarmChange.objects.get(event="escalated").comment == "to role:manager: no screen has received it"


def test_alarm_that_returns_from_a_shelf_must_reach_a_screen_again(aurora):
    gateway(aurora).say(Lane.P0, raised())
    with aurora.acting():
        alarm = Alarm.objects.get()
        actions.acknowledge_alarm(alarm=alarm)
        actions.shelve_alarm(alarm=alarm, until=after(30), reason="sensor is cleaned")
    received(aurora)
    swept(aurora, after(31))
    assert told(aurora)[-1] == ("alarm.returned", "UNACK")
    assert escalated(aurora, after(31 + 70)) == 1


def test_older_alarms_that_are_never_due_keep_no_other_waiting(aurora):
    """Five hundred are looked at in one go."""
    gateway(aurora).say(Lane.P0, raised(severity="low"))
    with aurora.acting():
        first = Alarm.objects.get()
        facts = {field.attname: getattr(first, field.attname) for field in Alarm._meta.concrete_fields}
        rows = [facts | {"id": new_id(), "alarm_type": f"type {n}"} for n in range(501)]
        Alarm.objects.bulk_create(Alarm(**row) for row in rows)
    policy(aurora, "low", policies.Step(86_400, "manager"))
    gateway(aurora).say(Lane.P0, raised(alarm_type="gas"))
    received(aurora)
    assert escalated(aurora, after(301)) == 2  # with the flood that it came in
    assert escalations(aurora) == ["role:manager", "role:manager"]
    assert escalated(aurora, after(86_500)) == 500 and escalated(aurora, after(86_501)) == 4


def test_what_fails_in_one_organisations_share_stops_no_other(aurora, borealis):
    done = []

    def share(tenant_id):
        if tenant_id == min(aurora.id, borealis.id):
            Alarm.objects.create(tenant_id=tenant_id)
        done.append(tenant_id)
        return 1

    with pytest.raises(ExceptionGroup, match="1 organisations' share in test failed"):
        sweep_each({aurora.id, borealis.id}, "test", share)
    assert done == [max(aurora.id, borealis.id)]


@pytest.mark.parametrize(
    "steps",
    [
        [policies.Step(5, "manager")],
        [policies.Step(60, "finance")],
        [policies.Step(60)],
        [policies.Step(60, "manager"), policies.Step(60, "owner")],
        [policies.Step(60 + n, "manager") for n in range(6)],
    ],
)
def test_policy_that_calls_nobody_in_order_is_refused(aurora, steps):
    with pytest.raises(Invalid):
        policy(aurora, "high", *steps)


def test_silent_gateway_is_an_alarm_until_its_next_batch(aurora):
    edge = gateway(aurora)
    edge.post(edge.batch(Lane.P2, reading()))
    assert swept(aurora, after(60)) == 0
    assert (swept(aurora, after(150)), swept(aurora, after(160))) == (1, 0)
    alarm = the_alarm(aurora)
    assert (alarm.alarm_type, alarm.equipment_id, alarm.device_id) == ("edge_silent", None, edge.device.pk)
    assert alarm.value > alarm.limit == 120
    edge.post(edge.batch(Lane.P2, reading()))
    assert the_alarm(aurora).state == "RTNUN"
    assert [event for event, _, _ in history(aurora)] == ["raised", "cleared"]
    assert swept(aurora, after(150)) == 1  # again, since it was heard again
    with aurora.acting():
        revoke_device(device=Device.objects.get(pk=edge.device.pk))
    assert the_alarm(aurora).state == "RTNUN"


def test_gateway_that_was_enrolled_and_never_spoke_is_an_alarm_once_until_its_first_batch(aurora):
    edge = gateway(aurora)
    assert swept(aurora, after(60)) == 0
    assert (swept(aurora, after(150)), swept(aurora, after(160))) == (1, 0)
    alarm = the_alarm(aurora)
    assert (alarm.alarm_type, alarm.device_id, alarm.limit) == ("edge_silent", edge.device.pk, 120)
    edge.post(edge.batch(Lane.P2, reading()))
    assert not the_alarm(aurora).stands
    other = gateway(aurora)
    with aurora.acting():
        revoke_device(device=other.device)
    assert swept(aurora, after(60)) == 0


def test_credential_whose_streams_another_one_took_over_is_not_watched_any_more(aurora):
    old, new = gateway(aurora), gateway(aurora)
    old.say(Lane.P2, reading())
    new.boot, new.next_seq = old.boot, old.next_seq
    new.say(Lane.P2, reading())
    assert swept(aurora, after(150)) == 1
    assert the_alarm(aurora).device_id == new.device.pk


def one_missed_of_two(owner):
    """Of two gateways with one credential; the other one was heard just now."""
    north = gateway(owner)
    south = replace(north, edge="south-gateway", boot=uuid4(), next_seq=dict.fromkeys(Lane, 1))
    for edge in (north, south):
        edge.post(edge.batch(Lane.P2, reading()))
    with owner.acting():
        Watermark.objects.filter(edge=north.edge).update(updated_at=after(-200))
    assert swept(owner, after(0)) == 1
    return north, south


def test_gateway_that_falls_silent_is_an_alarm_though_another_one_with_its_credential_speaks(aurora):
    north, south = one_missed_of_two(aurora)
    alarm = the_alarm(aurora)
    assert (alarm.device_id, alarm.detail) == (north.device.pk, "not heard: north-gateway") and alarm.value >= 200
    south.post(south.batch(Lane.P2, reading()))
    assert the_alarm(aurora).stands, "it is the other one that speaks"
    north.post(north.batch(Lane.P2, reading()))
    assert not the_alarm(aurora).stands
    assert swept(aurora, after(60)) == 0


def test_gateway_that_falls_silent_after_another_one_with_its_credential_calls_anew_and_once(aurora):
    north, south = one_missed_of_two(aurora)
    with aurora.acting():
        actions.acknowledge_alarm(alarm=Alarm.objects.get())
    assert (swept(aurora, after(100)), swept(aurora, after(150)), swept(aurora, after(160))) == (0, 1, 0)
    alarm = the_alarm(aurora)
    assert (alarm.state, alarm.detail) == ("UNACK", "not heard: north-gateway, south-gateway") and alarm.value >= 350
    assert told(aurora)[-1] == ("alarm.re_alarmed", "UNACK")
    with aurora.acting():
        Watermark.objects.filter(edge=south.edge).update(updated_at=after(-200))
    north.post(north.batch(Lane.P2, reading()))
    assert the_alarm(aurora).stands, "the other one is not heard"
    south.post(south.batch(Lane.P2, reading()))
    assert not the_alarm(aurora).stands


def test_gateway_that_got_a_credential_of_its_own_is_not_waited_for_by_the_one_that_it_shared(aurora):
    north = gateway(aurora)
    south = replace(north, edge="south-gateway", boot=uuid4(), next_seq=dict.fromkeys(Lane, 1))
    north.post(north.batch(Lane.P0, cleared()))
    for edge in (north, south):
        edge.post(edge.batch(Lane.P2, reading()))
    own = replace(gateway(aurora), boot=north.boot, next_seq=north.next_seq)
    with aurora.acting():
        Watermark.objects.filter(edge=north.edge).update(updated_at=after(-200))
    own.post(own.batch(Lane.P2, reading()))
    assert swept(aurora, after(0)) == 0


def test_gateway_that_only_asks_is_silent(aurora):
    """Its credential is good, but nothing that it has to say arrives."""
    edge = gateway(aurora)
    edge.say(Lane.P2, reading())
    device_of(edge.authorization)
    with aurora.acting():
        assert Device.objects.get(pk=edge.device.pk).last_seen_at is not None
        Watermark.objects.update(updated_at=after(-200))
    assert swept(aurora, after(0)) == 1
    alarm = the_alarm(aurora)
    assert alarm.alarm_type == "edge_silent" and alarm.value >= 200
    again = replace(edge.batch(Lane.P2, reading()), entries=(Entry(1, reading()),))
    with aurora.acting():
        edge.device.refresh_from_db()
    edge.record(again)  # what is known already says nothing
    assert the_alarm(aurora).stands
    edge.next_seq[Lane.P2] = 2
    edge.say(Lane.P2, reading())
    assert not the_alarm(aurora).stands


def test_flood_folds_what_comes_over_ten_and_ends_when_it_ebbs(aurora, cassia):
    edge = gateway(aurora)
    edge.say(Lane.P0, *[raised(alarm_type=f"type {n}", severity="medium") for n in range(10)])
    gateway(aurora).say(Lane.P0, raised(alarm_type="late", historical=True))
    with aurora.acting():
        assert not Alarm.objects.filter(alarm_type="alarm_flood").exists()
    edge.say(Lane.P0, *[raised(alarm_type=f"more {n}", severity="high") for n in range(20)])
    with aurora.acting():
        parent = Alarm.objects.get(alarm_type="alarm_flood")
        folded = Alarm.objects.filter(folded_into=parent)
        assert (parent.n_folded, parent.severity, len(folded)) == (20, "high", 20)
        events = list(FeedEvent.objects.filter(kind="alarm.raised", body__folded_into=str(parent.pk)))
        assert len(events) == 20
        flood = FeedEvent.objects.get(kind="alarm.flood")
        assert flood.body["n_folded"] == 20
    assert swept(aurora, after(60)) == 0
    assert swept(aurora, after(601)) == 3  # and both gateways are silent
    with aurora.acting():
        assert not Alarm.objects.get(pk=parent.pk).stands
    assert told(cassia) == []


def test_sweep_of_all_does_each_organisations_share(aurora, cassia):
    for owner in (aurora, cassia):
        with owner.acting():
            policies.set_escalation(site=None, severity="critical", steps=[policies.Step(10, "owner")])
    gateway(aurora).say(Lane.P0, raised())
    sweep_alarms(after(12))
    sweep_alarms(after(12))
    assert escalations(aurora) == ["role:owner"] and escalations(cassia) == []


def test_health_tells_calls_floods_chatter_and_the_worst_of_them(aurora, cassia):
    edge = gateway(aurora)
    edge.say(Lane.P0, *[raised(alarm_type=f"type {n}") for n in range(14)])
    for _ in range(3):
        edge.say(Lane.P0, cleared(alarm_type="type 0"), raised(alarm_type="type 0"))
    edge.say(Lane.P0, cleared(alarm_type="type 2"))
    site = aurora.sites["north"]
    with aurora.acting():
        alarm = Alarm.objects.get(alarm_type="type 1")
        actions.shelve_alarm(alarm=alarm, until=after(60), reason="too loud")
        actions.return_alarm(alarm=alarm)
        found = alarm_health(site, since=after(-3 * 3600), until=after(1), tenant_id=aurora.id)
        stale = alarm_health(site, since=after(0), until=after(90_000), tenant_id=aurora.id).stale
        Alarm.objects.filter(alarm_type="type 2").update(raised_at=after(-3 * 86_400), cleared_at=after(-86_400))
        past = alarm_health(site, since=after(-4 * 86_400), until=after(-86_401), tenant_id=aurora.id).stale
        over = alarm_health(site, since=after(-4 * 86_400), until=after(-86_399), tenant_id=aurora.id).stale
    assert found.calls == 14 + 1 + 3 + 1  # raised, the flood that they are, those that came back from NORM and a shelf
    assert (found.busiest_hour_calls, found.verdict, len(found.hours)) == (found.calls, "overloaded", 4)
    assert sum(flood.calls for flood in found.floods) == found.calls and len(stale) == 10
    assert [each.alarm_type for each in past] == ["type 2"] and over == []
    assert (found.top_ten[0].alarm_type, found.top_ten[0].calls) == ("type 0", 4)
    assert found.top_ten_frac == pytest.approx((4 + 2 + 8) / 19)
    assert [(source.equipment_code, source.alarm_type) for source in found.chattering] == [("GAS-T0-01", "type 0")]
    with cassia.acting(), pytest.raises(NotFound):
        alarm_health(site, since=after(-60), until=after(1), tenant_id=cassia.id)


def test_gateways_that_flood_a_site_at_once_count_every_alarm(aurora):
    edges = [gateway(aurora) for _ in range(4)]

    def pour(n: int) -> None:
        for batch in range(3):
            said = [raised(alarm_type=f"type {n} {batch} {k}", severity="low") for k in range(6)]
            edges[n].say(Lane.P0, *said, raised(alarm_type="shared", severity="low"))

    at_once(*[partial(pour, n) for n in range(len(edges))])
    with aurora.acting():
        parent = Alarm.objects.get(alarm_type="alarm_flood")
        folded = Alarm.objects.filter(folded_into=parent).own().count()
        assert parent.n_folded == folded >= 4 * 3 * 6 + 1 - 10 - len(edges) * 7
