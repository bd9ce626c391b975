"""What there is to know of a series besides its readings: what it measures, where it comes from, what is made of it and
who may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from edge_bridge import queries
from edge_bridge.models import Alarm, Rollup, Series, Watermark
from edge_bridge.protocol import Lane
from edge_bridge.readings.retention import Days, days_of
from edge_bridge.readings.tags import Verdict, judged
from tenants.api import actor
from tenants.data import NotFound
from tenants.models import EquipmentGroupObjectPermission, SiteGroupObjectPermission

MOST_LISTED: Final = 50
MOST_UNKNOWN: Final = 500


@dataclass(frozen=True, slots=True)
class Source:
    """A gateway that brings readings from the site; `device` is its credential."""

    edge: str
    device: UUID
    device_name: str
    newest_at: datetime


@dataclass(frozen=True, slots=True)
class Reader:
    """A partner and the clause by which it may see the readings now."""

    partner: UUID
    partner_name: str
    agreement: UUID
    clause: UUID
    purpose: str
    delay_s: int
    floor_n: int
    field_mask: Sequence[str]


@dataclass(frozen=True, slots=True)
class Lineage:
    """`rules` are those that raised an alarm on the tag; `first_hour_at` is where its hourly figures begin."""

    series: Series
    verdict: Verdict
    sources: Sequence[Source]
    rules: Sequence[str]
    n_alarms: int
    first_hour_at: datetime | None
    kept: Days
    readers: Sequence[Reader]


def own_series(name: str = "") -> QuerySet[Series]:
    """Each with its machine, site and newest reading; with a `name`, those whose tag or machine's code holds it."""
    found = Series.objects.own().select_related("equipment", "site").prefetch_related("latest")
    return found.filter(Q(tag__icontains=name) | Q(equipment__code__icontains=name)) if name else found


def lineage(series: Series) -> Lineage:
    """Of an own series; NotFound for another's."""
    if series.tenant_id != actor().tenant_id:
        raise NotFound
    alarms = Alarm.objects.own().filter(site=series.site_id, equipment=series.equipment_id, tag=series.tag)
    hours = Rollup.objects.own().filter(series=series, size_s=3600)
    return Lineage(
        series=series,
        verdict=judged(series.tag, series.unit),
        sources=_sources(series),
        rules=list(alarms.order_by("rule").values_list("rule", flat=True).distinct()[:MOST_LISTED]),
        n_alarms=alarms.count(),
        first_hour_at=hours.order_by("begins_at").values_list("begins_at", flat=True).first(),
        kept=days_of(series.tenant_id),
        readers=_readers(series),
    )


def unknown_tags() -> list[tuple[Series, Verdict]]:
    """Own series of which the dictionary finds something wrong, by tag; of each tag and unit one."""
    found = Series.objects.own().select_related("equipment").order_by("tag", "unit", "pk").distinct("tag", "unit")
    judgements = ((series, judged(series.tag, series.unit)) for series in found[:MOST_UNKNOWN])
    return [(series, verdict) for series, verdict in judgements if verdict.problems]


def limits_of(series: Series) -> dict[str, float]:
    """Type of alarm → the limit at which it was last raised on an own series; of others' nothing."""
    if series.tenant_id != actor().tenant_id:
        return {}
    alarms = queries.alarms().filter(site=series.site_id, equipment=series.equipment_id, tag=series.tag)
    newest = reversed(alarms.order_by("-pk")[:MOST_LISTED])
    return {alarm.alarm_type: alarm.limit for alarm in newest}


def _sources(series: Series) -> list[Source]:
    """The readings say not which gateway brought them: these are the ones of the site."""
    streams = Watermark.objects.filter(site=series.site_id, lane=Lane.P2, through__gt=0)
    newest = streams.select_related("device").order_by("edge", "-updated_at").distinct("edge")[:MOST_LISTED]
    return [Source(row.edge, row.device_id, row.device.name, row.updated_at) for row in newest]


def _readers(series: Series) -> list[Reader]:
    """By grants in force on the site or the machine."""
    places = {SiteGroupObjectPermission: series.site_id, EquipmentGroupObjectPermission: series.equipment_id}
    grants = [
        grant
        for model, place in places.items()
        for grant in model.objects.filter(content_object=place, permission__codename="view_telemetry")
        .exclude(grantee=series.tenant_id)
        .select_related("agreement")
        .order_by("pk")[:MOST_LISTED]
    ]
    return [_reader(grant) for grant in grants]


def _reader(grant: SiteGroupObjectPermission | EquipmentGroupObjectPermission) -> Reader:
    return Reader(
        partner=grant.grantee_id,
        partner_name=grant.agreement.partner_name,
        agreement=grant.agreement_id,
        clause=grant.clause_id,
        purpose=grant.purpose,
        delay_s=grant.delay_s,
        floor_n=grant.floor_n,
        field_mask=grant.field_mask,
    )
