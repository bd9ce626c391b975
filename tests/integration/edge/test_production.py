"""Production from readings to answers: rolled the same however they came, seen by whom it is open to."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import IntegrityError, connection

from edge_bridge.models import HauledLoad, Series, ShiftHandover, StateInterval
from edge_bridge.production import actions, handovers, rolling
from edge_bridge.production.intervals import HOLD
from edge_bridge.protocol import Lane
from edge_bridge.protocol.machine import LoadKind, MachineState, StopReason
from marketplace import actions as market
from tenants.actions import admit_member
from tenants.context import acting_as, as_platform
from tenants.data import Actor
from tenants.ledger.queries import entries_where
from tenants.models import User, new_id
from tests.integration.edge.command_scenes import born, requested, switch
from tests.integration.edge.scenes import gateway, raised
from tests.integration.marketplace.scenes import terms
from tests.integration.tenants.read_scenes import reads_of, share
from tests.personas import PASSWORD, Organisation
from tests.together import at_once

DAWN = datetime(2026, 3, 2, 6, tzinfo=UTC)
DAY = timedelta(days=1)
NOW = DAWN + timedelta(hours=30)
TAGS = ("state", "stop_reason", "payload", "load_kind")
HAULING, DUMPING, RETURNING = MachineState.HAULING, MachineState.DUMPING, MachineState.RETURNING


def shift_of_a_truck() -> list[tuple[float, str, float]]:
    """(seconds from DAWN, tag, value) for 24 h, as they change and each 4 min: loads of 90 t, a meal, a breakdown."""
    said: list[tuple[float, str, float]] = []
    last: dict[str, float] = {}
    for minute in range(24 * 60):
        state, reason, payload = _doing(minute)
        now = dict(zip(TAGS, (state, reason, payload, LoadKind.ORE if payload else LoadKind.NONE), strict=True))
        said += [(minute * 60.0, tag, float(now[tag])) for tag in TAGS if minute % 4 == 0 or now[tag] != last[tag]]
        last = now
    return said


def _doing(minute: int) -> tuple[MachineState, StopReason, float]:
    if 240 <= minute < 260:
        return MachineState.STOPPED, StopReason.MEAL, 0.0
    if 480 <= minute < 540:
        return MachineState.BREAKDOWN, StopReason.NONE, 0.0
    match minute % 20:
        case step if step < 10:
            return HAULING, StopReason.NONE, 90.0
        case step if step < 12:
            return DUMPING, StopReason.NONE, 45.0
    return RETURNING, StopReason.NONE, 0.0


def truck_of(owner: Organisation) -> dict[str, Series]:
    truck = owner.equipment["TRUCK-07"]
    with owner.acting():
        made = {tag: Series(tenant_id=owner.id, site_id=truck.site_id, equipment=truck, tag=tag) for tag in TAGS}
        Series.objects.bulk_create(made.values())
    return made


def fill(owner: Organisation, series: dict[str, Series], said: list[tuple[float, str, float]]) -> None:
    keys = [series[tag].pk for _, tag, _ in said]
    moments, values = [DAWN + timedelta(seconds=s) for s, _, _ in said], [value for _, _, value in said]
    with owner.acting(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO edge_bridge_reading (tenant_id, series_id, measured_at, value, quality)"
            " SELECT %s, said.*, 0 FROM unnest(%s::uuid[], %s::timestamptz[], %s::float8[]) AS said",
            [owner.id, keys, moments, values],
        )


def rolled(owner: Organisation, now: datetime = NOW) -> int:
    with acting_as(Actor(owner.id, None, frozenset(), "test:sweep"), repeatable=True):
        return rolling.roll_of(owner.id, now)


def stored(owner: Organisation):
    """Intervals joined over midnight, and loads, without their keys."""
    with owner.acting():
        intervals = StateInterval.objects.filter(tenant=owner.id).own().order_by("begins_at")
        loads = HauledLoad.objects.filter(tenant=owner.id).own().order_by("dumped_at")
        return (
            list(intervals.values_list("begins_at", "ends_at", "state", "stop_reason")),
            list(loads.values_list("begins_at", "dumped_at", "payload_t", "kind")),
        )


def at_work(owner: Organisation) -> None:
    fill(owner, truck_of(owner), shift_of_a_truck())
    rolled(owner)


def foreman_of(owner: Organisation) -> User:
    with as_platform("tests", "admit the foreman of the incoming shift"):
        foreman = User.objects.create_user(f"{new_id()}@example.com", PASSWORD, name="Incoming")
        admit_member(tenant=owner.tenant, user=foreman, roles=["operator"])
        return foreman


def production(who: Organisation, owner: Organisation, **asked: str):
    site = owner.sites["north"]
    return who.client().get(f"/api/v1/sites/{site.pk}/production", {"day": "2026-03-02", **asked})


def test_a_broken_scale_leaves_loads_unweighed(aurora):
    fill(aurora, truck_of(aurora), [(s, tag, 1.7e308 if tag == "payload" else v) for s, tag, v in shift_of_a_truck()])
    rolled(aurora)
    figures = production(aurora, aurora).json()["figures"]
    assert figures["n_loads"] > 60 and (figures["n_weighed"], figures["hauled_t"]) == (0, 0.0)


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "2100-01-01", "9999-12-31"])
def test_a_day_of_no_shift_is_refused_in_words(aurora, day):
    at_work(aurora)
    site, truck, mine = aurora.sites["north"].pk, aurora.equipment["TRUCK-07"].pk, aurora.client()
    answers = [
        mine.get(f"/api/v1/sites/{site}/production", {"day": day}),
        mine.get(f"/api/v1/sites/{site}/production.csv", {"day": day}),
        mine.get(f"/api/v1/equipment/{truck}/production", {"day": day}),
        mine.post(f"/api/v1/sites/{site}/handovers", {"day": day, "shift": "day"}),
    ]
    assert [(each.status_code, each.json()["errors"][0]["pointer"]) for each in answers] == 4 * [(422, "/day")]


def test_late_and_repeated_readings_roll_to_what_the_readings_say(aurora):
    series, said = truck_of(aurora), shift_of_a_truck()
    fill(aurora, series, said[:600] + said[900:])
    assert rolled(aurora) == 2
    first = stored(aurora)
    assert rolled(aurora) == 1 and stored(aurora) == first  # today goes on
    fill(aurora, series, said[600:900])
    assert rolled(aurora) == 2
    assert_as_read(aurora)


def assert_as_read(owner: Organisation) -> None:
    intervals, loads = stored(owner)
    with owner.acting():
        (machine,) = rolling.machines_of(owner.id)
        raw, raw_loads = rolling.derived(machine, DAWN, NOW)
    known = [(one.begins_at, one.ends_at, one.state, one.stop_reason) for one in raw if one.state is not None]
    assert _unsplit(intervals) == known
    assert loads == [(one.begins_at, one.dumped_at, one.payload_t, one.kind) for one in raw_loads]
    assert len(loads) > 60 and {load[2] for load in loads} == {90.0}


def _unsplit(rows):
    """Cut at no midnight."""
    found = []
    for row in rows:
        if found and found[-1][1] == row[0] and found[-1][2:] == row[2:]:
            found[-1] = (found[-1][0], *row[1:])
        else:
            found.append(row)
    return found


def test_today_grows_until_it_is_over_and_its_last_state_is_held_over_midnight(aurora):
    midnight = DAWN + timedelta(hours=18)
    before = [one for one in shift_of_a_truck() if DAWN + timedelta(seconds=one[0]) < midnight]
    fill(aurora, truck_of(aurora), before)
    assert rolled(aurora, midnight - timedelta(seconds=20)) == 1
    assert stored(aurora)[0][-1][1] == midnight - timedelta(seconds=20)
    assert rolled(aurora) == 2
    held_until = DAWN + timedelta(seconds=max(s for s, tag, _ in before if tag == "state")) + HOLD
    assert stored(aurora)[0][-1][1] == held_until > midnight
    assert rolled(aurora) == 0


def test_sweeps_at_once_roll_what_the_readings_say(aurora):
    fill(aurora, truck_of(aurora), shift_of_a_truck())
    assert sum(at_once(*[partial(rolling.sweep_production, NOW, DAY)] * 2)) >= 2
    assert_as_read(aurora)


def test_day_adds_up_to_24_hours_for_owner_and_partner_and_shows_nothing_to_others(aurora, borealis, cassia):
    at_work(aurora)
    share(aurora, borealis, "view_production")
    body = production(aurora, aurora).json()
    assert body["figures"]["calendar_s"] == sum(body["figures"]["time_s"].values()) == 86_400
    assert sum(hour["figures"]["calendar_s"] for hour in body["hours"]) == 86_400
    assert body["figures"]["hauled_t"] == 90.0 * body["figures"]["n_loads"] > 5000
    assert body["figures"]["n_failures"] == 1 and body["figures"]["mttr_h"] == pytest.approx(1.0, abs=0.01)
    assert [cause["state"] for cause in body["causes"]] == ["breakdown", "stopped"]
    shifts = [production(aurora, aurora, shift=name).json()["figures"] for name in ("day", "night")]
    assert sum(shift["hauled_t"] for shift in shifts) == body["figures"]["hauled_t"]
    assert sum(shift["calendar_s"] for shift in shifts) == 86_400
    assert production(borealis, aurora).json() == body
    assert production(cassia, aurora).status_code == 404
    assert "state_interval" in str({read.kind for read in reads_of(aurora)})


def test_partner_without_tonnes_or_with_one_machine_sees_that_much(aurora, borealis):
    at_work(aurora)
    share(aurora, borealis, "view_production", equipment="TRUCK-07", field_mask=["payload_t"])
    assert production(borealis, aurora).status_code == 404  # the site itself isn't open
    truck = aurora.equipment["TRUCK-07"]
    with aurora.acting():
        actions.set_rate(equipment=truck, t_per_h=300)
    asked = f"/api/v1/equipment/{truck.pk}/production"
    seen = borealis.client().get(asked, {"day": "2026-03-02"}).json()
    own = aurora.client().get(asked, {"day": "2026-03-02"}).json()
    assert seen["masked"] == ["payload_t"] and seen["figures"]["hauled_t"] == 0 and seen["figures"]["n_weighed"] == 0
    assert own["figures"]["oee_frac"] > 0 and seen["figures"]["oee_frac"] is None
    assert seen["figures"]["time_s"] == own["figures"]["time_s"] and seen["stretches"] == own["stretches"]


def test_shifts_of_the_owner_hold_for_a_partner_of_one_machine(aurora, borealis):
    at_work(aurora)
    share(aurora, borealis, "view_production", equipment="TRUCK-07")
    put = {"shifts": [{"name": "only", "begins": "05:00", "ends": "15:00"}]}
    shifts = f"/api/v1/sites/{aurora.sites['north'].pk}/shifts"
    assert aurora.client().put(shifts, put).json()["shifts"][0]["weekdays"] == [0, 1, 2, 3, 4, 5, 6]
    asked = f"/api/v1/equipment/{aurora.equipment['TRUCK-07'].pk}/production"
    seen = borealis.client().get(asked, {"day": "2026-03-02"}).json()
    assert seen["since"] == "2026-03-02T05:00:00Z"
    put["shifts"].append({"name": "over", "begins": "14:00", "ends": "20:00"})
    assert aurora.client().put(shifts, put).status_code == 422


def test_stop_is_corrected_withdrawn_and_never_work(aurora):
    at_work(aurora)
    client, truck = aurora.client(), aurora.equipment["TRUCK-07"]
    asked = f"/api/v1/equipment/{truck.pk}/stop-corrections"
    stop = {"begins_at": "2026-03-02T14:00:00Z", "ends_at": "2026-03-02T15:00:00Z", "reason": "tyres were due"}
    made = client.post(asked, {**stop, "time_category": "planned_maintenance"})
    assert made.status_code == 201, made.json()
    time_s = production(aurora, aurora).json()["figures"]["time_s"]
    assert (time_s["planned_maintenance"], time_s["unplanned_maintenance"]) == (3600, 0)
    assert sum(time_s.values()) == 86_400
    assert client.post(asked, {**stop, "time_category": "productive"}).status_code == 422
    worked = {**stop, "ends_at": "2026-03-02T15:30:00Z", "time_category": "standby"}
    assert client.post(asked, worked).status_code == 409
    assert client.post(asked, {**stop, "time_category": ""}).status_code == 201
    assert production(aurora, aurora).json()["figures"]["time_s"]["unplanned_maintenance"] == 3600
    with aurora.acting():
        kinds = [entry.kind for entry in entries_where(subject=truck.pk)]
    assert kinds.count("production.stop_corrected") == 2


def test_handover_names_the_worst_alarms_first_so_that_none_of_them_is_left_out(aurora, monkeypatch):
    monkeypatch.setattr(handovers, "MOST_LINES", 3)
    at_work(aurora)
    edge = gateway(aurora)
    for n, severity in enumerate(("critical", "low", "high", "medium", "critical", "low", "low")):
        edge.say(Lane.P0, raised(severity=severity, alarm_type=f"n{n}"))
    asked = f"/api/v1/sites/{aurora.sites['north'].pk}/handovers"
    said = aurora.client().post(asked, {"shift": "day", "day": "2026-03-02"}).json()["said"]
    assert [each["alarm_type"] for each in said["alarms"]] == ["n4", "n0", "n2"]


def test_handover_is_signed_by_two_and_stays(aurora):
    at_work(aurora)
    with aurora.acting():
        task = market.post_task(terms=terms(), equipment_id=aurora.equipment["TRUCK-07"].pk)
        market.publish_task(task=task)
    born(aurora)
    command = requested(aurora, switch(aurora), aurora)
    client, site = aurora.client(), aurora.sites["north"]
    drafted = client.post(
        f"/api/v1/sites/{site.pk}/handovers", {"shift": "day", "day": "2026-03-02", "notes": "watch the ramp"}
    ).json()
    assert drafted["said"]["figures"]["n_failures"] == 1 and drafted["said"]["machines"][0]["code"] == "TRUCK-07"
    assert [each["command"] for each in drafted["said"]["open"]["commands"]] == [str(command.pk)]
    (left,) = drafted["said"]["open"]["tasks"]
    assert (left["task"], left["status"], left["equipment_code"]) == (str(task.pk), "open", "TRUCK-07")
    with aurora.acting():
        row = ShiftHandover.objects.get(pk=drafted["id"])
        actions.sign_handover(handover=row)
    assert client.post(f"/api/v1/handovers/{row.pk}/sign").status_code in (409, 422)
    foreman = foreman_of(aurora)
    with acting_as(Actor(aurora.id, foreman.pk, frozenset({"operator"}), "test:direct")):
        assert actions.sign_handover(handover=row).incoming_id == foreman.pk
    for changed in ({"notes": "nothing"}, {"incoming_at": None, "incoming": None}):
        with pytest.raises(IntegrityError), aurora.acting():
            ShiftHandover.objects.filter(pk=row.pk).update(**changed)
    redraft = client.post(f"/api/v1/sites/{site.pk}/handovers", {"shift": "day", "day": "2026-03-02"})
    assert redraft.status_code == 409


def test_sheet_has_a_line_for_each_machine_and_hour(aurora):
    at_work(aurora)
    site = aurora.sites["north"]
    answer = aurora.client().get(f"/api/v1/sites/{site.pk}/production.csv", {"day": "2026-03-02"})
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 25 and lines[0].startswith("equipment,hour_utc,productive_s")


def test_oee_follows_the_planned_rate(aurora):
    at_work(aurora)
    truck = aurora.equipment["TRUCK-07"]
    assert aurora.client().put(f"/api/v1/equipment/{truck.pk}/planned-rate", {"t_per_h": 300}).status_code == 200
    figures = production(aurora, aurora).json()["figures"]
    factors = figures["availability_frac"] * figures["use_of_availability_frac"] * figures["performance_frac"]
    assert figures["oee_frac"] == pytest.approx(factors) and 0 < factors < 1
