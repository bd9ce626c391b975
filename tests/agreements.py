"""Agreements between the tests' organisations: in parts, by actions, and as two parties come to them over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

from rest_framework.test import APIClient

from tenants.agreements import actions as agreeing
from tenants.agreements.mandates import lay_mandate
from tenants.context import as_platform
from tenants.models import (
    Agreement,
    AgreementVersion,
    EquipmentGroupObjectPermission,
    FeedEvent,
    LedgerEntry,
    SiteGroupObjectPermission,
)

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def clause_on(place, *permissions, **narrowed):
    key = "equipment" if hasattr(place, "site_id") else "site"
    window = {"begins_at": (NOW - DAY).isoformat(), "ends_at": (NOW + DAY).isoformat()}
    return {key: str(place.pk), "permissions": list(permissions or ["view_alarms"]), "during": window, **narrowed}


def draft_of(owner, partner, *clauses, **changed):
    found = list(clauses) or [clause_on(owner.sites["north"])]
    about = {"title": "Watch North", "purpose": "maintenance", "clauses": found, **changed}
    return about if "framework" in about else {"partner": str(partner.id), **about}


def wish(place, *permissions, **narrowed):
    key = "equipment" if hasattr(place, "site_id") else "site"
    window = (NOW - DAY, NOW + DAY)
    return {key: place, "permissions": list(permissions or ["view_alarms"]), "during": window, **narrowed}


def drafted(owner, partner, **changed):
    clauses = changed.pop("clauses", [wish(owner.sites["north"])])
    with owner.acting():
        return agreeing.draft_agreement(
            partner=partner.tenant, title="Watch", purpose="maintenance", clauses=clauses, **changed
        )


def agreed(owner, partner, **changed):
    """Up to the signatures."""
    agreement = drafted(owner, partner, **changed)
    with owner.acting():
        agreeing.offer_agreement(agreement=agreement)
    with partner.acting():
        agreeing.accept_agreement(agreement=agreement, version=1)
    return agreement


def hash_on_table(party, agreement):
    with party.acting():
        found = Agreement.objects.get(pk=agreement.pk)
        return AgreementVersion.objects.get(agreement=found, number=found.version).text_hash


def signed(agreement, *parties):
    for party in parties:
        text_hash = hash_on_table(party, agreement)
        with party.acting():
            current = Agreement.objects.get(pk=agreement.pk)
            agreeing.sign_agreement(agreement=current, version=current.version, text_hash=text_hash)
    return agreement


def grants_of(owner, agreement):
    with owner.acting():
        return {
            (grant.content_object_id, grant.permission.codename)
            for model in (SiteGroupObjectPermission, EquipmentGroupObjectPermission)
            for grant in model.objects.filter(agreement=agreement.pk).select_related("permission")
        }


def told(party):
    with party.acting():
        return list(FeedEvent.objects.order_by("seq").values_list("kind", flat=True))


def entered(party):
    with party.acting():
        kinds = LedgerEntry.objects.filter(tenant=party.id).order_by("seq").values_list("kind", flat=True)
        return [kind for kind in kinds if kind.startswith("agreement.")]


def mandate_of(aurora, delta):
    with as_platform("operator", "law"):
        return lay_mandate(
            owner=aurora.tenant,
            regulator=delta.tenant,
            title="Gas watch",
            statute="Mine Safety Act, s. 12",
            purpose="safety",
            clauses=[wish(aurora.sites["north"])],
        )


def agree_over_http(owner: APIClient, partner: APIClient, draft: dict[str, Any]) -> str:
    """Draft, offer, accept, and both signatures; returns the id of the agreement, which is in force."""
    made = owner.post("/api/v1/agreements", draft)
    assert made.status_code == 201, made.content
    url = f"/api/v1/agreements/{made.json()['id']}"
    assert owner.post(f"{url}/offer").status_code == 200
    assert partner.post(f"{url}/accept", {"version": 1}).status_code == 200
    signed = {"version": 1, "text_hash": partner.get(f"{url}/versions").json()["results"][0]["text_hash"]}
    assert partner.post(f"{url}/sign", signed).json()["status"] == "agreed"
    assert owner.post(f"{url}/sign", signed).json()["status"] == "active"
    return str(made.json()["id"])
