"""The grants in force for an organisation, looked up once in a transaction: what opens a row, and what it hides.

Of several, those with the shortest delay count: they surely open the row. A field is hidden if all of these hide it,
and the read is recorded under the one that hides least, of equals under the oldest.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db import connections

from tenants.sharing.feed_grant import OF_OTHERS

ANY_PERMISSION: Final = "*"
Place = tuple[UUID, UUID | None]

_IN_FORCE: Final = """
SELECT g.field_mask, g.id, g.tenant_id, g.agreement_id, g.clause_id, p.codename, g.purpose, g.delay_s, g.floor_n,
       g.content_object_id, NULL
  FROM tenants_sitegroupobjectpermission g JOIN auth_permission p ON p.id = g.permission_id
 WHERE g.grantee_id = %(me)s
UNION ALL
SELECT g.field_mask, g.id, g.tenant_id, g.agreement_id, g.clause_id, p.codename, g.purpose, g.delay_s, g.floor_n,
       e.site_id, e.id
  FROM tenants_equipmentgroupobjectpermission g JOIN auth_permission p ON p.id = g.permission_id
  JOIN tenants_equipment e ON e.id = g.content_object_id
 WHERE g.grantee_id = %(me)s
"""


@dataclass(frozen=True, slots=True)
class LiveGrant:
    """A grant in force on a site, or on one piece of equipment at it."""

    field_mask: frozenset[str]
    id: UUID
    owner_id: UUID
    agreement_id: UUID
    clause_id: UUID
    permission: str
    purpose: str
    delay_s: int
    floor_n: int
    site_id: UUID
    equipment_id: UUID | None

    @property
    def hides(self) -> frozenset[str]:
        return self.field_mask | {OF_OTHERS} if self.equipment_id else self.field_mask

    def __hash__(self) -> int:
        return hash(self.id)  # for each row that is read: of all fields it would cost as much as the row itself


@dataclass(frozen=True, slots=True)
class Opening:
    """By what a row is open: the grant that its read is recorded under, and the fields that stay hidden."""

    grant: LiveGrant
    hidden: frozenset[str]


@dataclass
class LiveGrants:
    """All that is open to one organisation now."""

    by_id: dict[UUID, LiveGrant] = field(default_factory=dict)
    _on_site: dict[UUID, list[LiveGrant]] = field(default_factory=lambda: defaultdict(list))
    _at_site: dict[UUID, list[LiveGrant]] = field(default_factory=lambda: defaultdict(list))
    _on_equipment: dict[UUID, list[LiveGrant]] = field(default_factory=lambda: defaultdict(list))
    _known: dict[tuple[Any, ...], Opening | None] = field(default_factory=dict)

    def add(self, grant: LiveGrant) -> None:
        self.by_id[grant.id] = grant
        self._at_site[grant.site_id].append(grant)
        if grant.equipment_id is None:
            self._on_site[grant.site_id].append(grant)
        else:
            self._on_equipment[grant.equipment_id].append(grant)

    def opening(self, permission: str, place: Place, *, singly: bool = False) -> Opening | None:
        """What opens a row at a place; `singly`: not a grant with a floor. A site is open by all that is at it."""
        key = (permission, place, singly)
        if key not in self._known:
            self._known[key] = _opening([grant for grant in self._at(place) if _fits(grant, permission, singly)])
        return self._known[key]

    def lowest_floor(self, permission: str, place: Place) -> LiveGrant | None:
        """Of the grants with a floor, the one that tells most."""
        floored = [grant for grant in self._at(place) if grant.floor_n and grant.permission == permission]
        return min(floored, key=lambda grant: (grant.floor_n, grant.delay_s, grant.id), default=None)

    def places(self, what: str, permission: str) -> set[UUID]:
        """Ids of the `sites` or the `equipment` opened with the permission, or the `sites_of_equipment`."""
        fitting = [grant for grant in self.by_id.values() if permission in (ANY_PERMISSION, grant.permission)]
        match what:
            case "sites":
                return {grant.site_id for grant in fitting if grant.equipment_id is None}
            case "sites_of_equipment":
                return {grant.site_id for grant in fitting if grant.equipment_id is not None}
        return {grant.equipment_id for grant in fitting if grant.equipment_id is not None}

    def _at(self, place: Place) -> list[LiveGrant]:
        site_id, equipment_id = place
        if equipment_id is None:
            return self._at_site.get(site_id, [])
        return [*self._on_site.get(site_id, ()), *self._on_equipment.get(equipment_id, ())]


@dataclass
class Reads:
    """What a transaction knows of its reads: the grants of each organisation it acts for, and where rows are.

    `given`: (grant, reading organisation, kind) → ids that they were given.
    """

    grants: dict[UUID | None, LiveGrants] = field(default_factory=dict)
    places: dict[tuple[type, Any], Place] = field(default_factory=dict)
    given: dict[tuple[LiveGrant, UUID, str], set[str]] = field(default_factory=lambda: defaultdict(set))


def least_hiding(grants: Iterable[LiveGrant]) -> LiveGrant:
    """Of equals the oldest."""
    return min(grants, key=lambda grant: (len(grant.field_mask), grant.id))


def live_grants_of(tenant_id: UUID | None, alias: str) -> LiveGrants:
    """One statement, under the policies of the grants: only those in force for the open identity are seen."""
    found = LiveGrants()
    with connections[alias].cursor() as cursor:
        cursor.execute(_IN_FORCE, {"me": tenant_id})
        for mask, *rest in cursor.fetchall():
            found.add(LiveGrant(frozenset(mask), *rest))
    return found


def _fits(grant: LiveGrant, permission: str, singly: bool) -> bool:
    return permission in (ANY_PERMISSION, grant.permission) and not (singly and grant.floor_n)


def _opening(fitting: list[LiveGrant]) -> Opening | None:
    if not fitting:
        return None
    soonest = min(grant.delay_s for grant in fitting)
    sure = [grant for grant in fitting if grant.delay_s == soonest]
    return Opening(least_hiding(sure), frozenset.intersection(*(grant.hides for grant in sure)))
