"""An agreement that follows from an offer is written at once, and is as one that was negotiated."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from tenants.agreements import actions as agreeing
from tenants.agreements.grants import write_grants
from tenants.ledger.verification import verify
from tenants.ledger.verify_bundle import Chain
from tenants.models import Agreement, Clause, Signature, SiteGroupObjectPermission
from tests.agreements import grants_of


def offered(owner, partner, **changed):
    now = datetime.now(UTC)
    clauses = [
        {"site": owner.sites["north"], "permissions": ["view_alarms"], "during": (now, None), "delay_s": 60},
        {
            "equipment": owner.equipment["FAN-01"],
            "permissions": ["view_telemetry", "view_alarms"],
            "during": (now, now + timedelta(days=1)),
            "field_mask": ["name"],
        },
    ]
    about = {"owner_id": owner.id, "partner_id": partner.id, "title": "Watch", "purpose": "maintenance"}
    with owner.acting():
        return agreeing.agree_by_offer(**about | {"clauses": clauses, "offered_by": owner.user.pk} | changed)


def test_agreement_by_offer_has_all_rows_of_one_that_was_signed(aurora, borealis):
    agreement = offered(aurora, borealis)
    with aurora.acting():
        row = Agreement.objects.get(pk=agreement.pk)
        version = row.versions.get()
        clauses = list(Clause.objects.filter(agreement=row).order_by("pk"))
        signatures = list(Signature.objects.filter(agreement=row).order_by("pk"))
        grant = SiteGroupObjectPermission.objects.get(agreement=row)
    assert (row.status, row.owner_name, row.partner_name) == ("active", "Aurora", "Borealis")
    for name in ("status", "activated_at", "offered_at", "created_at", "created_by_id", "ends_at"):
        assert getattr(row, name) == getattr(agreement, name)
    assert version.offered_at == row.offered_at and version.created_at is not None
    assert all(str(clause.pk) in version.text for clause in clauses)
    assert [clause.during.upper is None for clause in clauses] == [True, False]
    assert [clause.field_mask for clause in clauses] == [[], ["name"]]
    said = [(each.party_id, each.user_name, each.via, each.text_hash) for each in signatures]
    assert said == [
        (aurora.id, "Aurora owner", "offer", version.text_hash),
        (borealis.id, "", "claim", version.text_hash),
    ]
    assert (grant.during, grant.delay_s, grant.group.name) == (clauses[0].during, 60, str(borealis.id))
    assert grants_of(aurora, row) == {
        (aurora.sites["north"].pk, "view_alarms"),
        (aurora.equipment["FAN-01"].pk, "view_telemetry"),
        (aurora.equipment["FAN-01"].pk, "view_alarms"),
    }


def test_agreement_that_opens_nothing_is_in_force_without_grants(aurora, borealis):
    agreement = offered(aurora, borealis, clauses=[])
    assert agreement.status == "active" and grants_of(aurora, agreement) == set()


def test_ledger_names_who_acted_also_after_acting_in_the_owners_name(aurora, borealis):
    with borealis.acting():
        agreeing.agree_by_offer(
            owner_id=aurora.id, partner_id=borealis.id, title="Watch", purpose="maintenance", clauses=[]
        )
    with aurora.acting():
        assert verify(aurora.id, Chain()).fault is None
        signature = Signature.objects.get(party=borealis.id)
    assert (signature.user_name, signature.via) == ("Borealis owner", "test:direct")


def test_stranger_can_not_write_a_grant_on_anothers_site(aurora, borealis, cassia):
    agreement = offered(aurora, borealis)
    with aurora.acting():
        clauses = list(agreement.clauses.all())
    with cassia.acting(), pytest.raises(DatabaseError), transaction.atomic():
        write_grants(agreement, clauses)
