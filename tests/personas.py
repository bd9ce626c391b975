"""The organisations of the tests. Each test gets its own, so that tests share a database and never see each other:
the wall that the product relies on is what keeps them apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from rest_framework.test import APIClient

from tenants.actions import admit_member, found_tenant, make_api_key
from tenants.context import acting_as, as_platform
from tenants.data import Actor
from tenants.models import Equipment, Site, Tenant, User
from tenants.roles import CAPABILITIES

PASSWORD = "ore-and-rails-2026"
MACHINES = (
    ("GAS-T0-01", "Methane sensor, upper corner", "gas_sensor"),
    ("FAN-01", "Main ventilation fan", "fan"),
    ("TRUCK-07", "Haul truck 7", "haul_truck"),
    ("PUMP-07", "Slurry pump 7", "pump"),
)


@dataclass
class Organisation:
    """One organisation with its first user, who holds the role `owner`."""

    tenant: Tenant
    user: User
    sites: dict[str, Site] = field(default_factory=dict)
    equipment: dict[str, Equipment] = field(default_factory=dict)

    @property
    def id(self) -> UUID:
        return self.tenant.pk

    def actor(self, *roles: str, via: str = "test:direct") -> Actor:
        return Actor(self.tenant.pk, self.user.pk, frozenset(roles or ("owner",)), via)

    @contextmanager
    def acting(self, *roles: str) -> Iterator[Actor]:
        """The open transaction of this organisation."""
        with acting_as(self.actor(*roles)) as current:
            assert current.actor is not None
            yield current.actor

    def key(self, scopes: list[str] | None = None) -> str:
        from datetime import UTC, datetime, timedelta

        with self.acting():
            wanted = sorted(CAPABILITIES) if scopes is None else scopes
            return make_api_key(name="test", scopes=wanted, expires_at=datetime.now(UTC) + timedelta(hours=1))[1]

    def client(self, scopes: list[str] | None = None) -> APIClient:
        """An HTTP client with an API key of this organisation."""
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Api-Key {self.key(scopes)}")
        return client


def organisation(name: str, kind: str) -> Organisation:
    """Found an organisation under a slug of its own, with one user."""
    with as_platform("tests", "found an organisation"):
        tag = uuid4().hex[:10]
        tenant = found_tenant(slug=f"{name.lower()}-{tag}", name=name, kind=kind)
        user = User.objects.create_user(f"{name.lower()}-{tag}@example.com", PASSWORD, name=f"{name} owner")
        admit_member(tenant=tenant, user=user, roles=["owner"])
    return Organisation(tenant, user)


def aurora() -> Organisation:
    """The mining group: mine North with its mill, a gas sensor, a fan, a truck and a pump."""
    group = organisation("Aurora", "mining_group")
    here = {"tenant_id": group.id}
    mine = Site(**here, code="north", name="Aurora North", kind="mine")
    mill = Site(**here, code="north-mill", name="North mill", kind="concentrating_mill", mine=mine)
    machines = [Equipment(**here, site=mine, code=code, name=name, kind=kind) for code, name, kind in MACHINES]
    # As rows: a thousand tests begin with them, and those of the tree ask for each as a person would.
    with group.acting():
        Site.objects.bulk_create([mine, mill])
        Equipment.objects.bulk_create(machines)
    group.sites = {site.code: site for site in (mine, mill)}
    group.equipment = {machine.code: machine for machine in machines}
    return group


def borealis() -> Organisation:
    """The service firm."""
    return organisation("Borealis", "service_firm")


def cassia() -> Organisation:
    """The outsider, who must always be refused."""
    return organisation("Cassia", "mining_group")


def delta() -> Organisation:
    """The regulator."""
    return organisation("Delta", "regulator")
