"""Taking entries in: where each belongs, readings in bulk, and aside with a reason what can't be placed.

Runs in the transaction of `actions.record`, which holds the lock of the stream.
"""

import json
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection

from edge_bridge import balance, protocol, trespass
from edge_bridge.alarm_log import AlarmLog
from edge_bridge.alarms import aside
from edge_bridge.alarms.data import STATE_TAGS
from edge_bridge.alarms.sources import clear_unconfirmed
from edge_bridge.alarms.suppression import settle_states
from edge_bridge.catalogue.delivery import note_rules
from edge_bridge.commands.delivery import begin_epoch, keep_routes, take_step
from edge_bridge.counts import counting
from edge_bridge.data import AHEAD_AT_MOST, CLOCKS_DIFFER, Unplaceable
from edge_bridge.models import Device, Gap, Quality, Quarantine, Series, Watermark
from edge_bridge.protocol import Entry, encode_entry
from edge_bridge.readings.naming import Named, Place, named, place_of, place_of_row
from edge_bridge.rows import keep, loaded
from tenants.api import Use, meter
from tenants.models import Equipment, Relocation, Site

QUALITY = {protocol.Quality(name): number for number, name in Quality.choices}
Kind = TypeVar("Kind", bound=protocol.Body)


@dataclass
class Intake:
    """One batch on its way in. `equipment` is by code, of the whole organisation, as far as the batch names it.

    `left_at` says when those that stood at this gateway's site were last moved away. `are_converted`: values are in the
    units of their series, whatever a birth of a gateway named.
    """

    device: Device
    stream: Watermark
    equipment: dict[str, Equipment]
    received_at: datetime
    left_at: dict[UUID, datetime]
    are_converted: bool
    unplaced: list[Quarantine] = field(default_factory=list)

    def equipment_at_site(self, code: str, at: datetime | None = None) -> Equipment:
        """The equipment, if it stands at the gateway's site or, for what is late, stood there `at` that time."""
        found = self.equipment.get(code)
        if found is None:
            raise Unplaceable(f"There is no equipment with the code {code!r}; register it.")
        left_at = self.left_at.get(found.pk)
        if not self.is_here(found) and (left_at is None or (at is not None and at > left_at)):
            raise Unplaceable(f"Equipment {code!r} is at another site than this gateway.")
        return found

    def is_here(self, equipment: Equipment) -> bool:
        return equipment.site_id == self.device.site_id

    def set_aside(self, entry: Entry, reason: str, *, waits: bool | None = None) -> None:
        """`waits`: an alarm that may get its place later, or never."""
        self.unplaced.append(
            Quarantine(
                tenant_id=self.device.tenant_id,
                site_id=self.device.site_id,
                watermark=self.stream,
                seq=entry.seq,
                reason=reason[:300],
                entry=json.loads(encode_entry(entry)),
                received_at=self.received_at,
                waits=waits,
            )
        )


def take(device: Device, stream: Watermark, entries: Sequence[Entry], are_converted: bool = False) -> None:
    """Store entries that continue the stream, and move its watermark and counts past them."""
    readings = _of(protocol.Reading, entries)
    names = {(reading.equipment, reading.tag) for _, reading in readings}
    placed = _placed(device, names)
    equipment = {row.code: row for row in _known_equipment(device, _codes(entries, placed))}
    intake = Intake(device, stream, equipment, datetime.now(UTC), _left_at(device, equipment.values()), are_converted)
    _take_readings(intake, readings, placed)
    _take_alarms(intake, _of(protocol.Alarm, entries))
    if any(tag in STATE_TAGS for _, tag in names):
        settle_states(device.tenant_id, device.site_id, intake.received_at)
    gaps = _of(protocol.Gap, entries)
    _take_gaps(stream, gaps)
    produced_before = stream.readings_produced or 0
    for entry in entries:
        _take_session(intake, entry)
    Quarantine.objects.bulk_create(intake.unplaced)
    aside.tell(device, intake.unplaced, intake.received_at)
    if stream.lane == protocol.Lane.P0:
        aside.tell_lost(device, [gap for _, gap in gaps], intake.received_at)
    was_through, stream.through = stream.through, entries[-1].seq
    stream.missing += sum(gap.count for _, gap in gaps)
    stream.quarantined += len(intake.unplaced)
    stream.stored += len(entries) - len(gaps) - len(intake.unplaced)
    keep(stream)
    counting.count(
        stream,
        intake.received_at,
        sent=stream.through - was_through,
        stored=len(entries) - len(gaps) - len(intake.unplaced),
        quarantined=len(intake.unplaced),
        produced=(stream.readings_produced or 0) - produced_before,
        **counting.by_reason(gap for _, gap in gaps),
    )
    balance.check(device, stream, was_through, intake.received_at)


def _known_equipment(device: Device, codes: set[str]) -> list[Equipment]:
    """With their sites."""
    found = loaded(Equipment, "tenants_equipment WHERE tenant_id = %s AND code = ANY(%s)", [device.tenant_id, [*codes]])
    sites = {row.pk: row for row in loaded(Site, "tenants_site WHERE id = ANY(%s)", [[row.site_id for row in found]])}
    for row in found:
        row.site = sites[row.site_id]
    return found


def _left_at(device: Device, equipment: Iterable[Equipment]) -> dict[UUID, datetime]:
    elsewhere = [row.pk for row in equipment if row.site_id != device.site_id]
    if not elsewhere:
        return {}
    moves = Relocation.objects.filter(tenant=device.tenant_id, equipment__in=elsewhere, from_site=device.site_id)
    return dict(moves.order_by("moved_at").values_list("equipment", "moved_at"))


def _of(kind: type[Kind], entries: Sequence[Entry]) -> list[tuple[Entry, Kind]]:
    return [(entry, entry.body) for entry in entries if isinstance(entry.body, kind)]


def _codes(entries: Iterable[Entry], placed: Container[tuple[str, str]]) -> set[str]:
    """Of the equipment that must be looked at: not that of readings whose place is known."""
    codes: set[str] = set()
    for entry in entries:
        match entry.body:
            case protocol.Birth(tags=tags):
                codes.update(tag.equipment for tag in tags)
            case protocol.Reading(equipment=code, tag=tag) if (code, tag) not in placed:
                codes.add(code)
            case protocol.Alarm(equipment=code):
                codes.add(code)
    return codes


def _take_alarms(intake: Intake, entries: Sequence[tuple[Entry, protocol.Alarm]]) -> None:
    said = {alarm.equipment for _, alarm in entries}
    here = [code for code in said if code in intake.equipment and intake.is_here(intake.equipment[code])]
    aside.take_up_before(intake.device, here, intake.received_at)
    placed = []
    for entry, alarm in entries:
        try:
            # What stood when a machine was moved away is cleared later.
            at = alarm.occurred_at if alarm.event is protocol.AlarmEvent.RAISED else None
            placed.append((entry, intake.equipment_at_site(alarm.equipment, at), alarm))
        except Unplaceable as refusal:
            intake.set_aside(entry, refusal.reason, waits=True)
    if not placed:
        return
    log = AlarmLog(intake.device, intake.received_at)
    log.prepare([(equipment, alarm) for _, equipment, alarm in placed])
    for entry, equipment, alarm in placed:
        try:
            log.take(equipment, alarm)
        except Unplaceable as refusal:
            # It may end what was raised after the machine was moved away, which waits.
            intake.set_aside(entry, refusal.reason, waits=not intake.is_here(equipment))
    log.write()


def _take_gaps(stream: Watermark, entries: Sequence[tuple[Entry, protocol.Gap]]) -> None:
    Gap.objects.bulk_create(
        Gap(
            tenant_id=stream.tenant_id,
            watermark=stream,
            first_seq=gap.first_seq,
            seq=entry.seq,
            reason=gap.reason,
            count=gap.count,
            from_at=gap.from_at,
            to_at=gap.to_at,
        )
        for entry, gap in entries
    )


def _take_session(intake: Intake, entry: Entry) -> None:
    """What the gateway says of itself."""
    stream = intake.stream
    match entry.body:
        case protocol.Birth() as birth:
            stream.born_at, stream.died_at = birth.at, None
            _take_birth(intake, entry, birth)
        case protocol.Heartbeat() as beat:
            stream.heartbeat_at = beat.at
            stream.readings_produced, stream.readings_through = beat.readings_produced, beat.readings_through
            aside.take_up(intake.device.site_id, intake.received_at)
            clear_unconfirmed(stream, beat.at, intake.received_at)
        case protocol.Death() as death:
            stream.died_at = death.at
        case protocol.RulesInUse() as said:
            note_rules(intake.device, stream.edge, said)
        case protocol.Trespass() as told:
            trespass.tell(intake.device, told, intake.received_at)
        case protocol.CommandStep() as step:
            try:
                take_step(stream, step, intake.received_at)
            except Unplaceable as refusal:
                intake.set_aside(entry, refusal.reason)


def _take_birth(intake: Intake, entry: Entry, birth: protocol.Birth) -> None:
    """Every tag that can be placed gets its series and unit; for the others the birth is set aside as well."""
    units, refusals = {}, dict[str, str]()
    for tag in birth.tags:
        try:
            units[intake.equipment_at_site(tag.equipment, birth.at).pk, tag.tag] = tag.unit
        except Unplaceable as refusal:
            refusals[tag.equipment] = refusal.reason
    series = _series_of(intake, set(units))
    refusals |= _set_units(intake, [named(series[key], unit, birth.at) for key, unit in units.items()])
    if not intake.are_converted:  # by an adapter, whose sender takes no commands
        _reach(intake, {machine for machine, _ in units}, birth.at)
    if refusals:
        intake.set_aside(entry, " ".join(refusals.values()))


def _reach(intake: Intake, machines: set[UUID], born_at: datetime) -> None:
    """Commands to the machines that stand here go to this epoch of the gateway from now on, and none to another."""
    here = {machine.pk for machine in intake.equipment.values() if machine.site_id == intake.device.site_id}
    keep_routes(intake.device, intake.stream, machines & here, born_at)
    begin_epoch(intake.device, intake.stream, intake.received_at)


_NAME_UNITS = """
UPDATE edge_bridge_series AS series
   SET unit = named.unit, sent_units = named.sent_units
  FROM unnest(%s::uuid[], %s::text[], %s::jsonb[]) AS named (id, unit, sent_units)
 WHERE series.id = named.id AND series.tenant_id = %s
"""


def _set_units(intake: Intake, outcomes: Sequence[Named]) -> dict[str, str]:
    """Returns what can't be done, by tag."""
    changed = [each for each in outcomes if each.is_changed]
    if changed:
        columns = zip(*((each.series_id, each.unit, json.dumps(each.sent_units)) for each in changed), strict=True)
        with connection.cursor() as cursor:
            cursor.execute(_NAME_UNITS, [*map(list, columns), intake.device.tenant_id])
    return {str(each.series_id): each.refusal for each in outcomes if each.refusal}


def _series_of(intake: Intake, wanted: set[tuple[UUID, str]]) -> dict[tuple[UUID, str], Series]:
    """Series by (equipment, tag); those not seen before are made, since a reading may overtake its birth."""
    found = _known_series(intake, wanted)
    missing = sorted(wanted - found.keys())
    if not missing:
        return found
    device = intake.device
    Series.objects.bulk_create(
        [Series(tenant_id=device.tenant_id, site_id=device.site_id, equipment_id=of, tag=tag) for of, tag in missing],
        ignore_conflicts=True,  # another gateway may have made it just now
    )
    return found | _known_series(intake, set(missing))


def _known_series(intake: Intake, wanted: set[tuple[UUID, str]]) -> dict[tuple[UUID, str], Series]:
    rows = Series.objects.filter(
        tenant=intake.device.tenant_id,
        site=intake.device.site_id,
        equipment__in={equipment for equipment, _ in wanted},
        tag__in={tag for _, tag in wanted},
    )
    return {(row.equipment_id, row.tag): row for row in rows if (row.equipment_id, row.tag) in wanted}


_PLACED = """
SELECT equipment.code, series.tag, series.id, series.unit, series.sent_units::text
  FROM tenants_equipment AS equipment
  JOIN edge_bridge_series AS series ON series.equipment_id = equipment.id AND series.site_id = equipment.site_id
 WHERE equipment.tenant_id = %(tenant)s AND equipment.site_id = %(site)s AND equipment.code = ANY(%(codes)s)
   AND series.tenant_id = %(tenant)s AND series.tag = ANY(%(tags)s)
"""


def _placed(device: Device, names: set[tuple[str, str]]) -> dict[tuple[str, str], Place]:
    """Series of equipment that stands at the gateway's site, by (code, tag): nearly all readings, without a model."""
    if not names:
        return {}
    codes, tags = {code for code, _ in names}, {tag for _, tag in names}
    with connection.cursor() as cursor:
        asked = {"tenant": device.tenant_id, "site": device.site_id, "codes": [*codes], "tags": [*tags]}
        cursor.execute(_PLACED, asked)
        return {(code, tag): place_of_row(*row) for code, tag, *row in cursor.fetchall() if (code, tag) in names}


def _take_readings(
    intake: Intake, entries: Sequence[tuple[Entry, protocol.Reading]], placed: dict[tuple[str, str], Place]
) -> None:
    if not entries:
        return
    names = {(reading.equipment, reading.tag) for _, reading in entries}
    places = placed | _places(intake, names - placed.keys())
    left_at = {code: intake.left_at[row.pk] for code, row in intake.equipment.items() if row.pk in intake.left_at}
    horizon = intake.received_at + AHEAD_AT_MOST
    rows = []
    for entry, reading in entries:
        place = places[reading.equipment, reading.tag]
        if isinstance(place, str):
            intake.set_aside(entry, place)
        elif reading.measured_at > horizon:
            intake.set_aside(entry, "It was measured more than a day in the future; check the terminal's clock.")
        elif reading.equipment in left_at and reading.measured_at > left_at[reading.equipment]:
            intake.set_aside(entry, f"Equipment {reading.equipment!r} had been moved to another site by then.")
        elif intake.are_converted or not place.changes:
            rows.append((place.series_id, reading.measured_at, reading.value, QUALITY[reading.quality]))
        else:
            try:
                rows.append((place.series_id, reading.measured_at, place.value_of(reading), QUALITY[reading.quality]))
            except Unplaceable as refusal:
                intake.set_aside(entry, refusal.reason)
    if rows:
        _store(intake.device.tenant_id, rows)
        _count(intake.stream, entries[-1][0].seq, len(rows))


def _count(stream: Watermark, through: int, n_readings: int) -> None:
    """The owner of the readings pays; how far the stream has come names the batch."""
    meter(Use("edge", f"{stream.pk}:{through}", "readings_stored", n_readings, ("stream", str(stream.pk))))


def _places(intake: Intake, names: set[tuple[str, str]]) -> dict[tuple[str, str], Place | str]:
    """(equipment code, tag) → the series, or in words why there is none."""
    places: dict[tuple[str, str], Place | str] = {}
    wanted = {}
    for code, tag in names:
        try:
            wanted[code, tag] = intake.equipment_at_site(code).pk, tag
        except Unplaceable as refusal:
            places[code, tag] = refusal.reason
    series = _series_of(intake, set(wanted.values()))
    for name, key in wanted.items():
        row = series[key]
        places[name] = place_of(row.pk, row.unit, row.sent_units)
    return places


# COPY can't write to a table with row-level security, hence by a table of the session; it empties itself at commit.
_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS reading_stage (
  series_id uuid, measured_at timestamptz, value double precision, quality smallint
) ON COMMIT DELETE ROWS
"""
_KEEP_READINGS = """
INSERT INTO edge_bridge_reading (tenant_id, series_id, measured_at, value, quality)
SELECT %s, series_id, measured_at, value, quality FROM pg_temp.reading_stage
"""
# The newest by its stamp, unless that bears a time still to come: then a clock was wrong, and what arrives next counts.
_KEEP_LATEST = """
INSERT INTO edge_bridge_latest AS kept (id, tenant_id, series_id, measured_at, value, quality, received_at)
SELECT DISTINCT ON (series_id) gen_random_uuid(), %(tenant)s::uuid, series_id, measured_at, value, quality, now()
  FROM pg_temp.reading_stage ORDER BY series_id, measured_at > now() + %(differ)s, measured_at DESC
ON CONFLICT (tenant_id, series_id) DO UPDATE
   SET measured_at = excluded.measured_at, value = excluded.value, quality = excluded.quality,
       received_at = excluded.received_at
 WHERE kept.measured_at <= excluded.measured_at OR kept.measured_at > now() + %(differ)s
"""
# Append-only: what sums a minute up again sees every reading whose row here it saw.
_MARK_DIRTY = """
INSERT INTO edge_bridge_dirtyminute (id, tenant_id, begins_at, series_ids)
SELECT gen_random_uuid(), %s, date_bin('1 min', measured_at, 'epoch') AS minute, array_agg(DISTINCT series_id)
  FROM pg_temp.reading_stage GROUP BY minute
"""


def _store(tenant_id: UUID, rows: Sequence[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy("COPY pg_temp.reading_stage FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["uuid", "timestamptz", "float8", "int2"])
            for row in rows:
                copy.write_row(row)
        cursor.execute(_KEEP_READINGS, [tenant_id])
        cursor.execute(_KEEP_LATEST, {"tenant": tenant_id, "differ": CLOCKS_DIFFER})
        cursor.execute(_MARK_DIRTY, [tenant_id])
