"""An acknowledged alarm that stands on is announced again: once a period, however many sweeps run."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from edge_bridge.alarms import actions
from edge_bridge.alarms.sweeps import sweep_alarms, sweep_of
from edge_bridge.catalogue import actions as catalogue
from edge_bridge.models import Alarm, AlarmChange
from edge_bridge.protocol import Lane
from tenants.data import Forbidden, Invalid
from tenants.models import FeedEvent
from tests.integration.edge.rules import kept
from tests.integration.edge.scenes import cleared, gateway, history, opened, raised, the_alarm, told
from tests.together import at_once

NAME = "Methane of the upper corner"


@pytest.fixture(autouse=True)
def _patience(settings):
    """With the gateway, which is not heard for as long as these tests look ahead."""
    settings.EDGE_SILENT_S = 86_400


def after(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def called_again(owner, re_alarm_s: int | None, role: str = "manager"):
    rule = kept(owner, NAME)
    with owner.acting(role):
        return catalogue.set_calls(rule=rule, is_safety=True, re_alarm_s=re_alarm_s, reason="gas is not forgotten")


def acknowledge(owner) -> None:
    with owner.acting("operator"):
        actions.acknowledge_alarm(alarm=Alarm.objects.get(alarm_type="ch4.hi"))


def swept(owner, seconds: float) -> int:
    with owner.acting():
        return sweep_of(owner.id, after(seconds))


def announced(owner) -> list[int]:
    with owner.acting():
        rows = FeedEvent.objects.filter(kind="alarm.re_alarmed").order_by("seq")
        return [row.body["n_re_alarms"] for row in rows]


def test_acknowledged_alarm_that_stands_is_announced_again_each_period(aurora):
    called_again(aurora, 600)
    gateway(aurora).say(Lane.P0, raised(rule=NAME))
    acknowledge(aurora)
    assert the_alarm(aurora).re_alarm_at > after(590)
    assert (swept(aurora, 590), swept(aurora, 601), swept(aurora, 602)) == (0, 1, 0)
    alarm = the_alarm(aurora)
    assert (alarm.state, alarm.n_re_alarms, alarm.re_alarm_at) == ("UNACK", 1, None)
    assert told(aurora)[-1] == ("alarm.re_alarmed", "UNACK")
    acknowledge(aurora)
    assert (swept(aurora, 590), swept(aurora, 601)) == (0, 1)
    assert announced(aurora) == [1, 2]
    assert [event for event, _, _ in history(aurora)] == ["raised", *["acknowledged", "re_alarmed"] * 2]
    with aurora.acting():
        said = AlarmChange.objects.filter(event="re_alarmed").order_by("pk").first()
    assert said.comment == "stands 10 min after it was acknowledged: re-alarm 1"


def test_two_beats_at_once_announce_it_once(aurora):
    called_again(aurora, 60)
    gateway(aurora).say(Lane.P0, raised(rule=NAME))
    acknowledge(aurora)
    at_once(*[partial(sweep_alarms, after(61))] * 4)
    assert announced(aurora) == [1]


def test_alarm_that_cleared_or_came_late_or_has_no_such_rule_is_not_announced_again(aurora):
    called_again(aurora, 60)
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(rule=NAME))
    acknowledge(aurora)
    edge.say(Lane.P0, cleared(rule=NAME))
    for more in ({"rule": NAME, "historical": True}, {"rule": "another"}):
        edge.say(Lane.P0, raised(**more, alarm_type=f"type {more['rule']}"))
        with aurora.acting():
            actions.acknowledge_alarm(alarm=Alarm.objects.get(alarm_type=f"type {more['rule']}"))
    assert swept(aurora, 100) == 0 and announced(aurora) == []


def test_rule_of_a_template_is_found_under_the_name_that_gateways_give_it(aurora):
    called_again(aurora, 60)
    gateway(aurora).say(Lane.P0, raised(rule=f"{NAME} (unverified template)"))
    acknowledge(aurora)
    assert swept(aurora, 61) == 1


def test_acknowledgement_of_a_partner_counts_as_well(aurora, borealis):
    called_again(aurora, 60)
    gateway(aurora).say(Lane.P0, raised(rule=NAME))
    opened(aurora, borealis, "view_alarms", "acknowledge_alarms")
    with borealis.acting():
        actions.acknowledge_alarm(alarm=Alarm.objects.get())
    assert swept(aurora, 61) == 1
    assert told(borealis)[-1] == ("alarm.re_alarmed", "UNACK")


def test_shelved_alarm_waits_for_the_end_of_its_shelf(aurora):
    called_again(aurora, 60)
    gateway(aurora).say(Lane.P0, raised(rule=NAME))
    acknowledge(aurora)
    with aurora.acting():
        actions.shelve_alarm(alarm=Alarm.objects.get(), until=after(1800), reason="being looked at")
    assert swept(aurora, 100) == 0
    assert the_alarm(aurora).re_alarm_at is None


@pytest.mark.parametrize("re_alarm_s", [0, 59, 86_401])
def test_period_out_of_bounds_is_refused(aurora, re_alarm_s):
    with pytest.raises(Invalid):
        called_again(aurora, re_alarm_s)


def test_only_who_manages_rules_sets_it(aurora):
    with pytest.raises(Forbidden):
        called_again(aurora, 60, role="operator")
