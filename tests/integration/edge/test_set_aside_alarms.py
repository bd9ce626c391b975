"""Alarms without a place: told at once, listed with the reason, and taken up when their machine stands at the site."""

from datetime import UTC, datetime

from edge_bridge.alarms.sweeps import sweep_of
from edge_bridge.models import Alarm, AlarmChange, Quarantine
from edge_bridge.protocol import Gap, GapReason, Heartbeat, Lane
from tenants.actions import register_equipment
from tenants.resources import relocations
from tests.integration.edge.scenes import cleared, gateway, raised, told

LISTED = "/api/v1/set-aside-alarms"
NEW = {"code": "GAS-NEW"}


def register(owner, code: str = "GAS-NEW") -> None:
    with owner.acting():
        register_equipment(site=owner.sites["north"], code=code, name=code, kind="gas_detector")


def beat(edge) -> None:
    edge.say(Lane.P1, Heartbeat(datetime.now(UTC), 0, 0))


def alarms(owner, **exact) -> list[tuple[str, str, str, bool]]:
    with owner.acting():
        rows = Alarm.objects.filter(tenant=owner.id, **exact).order_by("alarm_type")
        return [(row.alarm_type, row.severity, row.state, row.historical) for row in rows]


def listed(owner) -> list[dict]:
    return owner.client().get(LISTED, {"waits": "true"}).json()["results"]


def dismiss(owner, row: dict) -> int:
    asked = owner.client().post(f"{LISTED}/{row['id']}/dismiss", {"reason": "wrong code"}, format="json")
    return asked.status_code


def move(owner, to: str) -> None:
    with owner.acting():
        relocations.move_equipment(equipment=owner.equipment["TRUCK-07"], to_site=owner.sites[to])


def test_alarm_of_an_unknown_machine_is_an_alarm_itself_and_listed_until_it_has_its_place(aurora, cassia):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(severity="high", **NEW))
    assert alarms(aurora) == [("alarms_set_aside", "high", "UNACK", False)]
    with aurora.acting():
        assert AlarmChange.objects.get().comment.startswith("ch4.hi: of which machines")
    (row,) = aurora.client().get(LISTED, {"waits": "true"}).json()["results"]
    assert (row["equipment_code"], row["severity"], row["waits"], row["edge"]) == (
        *("GAS-NEW", "high", True),
        "north-gateway",
    )
    assert cassia.client().get(LISTED).json()["results"] == []
    beat(edge)
    assert len(alarms(aurora)) == 1
    register(aurora)
    beat(edge)
    assert alarms(aurora, equipment__isnull=False) == [("ch4.hi", "high", "UNACK", False)]
    assert told(aurora)[-2:] == [("alarm.raised", "UNACK"), ("alarm.cleared", "RTNUN")]
    assert aurora.client().get(LISTED, {"waits": "true"}).json()["results"] == []
    edge.say(Lane.P0, cleared(severity="high", **NEW))
    assert alarms(aurora, equipment__isnull=False) == [("ch4.hi", "high", "RTNUN", False)]


def test_worse_or_further_alarm_without_a_place_must_be_seen_again(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(severity="high", **NEW))
    edge.say(Lane.P0, raised(severity="critical", alarm_type="co.hi", **NEW))
    assert told(aurora)[-1] == ("alarm.re_alarmed", "UNACK")
    client = aurora.client()
    with aurora.acting():
        alarm = Alarm.objects.get()
    assert (alarm.severity, alarm.value) == ("critical", 2.0)
    assert client.post(f"/api/v1/alarms/{alarm.pk}/acknowledge", {}, format="json").status_code == 200
    edge.say(Lane.P0, raised(severity="low", alarm_type="dust", **NEW))
    assert told(aurora)[-1] == ("alarm.re_alarmed", "UNACK")


def test_alarm_that_was_over_before_its_machine_was_registered_calls_nobody(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(**NEW), cleared(**NEW), raised(alarm_type="co.hi", **NEW))
    register(aurora)
    with aurora.acting():
        assert sweep_of(aurora.id, datetime.now(UTC)) >= 3
        assert sweep_of(aurora.id, datetime.now(UTC)) == 0
    found = alarms(aurora, equipment__isnull=False)
    assert found == [("ch4.hi", "critical", "RTNUN", True), ("co.hi", "critical", "UNACK", False)]


def test_what_waited_takes_its_place_before_what_comes_after_it(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(**NEW), cleared(**NEW))
    register(aurora)
    edge.say(Lane.P0, raised(**NEW))
    assert alarms(aurora, equipment__isnull=False) == [("ch4.hi", "critical", "UNACK", False)]
    beat(edge)
    with aurora.acting():
        assert sweep_of(aurora.id, datetime.now(UTC)) == 0
    assert alarms(aurora, equipment__isnull=False) == [("ch4.hi", "critical", "UNACK", False)]


def test_end_of_what_waited_ends_it(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(**NEW))
    register(aurora)
    edge.say(Lane.P0, cleared(**NEW))
    beat(edge)
    assert alarms(aurora, equipment__isnull=False) == [("ch4.hi", "critical", "RTNUN", False)]


def test_what_waited_of_another_machine_goes_on_waiting(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(**NEW), raised(code="GAS-OTHER"))
    register(aurora)
    edge.say(Lane.P0, raised(alarm_type="co.hi", **NEW))
    assert len(alarms(aurora, equipment__isnull=False)) == 2
    assert [row["equipment_code"] for row in listed(aurora)] == ["GAS-OTHER"]


def test_what_waited_and_is_older_than_what_stands_ends_nothing(aurora):
    """As if the newer word had come while the older were being taken up elsewhere."""
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(**NEW), cleared(**NEW))
    register(aurora)
    with aurora.acting():
        old = list(Quarantine.objects.filter(waits=True).values_list("pk", flat=True))
        Quarantine.objects.filter(pk__in=old).update(waits=False)
    edge.say(Lane.P0, raised(**NEW))
    with aurora.acting():
        Quarantine.objects.filter(pk__in=old).update(waits=True)
    beat(edge)
    assert alarms(aurora, equipment__isnull=False) == [("ch4.hi", "critical", "UNACK", False)]
    assert listed(aurora) == []


def test_end_of_what_waits_for_its_machine_to_come_back_waits_too(aurora):
    edge = gateway(aurora)
    move(aurora, to="north-mill")
    edge.say(Lane.P0, raised(code="TRUCK-07"))
    edge.say(Lane.P0, cleared(code="TRUCK-07"))
    move(aurora, to="north")
    beat(edge)
    assert alarms(aurora, equipment__isnull=False) == [("ch4.hi", "critical", "RTNUN", True)]


def test_end_that_waits_ends_nothing_that_came_with_it_and_was_raised_after_it(aurora):
    """The machine came back for a while, of which its gateway told only when it had gone again."""
    edge = gateway(aurora)
    move(aurora, to="north-mill")
    edge.say(Lane.P0, raised(code="TRUCK-07"))
    move(aurora, to="north")
    said = cleared(code="TRUCK-07"), raised(code="TRUCK-07")
    move(aurora, to="north-mill")
    edge.say(Lane.P0, *said)
    assert alarms(aurora, equipment__isnull=False) == [("ch4.hi", "critical", "UNACK", False)]
    move(aurora, to="north")
    beat(edge)
    assert alarms(aurora, equipment__isnull=False) == [("ch4.hi", "critical", "UNACK", False)]
    assert listed(aurora) == []


def test_dismissing_a_raising_dismisses_its_end_and_not_that_of_the_next(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(**NEW), cleared(**NEW), cleared(alarm_type="co.hi", **NEW))
    edge.say(Lane.P0, raised(2.0, **NEW), cleared(0.5, **NEW))
    assert dismiss(aurora, next(row for row in listed(aurora) if row["value"] == 1.2)) == 200
    assert {(row["alarm_type"], row["value"]) for row in listed(aurora)} == {
        *(("co.hi", 0.4), ("ch4.hi", 2.0), ("ch4.hi", 0.5)),
    }


def test_clearing_of_what_never_stood_is_no_alarm(aurora):
    gateway(aurora).say(Lane.P0, cleared(), cleared(**NEW))
    assert alarms(aurora) == []


def test_one_that_will_never_have_a_place_is_dismissed_with_a_reason_and_once(aurora, borealis):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(**NEW))
    client = aurora.client()
    (row,) = client.get(LISTED).json()["results"]
    dismiss = f"{LISTED}/{row['id']}/dismiss"
    assert borealis.client().post(dismiss, {"reason": "wrong code"}, format="json").status_code == 404
    assert client.post(dismiss, {"reason": "x"}, format="json").status_code == 422
    assert client.post(dismiss, {"reason": "wrong code"}, format="json").json()["waits"] is False
    assert client.post(dismiss, {"reason": "wrong code"}, format="json").status_code == 409
    assert alarms(aurora) == [("alarms_set_aside", "critical", "RTNUN", False)]
    register(aurora)
    beat(edge)
    assert alarms(aurora, equipment__isnull=False) == []


def test_numbers_of_alarms_that_the_gateway_lost_are_an_alarm_until_acknowledged(aurora):
    edge, at = gateway(aurora), datetime.now(UTC)
    edge.say(Lane.P0, Gap(1, GapReason.LOST, 1, at, at))
    assert alarms(aurora) == [("alarms_lost", "critical", "RTNUN", False)]
    with aurora.acting():
        comment = AlarmChange.objects.get(event="raised").comment
    assert comment == "Of alarms, or of steps of commands. Numbers 1 and on: 1 lost."
    assert told(aurora) == [("alarm.raised", "UNACK"), ("alarm.cleared", "RTNUN")]
    edge.say(Lane.P0, Gap(2, GapReason.QUARANTINED, 1, at, at))
    assert told(aurora)[2:] == [("alarm.raised", "UNACK"), ("alarm.cleared", "RTNUN")]
