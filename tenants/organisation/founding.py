"""Founding an organisation, so that its first owner finds something to work with. Platform code."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_slug

from tenants.actions import found_tenant
from tenants.data import Conflict, FieldError, Invalid
from tenants.metering.queries import rate_plan_of
from tenants.models import Company, Invitation, Membership, Process, RatePlan, Site, Tenant
from tenants.people.actions import INVITED_FOR
from tenants.secrets import hash_secret, new_secret
from tenants.time_zones import time_zones

# As in `Site.Kind`.
MINE, MILL, CENTRE, WORKS = "mine", "concentrating_mill", "logistics_centre", "customer_works"
UNDERGROUND: Final = (
    ("ventilation", "Ventilation"),
    ("drainage", "Drainage"),
    ("drilling", "Drilling"),
    ("haulage", "Haulage"),
    ("hoisting", "Hoisting"),
)
PROCESSING: Final = (("crushing", "Crushing"), ("milling", "Milling"), ("flotation", "Flotation"))


@dataclass(frozen=True, slots=True)
class Ground:
    """A site that an organisation of a kind begins with; a mill belongs to the mine before it."""

    code: str
    name: str
    kind: str
    processes: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Start:
    """What a kind of organisation begins with: roles of its first user, sites."""

    roles: tuple[str, ...] = ("owner",)
    sites: tuple[Ground, ...] = ()


_MINE = Ground("mine", "Mine", MINE, UNDERGROUND)
_MILL = Ground("mill", "Concentrating mill", MILL, PROCESSING)
_CENTRE = Ground("centre", "Logistics centre", CENTRE, (("transport", "Transport"),))
_WORKS = Ground("works", "Works", WORKS, (("stockpiling", "Stockpiling"),))
# By `Tenant.Kind`; a test compares the two.
STARTS: Final[dict[str, Start]] = {
    "mining_group": Start(sites=(_MINE, _MILL, _CENTRE)),
    "mine_operator": Start(sites=(_MINE, _MILL)),
    "service_firm": Start(roles=("owner", "expert")),
    "equipment_maker": Start(roles=("owner", "expert")),
    "design_institute": Start(roles=("owner", "planner")),
    "consultancy": Start(roles=("owner", "expert")),
    "logistics_firm": Start(sites=(_CENTRE,)),
    "final_user": Start(sites=(_WORKS,)),
    "regulator": Start(roles=("owner", "auditor")),
}


@dataclass(slots=True)
class Founded:
    """A new organisation. `token` goes to the mailbox of its first owner, who sets a password with it."""

    tenant: Tenant
    invitation: Invitation
    token: str = field(repr=False)
    rate_plan: RatePlan | None = None


def found_organisation(
    *, slug: str, name: str, kind: str, email: str, currency: str = "USD", time_zone: str = "UTC"
) -> Founded:
    """Found an organisation with its kind's company, sites and processes, and ask its first owner in.

    In a transaction of the platform. Invalid names each value that is not acceptable. An organisation that nobody has
    joined yet is not founded again: its first owner is asked in again.
    """
    address = email.strip().lower()
    refuse_unusable(slug=slug, name=name, kind=kind, email=address, currency=currency, time_zone=time_zone)
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        tenant = found_tenant(slug=slug, name=name, kind=kind, currency=currency, time_zone=time_zone)
        _lay_out(tenant)
    elif (tenant.name, tenant.kind) != (name, kind) or Membership.objects.filter(tenant=tenant).exists():
        raise Conflict(f"The short name {slug!r} is taken; choose another one.")
    invitation, token = _invite(tenant, address)
    return Founded(tenant, invitation, token, rate_plan_of(tenant, datetime.now(UTC).date()))


def refuse_unusable(*, slug: str, name: str, kind: str, email: str, currency: str, time_zone: str) -> None:
    """Invalid with a pointer to each value that an organisation can't be founded with."""
    wrong = [
        *(() if name.strip() else [FieldError("/name", "give a name")]),
        *(() if kind in STARTS else [FieldError("/kind", f"use {', '.join(STARTS)}")]),
        *_complaint("/slug", validate_slug, slug),
        *_complaint("/email", validate_email, email),
    ]
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha() and currency.isupper()):
        wrong.append(FieldError("/currency", "give three capital letters, such as USD"))
    if time_zone not in time_zones():
        wrong.append(FieldError("/time_zone", "use an IANA name: Asia/Shanghai"))
    if wrong:
        raise Invalid("The organisation can't be founded like this.", tuple(wrong))


def _complaint(pointer: str, validate: Callable[[str], None], value: str) -> list[FieldError]:
    try:
        validate(value)
    except ValidationError as error:
        return [FieldError(pointer, " ".join(error.messages))]
    return []


def _lay_out(tenant: Tenant) -> None:
    local = {"time_zone": tenant.time_zone, "currency": tenant.currency}
    company = Company.objects.create(tenant=tenant, code="head", name=tenant.name)
    mine = None
    for ground in STARTS[tenant.kind].sites:
        site = Site.objects.create(
            tenant=tenant,
            company=company,
            code=ground.code,
            name=ground.name,
            kind=ground.kind,
            mine=mine if ground.kind == MILL else None,
            **local,
        )
        mine = site if ground.kind == MINE else mine
        for kind, name in ground.processes:
            Process.objects.create(tenant=tenant, site=site, code=kind, name=name, kind=kind)


def _invite(tenant: Tenant, email: str) -> tuple[Invitation, str]:
    now, token = datetime.now(UTC), new_secret("cmi")
    Invitation.objects.filter(tenant=tenant, accepted_at=None, revoked_at=None).update(revoked_at=now)
    invitation = Invitation.objects.create(
        tenant=tenant,
        email=email,
        roles=sorted(STARTS[tenant.kind].roles),
        token_hash=hash_secret(token),
        expires_at=now + INVITED_FOR,
    )
    return invitation, token
