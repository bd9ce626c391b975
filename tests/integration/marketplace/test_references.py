"""What buyers say of firms, as third parties read it: once it is revealed, and by name only if the buyer agreed."""

from datetime import UTC, datetime

import psycopg
import pytest
from django.db import IntegrityError, ProgrammingError

from marketplace.contracts import access, ratings
from marketplace.contracts.references import show_due
from marketplace.models import Rating, Reference
from tenants.actions import register_equipment, register_site
from tenants.context import as_platform
from tests.integration.marketplace.bid_scenes import superuser
from tests.integration.marketplace.contract_scenes import closed
from tests.integration.marketplace.firms import offer, wanted
from tests.integration.marketplace.guards import sql


def rated(party, contract, stars, **more):
    with party.acting():
        return ratings.rate(
            contract=access.get_contract(contract.pk), stars=stars, words=f"{stars} from {party.tenant.name}", **more
        )


def shown(reader, firm):
    """Of the profile: mean, count and the references in words and name."""
    rows = reader.client().get("/api/v1/profiles").data["results"]
    (profile,) = [row for row in rows if row["firm"] == str(firm.id)]
    detail = reader.client().get(f"/api/v1/profiles/{profile['id']}").data
    assert (detail["stars"], detail["ratings_n"]) == (profile["stars"], profile["ratings_n"])
    said = [(each["words"], each["buyer_name"]) for each in detail["references"]]
    return profile["stars"], profile["ratings_n"], said


def test_third_party_reads_what_the_buyer_said_once_both_have_rated(aurora, borealis, cassia, delta):
    offer(borealis), offer(delta)
    first, second = closed(aurora, borealis), closed(cassia_as_buyer(cassia), borealis)
    rated(aurora, first, 5)
    assert shown(cassia, borealis) == shown(delta, borealis) == (None, 0, [])
    rated(borealis, first, 1)
    assert shown(delta, borealis) == (5.0, 1, [("5 from Aurora", "")])
    rated(borealis, second, 4)
    rated(cassia, second, 2, is_named=True)
    mean, count, said = shown(aurora, borealis)
    assert (mean, count) == (3.5, 2)
    assert said == [("2 from Cassia", "Cassia"), ("5 from Aurora", "")], "what firms say of buyers is not shown"
    assert shown(aurora, delta) == (None, 0, []), "each firm has its own"


def cassia_as_buyer(cassia):
    """With a machine that work is done on."""
    with cassia.acting():
        site = register_site(code="pit", name="Pit", kind="mine")
        cassia.sites["north"] = site
        cassia.equipment["PUMP-07"] = register_equipment(site=site, code="PUMP-07", name="Pump", kind="pump")
    return cassia


def test_rating_that_nobody_answers_is_shown_once_its_time_is_over_and_not_twice(aurora, borealis, cassia):
    offer(borealis)
    contract = closed(aurora, borealis)
    rating = rated(aurora, contract, 3)
    show_due()
    assert shown(cassia, borealis)[:2] == (None, 0)
    with aurora.acting():
        Rating.objects.filter(pk=rating.pk).update(revealed_at=datetime.now(UTC))
    assert show_due() >= 1
    assert show_due() == 0
    assert shown(cassia, borealis)[:2] == (3.0, 1)
    rated(borealis, contract, 5)
    assert shown(cassia, borealis)[:2] == (3.0, 1)


def test_rating_that_can_not_be_shown_keeps_no_other_waiting(aurora, borealis, cassia, delta):
    offer(borealis)
    first = rated(aurora, closed(aurora, borealis), 1)
    rated(cassia, closed(cassia_as_buyer(cassia), borealis), 4)
    for buyer in (aurora, cassia):
        with buyer.acting():
            Rating.objects.filter(tenant=buyer.id).update(revealed_at=datetime.now(UTC))
    superuser(f"ALTER TABLE marketplace_reference ADD CONSTRAINT broken CHECK (id <> '{first.pk}')")
    try:
        with pytest.raises(ExceptionGroup, match="ratings: 1 failed"):
            show_due()
    finally:
        superuser("ALTER TABLE marketplace_reference DROP CONSTRAINT broken")
    assert shown(delta, borealis)[:2] == (4.0, 1)
    assert show_due() >= 1 and shown(delta, borealis)[:2] == (2.5, 2)


def test_references_are_read_by_whom_the_profile_is_shown_to_and_are_a_reason_in_matching(aurora, borealis, cassia):
    offer(borealis, visibility="partners")
    contract = closed(aurora, borealis)
    rated(aurora, contract, 4)
    rated(borealis, contract, 5)
    for reader, there in ((borealis, 1), (cassia, 0)):
        with reader.acting():
            assert Reference.objects.filter(tenant=borealis.id).count() == there
    offer(borealis)
    found = aurora.client().get(f"/api/v1/service-tasks/{wanted(aurora).pk}/matches").data["matches"]
    (match,) = [each for each in found if each["profile"]["firm"] == str(borealis.id)]
    reasons = {reason["name"]: reason["words"] for reason in match["reasons"]}
    assert reasons["ratings"] == "rated 4.0 of 5 by buyers, once"
    assert match["profile"]["stars"] == 4.0
    own = borealis.client().get("/api/v1/profile").data
    assert (own["ratings_n"], len(own["references"])) == (1, 1)


def test_firm_can_neither_write_nor_change_nor_remove_what_is_said_of_it(aurora, borealis):
    contract = closed(aurora, borealis)
    rating = rated(aurora, contract, 2)
    said = {"tenant_id": borealis.id, "category": "planning", "stars": 2, "words": "2 from Aurora"}
    said["shown_at"] = datetime.now(UTC)
    with pytest.raises(ProgrammingError, match="row-level security"), borealis.acting():
        Reference.objects.create(id=rating.pk, **said)  # it is blind yet
    rated(borealis, contract, 5)
    for forged in ({"stars": 5}, {"words": "splendid"}, {"buyer_name": "Aurora"}, {"id": contract.pk}):
        with pytest.raises(ProgrammingError, match="row-level security"), borealis.acting():
            Reference.objects.create(**{"id": rating.pk, **said, **forged})
    with borealis.acting():
        assert sql("UPDATE marketplace_reference SET stars = 5") == 0
        assert sql("DELETE FROM marketplace_reference") == 0
        assert Reference.objects.get(tenant=borealis.id).stars == 2


def test_reference_keeps_its_words_and_its_stars_in_bounds(aurora, borealis):
    contract = closed(aurora, borealis)
    rated(aurora, contract, 2), rated(borealis, contract, 5)
    with pytest.raises(IntegrityError, match="never changes"), as_platform("tests", "alter a reference"):
        Reference.objects.filter(tenant=borealis.id).update(words="splendid")
    with pytest.raises(psycopg.errors.CheckViolation, match="reference_stars_bounded"):
        superuser("UPDATE marketplace_reference SET stars = 6 WHERE tenant_id = %s", borealis.id)
