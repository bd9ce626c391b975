"""What people do about alarms: shelving, service, assignment, comments, suppression; and what others see of it."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from edge_bridge.alarms import actions, policies
from edge_bridge.alarms.escalation import escalate_due
from edge_bridge.alarms.sweeps import end_shelves
from edge_bridge.catalogue.actions import enable_rule
from edge_bridge.models import Alarm, AlarmChange, Guard
from edge_bridge.protocol import Lane
from tenants.data import Conflict, Forbidden, Invalid, NotFound
from tests.agreements import mandate_of
from tests.functional.console.scenes import sign_in
from tests.integration.edge.rules import kept
from tests.integration.edge.scenes import cleared, gateway, history, opened, raised, the_alarm, told
from tests.integration.tenants.read_scenes import share
from tests.together import at_once

HOUR = timedelta(hours=1)
REASON = "sensor is being cleaned"


def shelve(owner, minutes: float = 30.0, role: str = "operator"):
    with owner.acting(role):
        until = datetime.now(UTC) + timedelta(minutes=minutes)
        return actions.shelve_alarm(alarm=Alarm.objects.get(tenant=owner.id), until=until, reason=REASON)


def suppress(owner, cause: str, effect: str):
    with owner.acting():
        return policies.make_suppression(site=owner.sites["north"], cause=cause, effect=effect, reason="it follows")


def states(owner) -> dict[str, str]:
    with owner.acting():
        return {row.alarm_type: str(row.state_now) for row in Alarm.objects.filter(tenant=owner.id).order_by("pk")}


def test_shelf_ends_at_its_time_for_readers_and_once_for_the_log(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised())
    assert shelve(aurora).state == "SHLVD"
    later = datetime.now(UTC) + HOUR
    alarm = the_alarm(aurora)
    assert (alarm.state_at(alarm.shelved_until - timedelta(seconds=1)), alarm.state_at(later)) == ("SHLVD", "UNACK")
    with aurora.acting():
        assert end_shelves(aurora.id, later) > 0
    alarm = the_alarm(aurora)
    assert (alarm.state, alarm.shelved_until, alarm.silenced_reason) == ("UNACK", None, "")
    with aurora.acting():
        assert end_shelves(aurora.id, later) == 0
    assert [event for event, _, _ in history(aurora)] == ["raised", "shelved", "returned_standing"]
    assert told(aurora)[-2:] == [("alarm.shelved", "SHLVD"), ("alarm.returned", "UNACK")]


def test_acknowledging_after_the_shelf_is_over_needs_no_sweep_before(aurora):
    gateway(aurora).say(Lane.P0, raised())
    shelve(aurora)
    with aurora.acting():
        Alarm.objects.update(shelved_until=datetime.now(UTC))
        assert actions.acknowledge_alarm(alarm=Alarm.objects.get()).state == "ACKED"
    assert [event for event, _, _ in history(aurora)] == ["raised", "shelved", "returned_standing", "acknowledged"]


def test_condition_that_comes_and_goes_under_a_shelf_is_told_and_kept(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised())
    shelve(aurora)
    edge.say(Lane.P0, cleared())
    edge.say(Lane.P0, raised())
    alarm = the_alarm(aurora)
    assert (alarm.state, alarm.stands) == ("SHLVD", True)
    assert told(aurora)[-2:] == [("alarm.cleared", "SHLVD"), ("alarm.raised", "SHLVD")]


@pytest.mark.parametrize(("minutes", "reason"), [(-1, REASON), (61, REASON), (30, " "), (30, "x" * 301)])
def test_shelf_without_an_end_in_reach_or_a_reason_is_refused(aurora, minutes, reason):
    gateway(aurora).say(Lane.P0, raised())
    with aurora.acting(), pytest.raises(Invalid):
        until = datetime.now(UTC) + timedelta(minutes=minutes)
        actions.shelve_alarm(alarm=Alarm.objects.get(), until=until, reason=reason)
    assert the_alarm(aurora).state == "UNACK"


def test_out_of_service_is_a_managers_word_and_holds_whatever_grows_worse(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(severity="low"))
    with aurora.acting("operator"), pytest.raises(Forbidden):
        actions.take_out_of_service(alarm=Alarm.objects.get(), reason=REASON)
    with aurora.acting("manager"):
        actions.take_out_of_service(alarm=Alarm.objects.get(), reason=REASON)
    edge.say(Lane.P0, raised(severity="critical"), cleared())
    assert the_alarm(aurora).state == "OOSRV"
    with aurora.acting("operator"):
        assert actions.return_alarm(alarm=Alarm.objects.get()).state == "NORM"


def test_past_alarm_is_taken_out_of_service_before_it_comes_again(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(), cleared())
    with aurora.acting():
        actions.acknowledge_alarm(alarm=Alarm.objects.get())
        actions.take_out_of_service(alarm=Alarm.objects.get(), reason="calibration")
    edge.say(Lane.P0, raised())
    alarm = the_alarm(aurora)
    assert (alarm.state, alarm.stands) == ("OOSRV", True)


def test_alarm_is_given_to_a_member_and_to_nobody_else(aurora, borealis):
    gateway(aurora).say(Lane.P0, raised())
    with aurora.acting("operator"):
        taken = actions.assign_alarm(alarm=Alarm.objects.get(), user_id=aurora.user.pk)
        assert (taken.assigned_to_id, taken.state) == (aurora.user.pk, "UNACK")
        with pytest.raises(Invalid):
            actions.assign_alarm(alarm=taken, user_id=borealis.user.pk)
    with aurora.acting("viewer"), pytest.raises(Forbidden):
        actions.assign_alarm(alarm=Alarm.objects.get(), user_id=None)


def test_partner_acknowledges_and_comments_where_opened_and_can_do_no_more(aurora, borealis, cassia):
    gateway(aurora).say(Lane.P0, raised())
    alarm = the_alarm(aurora)
    opened(aurora, borealis, "view_alarms", "acknowledge_alarms")
    until = datetime.now(UTC) + timedelta(minutes=5)
    steps = {
        "shelve": lambda: actions.shelve_alarm(alarm=alarm, until=until, reason=REASON),
        "service": lambda: actions.take_out_of_service(alarm=alarm, reason=REASON),
        "return": lambda: actions.return_alarm(alarm=alarm),
        "assign": lambda: actions.assign_alarm(alarm=alarm, user_id=borealis.user.pk),
        "comment": lambda: actions.comment_alarm(alarm=alarm, comment="who is there?"),
    }
    for party, step in [(party, step) for party in (borealis, cassia) for step in steps.values()]:
        with party.acting(), pytest.raises(NotFound):
            step()
    opened(aurora, borealis, "comment")
    with borealis.acting():
        actions.comment_alarm(alarm=alarm, comment="our engineer is on the way")
        assert actions.acknowledge_alarm(alarm=alarm).state == "ACKED"
    with aurora.acting():
        said = AlarmChange.objects.get(event="commented")
        assert (said.comment, said.by_tenant_id, said.from_state) == (
            "our engineer is on the way",
            borealis.id,
            "UNACK",
        )


def test_what_the_mine_silences_stays_in_sight_of_the_regulator(aurora, delta):
    """The holder of a mandate sees each alarm with its state and hears of every step, also of those for which nobody at
    the mine is called."""
    mandate_of(aurora, delta)
    edge = gateway(aurora)
    edge.say(Lane.P0, raised())
    shelve(aurora)
    edge.say(Lane.P0, cleared())
    edge.say(Lane.P0, raised(1.5))
    with delta.acting():
        seen = Alarm.objects.get()
        assert (seen.state, seen.stands, seen.value, seen.silenced_reason) == ("SHLVD", True, 1.5, REASON)
    assert told(delta) == told(aurora)
    assert [kind for kind, _ in told(delta)] == ["alarm.raised", "alarm.shelved", "alarm.cleared", "alarm.raised"]


def test_effect_is_suppressed_while_its_cause_stands_and_returns_with_it(aurora):
    edge = gateway(aurora)
    suppress(aurora, "power_failed", "fan_stopped")
    edge.say(Lane.P0, raised(alarm_type="power_failed"), raised(alarm_type="fan_stopped", tag="running"))
    assert states(aurora) == {"power_failed": "UNACK", "fan_stopped": "DSUPR"}
    assert told(aurora)[:2] == [("alarm.raised", "UNACK"), ("alarm.raised", "DSUPR")]
    edge.say(Lane.P0, cleared(alarm_type="power_failed"))
    assert states(aurora) == {"power_failed": "RTNUN", "fan_stopped": "UNACK"}
    edge.say(Lane.P0, raised(alarm_type="power_failed"))
    assert states(aurora) == {"power_failed": "UNACK", "fan_stopped": "DSUPR"}
    edge.say(Lane.P0, cleared(alarm_type="fan_stopped", tag="running"), cleared(alarm_type="power_failed"))
    assert states(aurora) == {"power_failed": "RTNUN", "fan_stopped": "NORM"}


def test_nothing_that_stands_silences_what_guards_people(aurora):
    edge = gateway(aurora)
    suppress(aurora, "conveyor.stopped", "ch4.hi")
    edge.say(Lane.P0, raised(alarm_type="conveyor.stopped", tag="running"), raised(alarm_type="ch4.hi", tag="CH4"))
    assert states(aurora) == {"conveyor.stopped": "UNACK", "ch4.hi": "UNACK"}
    rule = kept(aurora)
    with aurora.acting():
        enable_rule(rule=rule, reason="the owner knows the sensor")
        raises = Guard.objects.get().alarm_type
    with pytest.raises(Invalid, match="No other alarm suppresses"):
        suppress(aurora, "conveyor.stopped", raises)


def test_rule_works_from_its_making_to_its_end_and_never_in_a_ring(aurora):
    gateway(aurora).say(Lane.P0, raised(alarm_type="power_failed"), raised(alarm_type="fan_stopped", tag="running"))
    rule = suppress(aurora, "power_failed", "fan_stopped")
    assert states(aurora)["fan_stopped"] == "DSUPR"
    suppress(aurora, "fan_stopped", "air_slow")
    with pytest.raises(Invalid, match="ring"):
        suppress(aurora, "air_slow", "power_failed")
    with aurora.acting():
        with pytest.raises(Conflict):
            actions.return_alarm(alarm=Alarm.objects.get(alarm_type="fan_stopped"))
        policies.end_suppression(rule=rule)
    assert states(aurora)["fan_stopped"] == "UNACK"


def test_cause_that_goes_while_its_effect_comes_leaves_nothing_suppressed(aurora):
    edges = [gateway(aurora) for _ in range(2)]
    suppress(aurora, "power_failed", "fan_stopped")
    for _ in range(4):
        edges[0].say(Lane.P0, raised(alarm_type="power_failed"))
        at_once(
            partial(edges[0].say, Lane.P0, cleared(alarm_type="power_failed")),
            partial(edges[1].say, Lane.P0, raised(alarm_type="fan_stopped", tag="running")),
        )
        assert states(aurora)["fan_stopped"] == "UNACK"
        edges[1].say(Lane.P0, cleared(alarm_type="fan_stopped", tag="running"))


def test_two_people_who_answer_at_once_take_one_step(aurora):
    gateway(aurora).say(Lane.P0, raised())
    alarm = the_alarm(aurora)

    def answer() -> str:
        try:
            with aurora.acting():
                return str(actions.acknowledge_alarm(alarm=alarm).state)
        except Conflict:
            return "too late"

    assert sorted(at_once(*[answer] * 4)) == ["ACKED", "too late", "too late", "too late"]
    assert [event for event, _, _ in history(aurora)] == ["raised", "acknowledged"]


def with_every_word_said(owner) -> None:
    """An alarm that was assigned, suppressed, returned, escalated, shelved and taken out of service."""
    edge = gateway(owner)
    edge.say(Lane.P0, raised(alarm_type="fan_stopped", tag="running"))
    later = datetime.now(UTC) + timedelta(minutes=6)
    with owner.acting():
        alarm = Alarm.objects.get()
        actions.assign_alarm(alarm=alarm, user_id=owner.user.pk)
    rule = suppress(owner, "power_failed", "fan_stopped")
    edge.say(Lane.P0, raised(alarm_type="power_failed"))
    with owner.acting():
        policies.end_suppression(rule=rule)
        assert escalate_due(owner.id, later)
        actions.shelve_alarm(alarm=alarm, until=datetime.now(UTC) + timedelta(minutes=9), reason=REASON)
        actions.take_out_of_service(alarm=alarm, reason=REASON)
        actions.comment_alarm(alarm=alarm, comment="somebody is on the way")


@pytest.mark.parametrize(
    ("hidden", "events"),
    [
        ("silenced_reason", {"shelved", "suppressed", "taken_out_of_service"}),
        ("assigned_to", {"assigned"}),
        ("escalated_to", {"escalated"}),
    ],
)
def test_history_does_not_say_what_the_clause_hides_of_the_alarm(aurora, borealis, cassia, hidden, events):
    opened(aurora, cassia, "view_alarms")
    share(aurora, borealis, "view_alarms", field_mask=[hidden])
    with_every_word_said(aurora)
    with aurora.acting():
        alarm = Alarm.objects.get(alarm_type="fan_stopped")
    for partner, not_said in ((borealis, events), (cassia, set())):
        changes = partner.client().get(f"/api/v1/alarms/{alarm.pk}").json()["changes"]
        assert {change["event"] for change in changes if change["comment"] is None} == not_said
        assert {change["event"] for change in changes if "comment" in change["masked"]} == not_said
        assert {change["event"] for change in changes if change["comment"]} == {
            *({"shelved", "suppressed", "taken_out_of_service", "assigned", "escalated", "commented"} - not_said),
        }
    page = sign_in(borealis).get(f"/alarms/{alarm.pk}").content.decode()
    assert page.count("<td>hidden</td>") == len(events)
