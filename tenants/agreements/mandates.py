"""Mandates: what a statute opens to a regulator. No consent is asked; the owner is told, sees it, and can't end it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q
from django.utils import timezone

from tenants.agreements.actions import activate_agreement
from tenants.agreements.steps import refuse_unfit_end
from tenants.agreements.writing import drafted
from tenants.data import FieldError, Invalid
from tenants.models import Agreement, Clause, Site, Tenant


def lay_mandate(
    *,
    owner: Tenant,
    regulator: Tenant,
    title: str,
    statute: str,
    purpose: str,
    clauses: Sequence[dict[str, Any]],
    terms: str = "",
    ends_at: datetime | None = None,
) -> Agreement:
    """In force at once. Platform operators only (`as_platform`); the clauses name the owner's places."""
    errors = []
    if regulator.kind != Tenant.Kind.REGULATOR:
        errors.append(FieldError("/regulator", "name an organisation that is a regulator"))
    if owner.pk == regulator.pk:
        errors.append(FieldError("/owner", "name another organisation"))
    if not statute.strip():
        errors.append(FieldError("/statute", "name the law that it rests on"))
    if errors:
        raise Invalid("This mandate can't be laid.", tuple(errors))
    refuse_unfit_end(ends_at)
    about = {"kind": Agreement.Kind.MANDATE, "title": title, "purpose": purpose, "statute": statute, "ends_at": ends_at}
    agreement = drafted(
        owner.pk,
        regulator.pk,
        partner_name=regulator.name,
        author_id=regulator.pk,
        terms=terms,
        clauses=clauses,
        about=about,
    )
    activate_agreement(agreement=agreement)
    return agreement


def supervisors(laid: Q, permission: str) -> frozenset[UUID]:
    """Organisations to which a mandate in force opens it by a clause that is `laid` so."""
    now = timezone.now()
    found = Clause.objects.filter(
        laid,
        Q(agreement__ends_at=None) | Q(agreement__ends_at__gt=now),
        agreement__kind=Agreement.Kind.MANDATE,
        agreement__status=Agreement.Status.ACTIVE,
        version__number=F("agreement__version"),
        permissions__contains=[permission],
        during__contains=now,
    )
    return frozenset(found.values_list("agreement__partner", flat=True))


def places_of(owner: Tenant, codes: Sequence[str] = ()) -> list[Site]:
    """Sites of an organisation, all or those of these codes; Invalid if one isn't there."""
    found = [site for site in Site.objects.filter(tenant=owner.pk).order_by("code") if not codes or site.code in codes]
    if missing := sorted(set(codes) - {site.code for site in found}):
        raise Invalid("There is no such site.", (FieldError("/site", f"{owner.slug} has no {missing[0]!r}"),))
    return found
