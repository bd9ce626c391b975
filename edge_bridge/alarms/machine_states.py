"""In which states machines are now, as their newest readings and their entries say."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from edge_bridge.alarms.data import STATE_FRESH, STATE_TAGS, Around, words_of
from edge_bridge.data import CLOCKS_DIFFER
from edge_bridge.models import KeptRule, Latest, Quality
from tenants.models import Equipment


def know_machines(
    found: Around, tenant_id: UUID, site_id: UUID, machines: Iterable[UUID | None], now: datetime
) -> None:
    """Note what the suppressions ask of these machines; nothing is read where there are none."""
    if not found.suppressions:
        return
    found.safety_rules = frozenset(KeptRule.objects.filter(site=site_id, is_safety=True).values_list("name", flat=True))
    if not found.in_states:
        return
    wanted = {machine for machine in machines if machine is not None} - found.machines.keys()
    found.machines |= states_of(tenant_id, site_id, wanted, now)


def states_of(tenant_id: UUID, site_id: UUID, machines: Iterable[UUID], now: datetime) -> dict[UUID, frozenset[str]]:
    """Words of `STATES` by machine."""
    said = _said(tenant_id, site_id, machines, now)
    rows = Equipment.objects.filter(pk__in=machines)
    return {
        row.pk: words_of(
            said.get((row.pk, "state")), said.get((row.pk, "running")), row.status == Equipment.Status.IN_SERVICE
        )
        for row in rows
    }


def _said(
    tenant_id: UUID, site_id: UUID, machines: Iterable[UUID], now: datetime
) -> dict[tuple[UUID, str], float | None]:
    rows = Latest.objects.filter(
        Q(received_at=None) | Q(received_at__gt=now - STATE_FRESH),
        tenant=tenant_id,
        series__site=site_id,
        series__equipment__in=machines,
        series__tag__in=STATE_TAGS,
        measured_at__gt=now - STATE_FRESH,
        measured_at__lte=now + CLOCKS_DIFFER,
    )
    found = rows.exclude(quality=Quality.BAD).select_related("series")
    return {(row.series.equipment_id, row.series.tag): row.value for row in found}
