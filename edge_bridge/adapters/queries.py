"""What the adapters ask: what is known of the site, what of a message is stored already, and the fleet as it stands."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Q

from edge_bridge.adapters.catalogue import Catalogue
from edge_bridge.adapters.data import Sample, Translation
from edge_bridge.adapters.elements import ELEMENTS
from edge_bridge.adapters.fleet import Figure, Machine
from edge_bridge.models import Device, Quarantine, Series, Watermark
from edge_bridge.protocol import Entry, encode_entry
from tenants.api import actor
from tenants.models import Equipment


def catalogue(device: Device, translation: Translation) -> Catalogue:
    """Of the device's site, as far as the message names it."""
    said = {code for code, _ in translation.names()}
    known = Equipment.objects.filter(site=device.site_id)
    machines = list(known.filter(Q(code__in=said) | Q(pk__in=[key for text in said if (key := _uuid(text))])))
    codes = {row.pk: row.code for row in machines}
    series = Series.objects.filter(site=device.site_id, equipment__in=machines)
    named = {(codes[row.equipment_id], row.tag): row for row in series}
    return Catalogue(
        codes=set(codes.values()),
        ids={str(key): code for key, code in codes.items()},
        units={name: row.unit for name, row in named.items()},
        series={name: row.pk for name, row in named.items()},
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


# OFFSET 0 keeps it a look into the index for each; joined, it is a comparison of each with each where the planner
# knows nothing of a new partition.
_STORED = """
SELECT asked.n
  FROM unnest(%s::uuid[], %s::timestamptz[], %s::float8[]) WITH ORDINALITY AS asked (series_id, measured_at, value, n)
 WHERE EXISTS (
       SELECT FROM edge_bridge_reading AS reading
        WHERE reading.tenant_id = %s AND reading.series_id = asked.series_id
          AND reading.measured_at = asked.measured_at AND reading.value = asked.value OFFSET 0)
"""
_ASIDE_LOOKED_AT = 20_000


def unheard(stream: Watermark, samples: Iterable[Sample], catalogue: Catalogue, now: datetime) -> list[Sample]:
    """Those that are not there yet: a sample is known by its series, its time and its value.

    Of what would be set aside, what was set aside lately is known as well.
    """
    said = {(sample.name, sample.reading.measured_at, sample.reading.value): sample for sample in samples}
    return _not_set_aside(stream, _not_stored(stream, list(said.values()), catalogue), catalogue, now)


def _not_stored(stream: Watermark, samples: list[Sample], catalogue: Catalogue) -> list[Sample]:
    kept = [(n, sample) for n, sample in enumerate(samples) if sample.name in catalogue.series]
    if not kept:
        return samples
    readings = [sample.reading for _, sample in kept]
    series = [catalogue.series[sample.name] for _, sample in kept]
    times, values = [reading.measured_at for reading in readings], [reading.value for reading in readings]
    with connection.cursor() as cursor:
        cursor.execute(_STORED, [series, times, values, stream.tenant_id])
        known = {kept[n - 1][0] for (n,) in cursor.fetchall()}
    return [sample for n, sample in enumerate(samples) if n not in known]


def _not_set_aside(stream: Watermark, samples: list[Sample], catalogue: Catalogue, now: datetime) -> list[Sample]:
    if all(catalogue.has_place_for(sample, now) for sample in samples):
        return samples
    newest = Quarantine.objects.filter(watermark=stream).order_by("-seq")[:_ASIDE_LOOKED_AT]
    aside = {_told(entry) for entry in newest.values_list("entry", flat=True)}
    return [
        sample
        for sample in samples
        if catalogue.has_place_for(sample, now)
        or _told(json.loads(encode_entry(Entry(1, sample.reading)))) not in aside
    ]


def _told(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(entry.get(name) for name in ("equipment", "tag", "measured_at", "value"))


def fleet_page(number: int, size: int) -> tuple[list[Machine], int]:
    """Own equipment that is not retired, by code: that of page `number`, from 1, and how many pages there are."""
    rows = Equipment.objects.filter(tenant=actor().tenant_id).exclude(status=Equipment.Status.RETIRED).order_by("code")
    shown = list(rows[(number - 1) * size : number * size])
    figures: dict[UUID, dict[str, Figure]] = {row.pk: {} for row in shown}
    for series in _measured(shown):
        for newest in series.latest.all():
            figures[series.equipment_id][series.tag] = Figure(newest.value, series.unit, newest.measured_at)
    n_pages = max(1, -(-rows.count() // size))
    return [Machine(row.code, row.kind, figures[row.pk]) for row in shown], n_pages


def _measured(machines: Sequence[Equipment]) -> Iterable[Series]:
    """Where each machine stands now; elsewhere it has other series."""
    tags = [element.tag for element in ELEMENTS]
    rows = Series.objects.filter(equipment__in=machines, tag__in=tags)
    return rows.filter(site=F("equipment__site")).prefetch_related("latest")
