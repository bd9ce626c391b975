"""Alarms whose source is gone: a gateway that began anew, one that was revoked, a machine that was moved away."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from edge_bridge.actions import revoke_device
from edge_bridge.alarms import actions
from edge_bridge.alarms.data import SOURCE_SETTLES
from edge_bridge.alarms.sweeps import sweep_of
from edge_bridge.commands.queries import interlock
from edge_bridge.models import Alarm, AlarmChange, Device
from edge_bridge.protocol import Birth, Heartbeat, Lane, Tag
from tenants.data import Conflict, Forbidden
from tenants.models import LedgerEntry
from tenants.resources import relocations
from tests.integration.edge import command_scenes as commands
from tests.integration.edge.scenes import cleared, gateway, history, raised, the_alarm

LATER = SOURCE_SETTLES + timedelta(seconds=5)
METHANE = Tag("GAS-T0-01", "ch4", "%")


def born(edge, *tags: Tag) -> None:
    edge.say(Lane.P1, Birth(datetime.now(UTC), tags))


def beat(edge, later: timedelta = timedelta()) -> None:
    edge.say(Lane.P1, Heartbeat(datetime.now(UTC) + later, 0, 0))


def anew(edge):
    """The same gateway with a new journal."""
    return replace(edge, boot=uuid4(), next_seq=dict.fromkeys(Lane, 1))


def comments(owner) -> list[str]:
    with owner.acting():
        return list(
            AlarmChange.objects.filter(event="cleared", alarm__equipment__isnull=False)
            .own()
            .values_list("comment", flat=True)
        )


def test_what_a_new_epoch_does_not_raise_again_on_a_machine_that_it_hears_is_over(aurora):
    edge = gateway(aurora)
    born(edge, METHANE)
    edge.say(Lane.P0, raised(), raised(alarm_type="co.hi"), raised(code="PUMP-07"))
    beat(edge, LATER)
    assert [event for event, _, _ in history(aurora)] == ["raised"] * 3, "its own epoch says that they stand"
    edge = anew(edge)
    edge.say(Lane.P0, raised(alarm_type="co.hi"))
    born(edge, METHANE)
    beat(edge)
    assert comments(aurora) == []
    beat(edge, LATER)
    assert comments(aurora) == ["its gateway began anew and has not raised it again."]
    with aurora.acting():
        standing = Alarm.objects.filter(cleared_at=None).order_by("pk")
        assert [(row.alarm_type, row.equipment.code) for row in standing] == [
            ("co.hi", "GAS-T0-01"),
            ("ch4.hi", "PUMP-07"),  # of which this epoch has heard nothing
        ]


def test_interlock_of_an_alarm_that_nobody_would_clear_is_let_go_by_a_manager_who_says_why(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised())
    kind, fan = commands.switch(aurora), aurora.equipment["FAN-01"]
    alarm = the_alarm(aurora)
    with aurora.acting("manager"), pytest.raises(Conflict, match="still says"):
        actions.clear_by_hand(alarm=alarm, reason="the old journal is gone")
    born(anew(edge))
    with aurora.acting("operator"), pytest.raises(Forbidden):
        actions.clear_by_hand(alarm=alarm, reason="the old journal is gone")
    with aurora.acting("manager"):
        assert interlock(kind, fan) == alarm
        cleared_one = actions.clear_by_hand(alarm=alarm, reason="the old journal is gone")
        assert cleared_one.state == "RTNUN"
        actions.acknowledge_alarm(alarm=alarm)
        assert interlock(kind, fan) is None
    with aurora.acting():
        entry = LedgerEntry.objects.get(tenant=aurora.id, kind="alarm.cleared")
        assert json.loads(entry.payload)["reason"] == "the old journal is gone"
    assert comments(aurora) == [
        "by hand, since its gateway began anew and has not raised it again: the old journal is gone"
    ]


def revoked(owner, edge) -> None:
    with owner.acting():
        revoke_device(device=Device.objects.get(pk=edge.device.pk))


def swept(owner, later: timedelta = timedelta()) -> None:
    with owner.acting():
        sweep_of(owner.id, datetime.now(UTC) + later)


def test_alarm_of_a_revoked_gateway_is_over_unless_another_one_speaks_for_its_machine(aurora):
    edge = gateway(aurora)
    born(edge, METHANE)
    edge.say(Lane.P0, raised(), raised(code="PUMP-07"))
    successor = replace(gateway(aurora), boot=edge.boot, next_seq=edge.next_seq)
    revoked(aurora, edge)
    swept(aurora)
    assert comments(aurora) == []
    beat(successor)  # the same journal with a new credential
    swept(aurora, LATER)
    assert comments(aurora) == ["its gateway's credential was revoked."]
    with aurora.acting():
        assert Alarm.objects.get(equipment__code="GAS-T0-01").stands
        assert not Alarm.objects.get(equipment__code="PUMP-07").stands
    revoked(aurora, successor)
    swept(aurora, LATER)
    assert comments(aurora) == ["its gateway's credential was revoked."] * 2


def test_gateways_own_alarms_end_with_its_credential(aurora):
    edge = gateway(aurora)
    beat(edge)
    swept(aurora, timedelta(seconds=150))
    assert the_alarm(aurora).alarm_type == "edge_silent"
    revoked(aurora, edge)
    assert not the_alarm(aurora).stands


def test_alarm_of_a_machine_that_was_moved_may_be_cleared_by_hand_and_still_by_its_gateway(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(code="PUMP-07"), raised(code="PUMP-07", alarm_type="co.hi"))
    with aurora.acting():
        relocations.move_equipment(equipment=aurora.equipment["PUMP-07"], to_site=aurora.sites["north-mill"])
        alarm = Alarm.objects.get(alarm_type="ch4.hi")
        actions.clear_by_hand(alarm=alarm, reason="it hangs in the mill now")
        with pytest.raises(Conflict, match="over already"):
            actions.clear_by_hand(alarm=alarm, reason="again")
    edge.say(Lane.P0, cleared(code="PUMP-07", alarm_type="co.hi"))
    assert len(comments(aurora)) == 2
