"""Alarms that had no place when they came, and those that never came: each is told at once, as an alarm of its own.

An alarm of a machine that is not registered, or stands elsewhere, waits as it came. It takes its place when the machine
stands at the site: with the next heartbeat or sweep, or before the next word about that machine.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.fields.json import KeyTextTransform

from edge_bridge import protocol
from edge_bridge.alarm_log import AlarmLog
from edge_bridge.alarms.cloud import Finding, clear_alarm, raise_alarm
from edge_bridge.alarms.data import ALARMS_LOST, ALARMS_SET_ASIDE, MAX_COMMENT_CHARS, RANK
from edge_bridge.data import Unplaceable
from edge_bridge.models import Alarm, Device, Quarantine
from edge_bridge.protocol import AlarmEvent, Severity, decode_entry
from tenants.api import actor
from tenants.models import Equipment

MOST_AT_ONCE = 500


def tell(device: Device, unplaced: Sequence[Quarantine], now: datetime) -> None:
    """In the transaction that sets them aside. A partner may read the words: which machines, the owner's list says."""
    fresh = [row for row in unplaced if row.waits and row.entry["event"] == AlarmEvent.RAISED]
    if not fresh:
        return
    worst = max((row.entry["severity"] for row in fresh), key=RANK.__getitem__)
    types = sorted({row.entry["alarm_type"] for row in fresh})
    finding = Finding(
        alarm_type=ALARMS_SET_ASIDE,
        severity=Severity(worst),
        tag="alarms without a place",
        value=float(raised(waiting(device.site_id)).count()),
        limit=0.0,
        rule="every alarm has a place",
        detail=f"{', '.join(types)}: of which machines, the list of alarms without a place says."[:MAX_COMMENT_CHARS],
        is_news=True,
    )
    raise_alarm(finding, tenant_id=device.tenant_id, site_id=device.site_id, now=now)


def tell_lost(device: Device, gaps: Sequence[protocol.Gap], now: datetime) -> None:
    """Numbers that the gateway no longer has, or that were refused: nobody knows how bad they were, nor which of them
    were alarms and which steps of commands, since these share the lane.

    It is no condition that could end: it is over at once, and stays until somebody has acknowledged it.
    """
    if not gaps:
        return
    place = {"tenant_id": device.tenant_id, "site_id": device.site_id, "now": now, "device": device}
    said = " ".join(f"Numbers {gap.first_seq} and on: {gap.count} {gap.reason}." for gap in gaps)
    words = f"Of alarms, or of steps of commands. {said}"[:MAX_COMMENT_CHARS]
    n_lost = float(sum(gap.count for gap in gaps))
    finding = Finding(ALARMS_LOST, Severity.CRITICAL, "alarms", n_lost, 0.0, "no alarm is lost", words, is_news=True)
    raise_alarm(finding, **place)
    clear_alarm(ALARMS_LOST, **place)


def set_aside_where(*, waits: bool | None = None, **exact: Any) -> QuerySet[Quarantine]:
    """The actor's own alarms that had no place when they came; `exact` compares other columns."""
    found = Quarantine.objects.filter(tenant=actor().tenant_id, waits__isnull=False, **exact)
    found = found if waits is None else found.filter(waits=waits)
    return found.select_related("watermark", "site")


def waiting(site_id: UUID) -> QuerySet[Quarantine]:
    return Quarantine.objects.filter(site=site_id, waits=True)


def raised(rows: QuerySet[Quarantine]) -> QuerySet[Quarantine]:
    return rows.filter(entry__event=str(AlarmEvent.RAISED))


def placeable() -> QuerySet[Quarantine]:
    """Those that wait and whose machine stands at their site by now."""
    waiting_ones = Quarantine.objects.filter(waits=True).alias(code=KeyTextTransform("equipment", "entry"))
    machine = Equipment.objects.filter(site=OuterRef("site"), code=OuterRef("code"))
    return waiting_ones.filter(Exists(machine))


_WAITS = """
SELECT EXISTS (SELECT FROM edge_bridge_quarantine
                WHERE tenant_id = %s AND site_id = %s AND waits AND entry->>'equipment' = ANY(%s))
"""


def take_up_before(device: Device, codes: Collection[str], now: datetime) -> None:
    """What waits for these machines comes before a batch that speaks of them: else an old end would end what is new."""
    if not codes:
        return
    with connection.cursor() as cursor:
        cursor.execute(_WAITS, [device.tenant_id, device.site_id, list(codes)])
        (waits,) = cursor.fetchone()
    if waits:
        take_up(device.site_id, now, codes)


def take_up(site_id: UUID, now: datetime, codes: Collection[str] | None = None) -> int:
    """Give them their place, in the order in which they came; returns how many. In the owner's transaction.

    All of the machines in `codes`, also those that another transaction is taking up; or of any, as many as it can.
    """
    found = placeable().filter(site=site_id).select_related("watermark__device").order_by("received_at", "seq")
    if codes is None:
        rows = list(found.select_for_update(of=("self",), skip_locked=True)[:MOST_AT_ONCE])
    else:
        rows = list(found.filter(code__in=codes).select_for_update(of=("self",)))
    if not rows:
        return 0
    machines = {machine.code: machine for machine in _machines(site_id, {row.entry["equipment"] for row in rows})}
    of_device: defaultdict[UUID, list[Quarantine]] = defaultdict(list)
    for row in _news(rows, machines):
        of_device[row.watermark.device_id].append(row)
    for group in of_device.values():
        _place(group[0].watermark.device, machines, _alarms(group), now)
    Quarantine.objects.filter(pk__in=[row.pk for row in rows]).update(waits=False)
    settle(site_id, rows[0].tenant_id, now)
    return len(rows)


def dismiss_ends_of(entry: Quarantine) -> None:
    """Ends that wait behind a raising that was dismissed, up to the next raising, have nothing to end."""
    same = {f"entry__{name}": entry.entry[name] for name in ("equipment", "alarm_type")}
    rows = waiting(entry.site_id).filter(**same).order_by("received_at", "seq")
    ends = takewhile(lambda row: row.entry["event"] == AlarmEvent.CLEARED, rows)
    Quarantine.objects.filter(pk__in=[row.pk for row in ends]).update(waits=False)


def settle(site_id: UUID, tenant_id: UUID, now: datetime) -> None:
    """`alarms_set_aside` is over once none waits."""
    if not raised(waiting(site_id)).exists():
        clear_alarm(ALARMS_SET_ASIDE, tenant_id=tenant_id, site_id=site_id, now=now)


def _machines(site_id: UUID, codes: Iterable[str]) -> QuerySet[Equipment]:
    return Equipment.objects.select_related("site").filter(site=site_id, code__in=codes)


def _news(rows: Sequence[Quarantine], machines: Mapping[str, Equipment]) -> list[Quarantine]:
    """Without what is older by the edge's clock than what was told of the same alarm since, or came with it."""
    since = Alarm.objects.own().filter(site=rows[0].site_id, received_at__gte=rows[0].received_at)
    since = since.filter(equipment__in=[machine.pk for machine in machines.values()]).order_by("received_at")
    columns = since.values_list("equipment__code", "alarm_type", "received_at", "occurred_at")
    told = {(code, alarm_type): moments for code, alarm_type, *moments in columns}
    return [row for row in rows if not _is_older(row, told.get((row.entry["equipment"], row.entry["alarm_type"])))]


def _is_older(row: Quarantine, told: Sequence[datetime] | None) -> bool:
    return told is not None and row.received_at <= told[0] and _alarm(row).occurred_at < told[1]


def _alarms(rows: Sequence[Quarantine]) -> list[protocol.Alarm]:
    """What was over before it got its place is counted, without siren."""
    said = [_alarm(row) for row in rows]
    over = {(alarm.equipment, alarm.alarm_type): n for n, alarm in enumerate(said) if alarm.event is AlarmEvent.CLEARED}
    return [
        replace(alarm, historical=alarm.historical or over.get((alarm.equipment, alarm.alarm_type), -1) > n)
        for n, alarm in enumerate(said)
    ]


def _alarm(row: Quarantine) -> protocol.Alarm:
    body = decode_entry(json.dumps(row.entry).encode()).body
    assert isinstance(body, protocol.Alarm)
    return body


def _place(device: Device, machines: dict[str, Equipment], alarms: Sequence[protocol.Alarm], now: datetime) -> None:
    log = AlarmLog(device, now)
    log.prepare([(machines[alarm.equipment], alarm) for alarm in alarms])
    for alarm in alarms:
        try:
            log.take(machines[alarm.equipment], alarm)
        except Unplaceable:
            continue  # it cleared what had never been raised
    log.write()
