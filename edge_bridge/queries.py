"""The reads of the edge, under the open identity."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from edge_bridge.alarm import State, next_state, returned
from edge_bridge.data import AlarmFacts
from edge_bridge.models import Alarm, AlarmChange, Command, Device, Gap, Quality, Reading, Series, Watermark
from edge_bridge.protocol import Lane
from tenants.api import actor, granted, without
from tenants.data import Actor
from tenants.models import Equipment

LONGEST_HISTORY = 500
LONGEST_STREAM_LIST = 100
SNAPSHOT_READINGS = 200
SNAPSHOT_SPAN = timedelta(hours=1)
# A machine that was moved away may be hidden from those who see the site; an alarm is shown with its machine or not.
MACHINE_IN_SIGHT = Q(equipment=None) | Q(equipment__code__isnull=False)


def alarms(*, shared: bool = False) -> QuerySet[Alarm]:
    """Own alarms, or with `shared` those that partners opened."""
    # Not joined to the owner: a partner may not see an owner that is not listed, but does see the alarm.
    found = Alarm.objects.select_related("equipment", "site").prefetch_related("tenant")
    if not shared:
        return found.filter(tenant=actor().tenant_id)
    opened = Q(site__in=granted("sites", "view_alarms")) | Q(equipment__in=granted("equipment", "view_alarms"))
    return found.filter(opened, MACHINE_IN_SIGHT)


def alarms_where(
    *,
    shared: bool = False,
    active: bool | None = None,
    state: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    escalated_to_me: bool = False,
    **exact: Any,
) -> QuerySet[Alarm]:
    """`state`: as it is told; `active`: only those not in NORM, or only those in it; raised `since` ≤ … < `until`.

    `escalated_to_me`: to the actor, or to a role of theirs. `exact` compares other columns.
    """
    found = alarms(shared=shared).filter(_raised_within(since, until), **exact)
    found = found.filter(escalated_to__in=_targets_of(actor())) if escalated_to_me else found
    found = found.filter(_told_as(state)) if state else found
    if active is None:
        return found
    return found.exclude(_told_as(State.NORM)) if active else found.filter(_told_as(State.NORM))


def _raised_within(since: datetime | None, until: datetime | None) -> Q:
    begun = Q() if since is None else Q(raised_at__gte=since)
    return begun if until is None else begun & Q(raised_at__lt=until)


def _targets_of(who: Actor) -> list[str]:
    """As steps of escalation name them."""
    return [f"user:{who.user_id}", *(f"role:{role}" for role in sorted(who.roles))]


def _told_as(state: str) -> Q:
    """As `Alarm.state_at` tells it: a shelf ends at its time, and a sweep writes that down a little later."""
    now = datetime.now(UTC)
    if state == State.SHLVD:
        return Q(state=state, shelved_until__gt=now)
    ends = {next_state(State.SHLVD, returned(standing=stands)): stands for stands in (True, False)}
    told = Q(state=state)
    if state in ends:
        told |= Q(shelved_until__lte=now, cleared_at__isnull=ends[State(state)])
    return told


def standing_alarms() -> Iterator[dict[str, Any]]:
    """Own alarms and those that partners opened, as the bodies of their events; newest first of each."""
    for shared in (False, True):
        for alarm in alarms_where(shared=shared, active=True).order_by("-pk").iterator(chunk_size=100):
            yield as_told(alarm, alarm_facts(alarm).body())


def as_told(row: Alarm | Command, body: dict[str, Any]) -> dict[str, Any]:
    """The body of an alarm or a command at a site, with what a clause hides named as in its events."""
    return without(body, frozenset((*row.left_out, *row.site.left_out)))


def changes_of(alarm: Alarm) -> QuerySet[AlarmChange]:
    return AlarmChange.objects.filter(alarm=alarm).order_by("-pk")[:LONGEST_HISTORY]


def alarm_facts(alarm: Alarm) -> AlarmFacts:
    return AlarmFacts(
        id=alarm.pk,
        owner_id=alarm.tenant_id,
        alarm_type=alarm.alarm_type,
        severity=alarm.severity,
        state=alarm.state,
        equipment_id=alarm.equipment_id,
        equipment_code=alarm.equipment and alarm.equipment.code,
        site_id=alarm.site_id,
        site_name=alarm.site.name,
        tag=alarm.tag,
        value=alarm.value,
        limit=alarm.limit,
        rule=alarm.rule,
        occurred_at=alarm.occurred_at,
        raised_at=alarm.raised_at,
        historical=alarm.historical,
        shelved_until=alarm.shelved_until,
        assigned_to=alarm.assigned_to_id,
        escalated_to=alarm.escalated_to,
        n_re_alarms=alarm.n_re_alarms,
        folded_into=alarm.folded_into_id,
        n_folded=alarm.n_folded,
        rule_version=alarm.rule_version,
        clause=alarm.clause,
        clause_words=alarm.clause_words,
        clause_status=alarm.clause_status,
        clause_source=alarm.clause_source,
        detail=alarm.detail,
    )


def alarm_snapshot(alarm: Alarm) -> dict[str, Any]:
    """Evidence frozen as JSON: the alarm, where it is, and the last readings there in the hour before its last word.

    `readings` are `[series, measured_at, value, quality]`, oldest first, at most SNAPSHOT_READINGS of all series.
    """
    machine = alarm.equipment
    series = {row.pk: row for row in series_of(machine)} if machine else {}
    until = alarm.occurred_at
    rows = Reading.objects.filter(
        series__in=list(series), measured_at__gt=until - SNAPSHOT_SPAN, measured_at__lte=until
    )
    newest = list(rows.order_by("-measured_at")[:SNAPSHOT_READINGS])
    return {
        "taken_at": datetime.now(UTC).isoformat(),
        "alarm": alarm_facts(alarm).body(),
        "equipment": machine and {"id": str(machine.pk), "code": machine.code, "name": machine.name},
        "site": {"id": str(alarm.site_id), "code": alarm.site.code, "name": alarm.site.name},
        "series": [{"id": str(pk), "tag": row.tag, "unit": row.unit} for pk, row in series.items()],
        "readings": [
            [str(row.series_id), row.measured_at.isoformat(), row.value, Quality(row.quality).label]
            for row in reversed(newest)
        ],
    }


def series_of(equipment: Equipment | UUID) -> QuerySet[Series]:
    """The tags of a machine, each with its newest reading as `latest.all()` (one row or none)."""
    return Series.objects.filter(equipment=equipment).prefetch_related("latest").order_by("tag")


def readings(series: Series, *, since: datetime, until: datetime, limit: int, skip: int = 0) -> QuerySet[Reading]:
    """Oldest first, `since` ≤ measured_at < `until`, without the first `skip`.

    Several may have one time; then their order is that of quality and value, so that only equal ones have none.
    """
    found = Reading.objects.filter(series=series, measured_at__gte=since, measured_at__lt=until)
    return found.order_by("measured_at", "quality", "value")[skip : skip + limit]


def devices() -> QuerySet[Device]:
    return Device.objects.filter(tenant=actor().tenant_id).select_related("site")


def streams(device: Device) -> QuerySet[Watermark]:
    """Those last brought by this device, the newest first."""
    return Watermark.objects.filter(device=device).order_by("-updated_at")[:LONGEST_STREAM_LIST]


def imbalance(session: Watermark) -> int | None:
    """Readings produced, by the last heartbeat in lane p1, less those stored or said to be missing: 0 if all is well.

    None while lane p2 has not come so far, or where a later gap covers the number the heartbeat spoke of.
    """
    key = {"tenant": session.tenant_id, "site": session.site_id, "edge": session.edge, "boot": session.boot}
    readings = Watermark.objects.filter(**key, lane=Lane.P2).first()
    through = session.readings_through
    if readings is None or through is None or readings.through < through:
        return None
    gaps = Gap.objects.filter(watermark=readings, first_seq__lte=through)
    if gaps.filter(seq__gt=through).exists():
        return None
    of_gaps = gaps.aggregate(numbers=Coalesce(Sum(F("seq") - F("first_seq") + 1), 0), count=Coalesce(Sum("count"), 0))
    stored = through - of_gaps["numbers"]
    return session.readings_produced - stored - of_gaps["count"]
