"""A supervisor checks that the ledger of an organisation under its mandate is sound, and reads none of it."""

from tenants.agreements.actions import end_agreement
from tenants.context import as_platform
from tenants.ledger.actions import enter
from tenants.models import Agreement, LedgerEntry
from tests.agreements import mandate_of
from tests.integration.edge.scenes import opened

VERIFY = "/api/v1/ledger/verify"


def asked(party, owner):
    return party.client().get(VERIFY, {"owner": str(owner.id)})


def test_supervisor_is_told_whether_the_ledger_under_its_mandate_is_sound(aurora, delta):
    mandate_of(aurora, delta)
    with aurora.acting():
        enter(kind="test.entered", subject=aurora.id, payload={"text": "nobody else's business"})
    verdict = asked(delta, aurora).json()
    assert verdict["fault"] is None and verdict["next_after"] is None
    with aurora.acting():
        end = LedgerEntry.objects.get(tenant=aurora.id, kind="test.entered")
    assert (verdict["last"], verdict["head_seq"], verdict["hash"]) == (end.seq, end.seq, end.hash)
    assert "business" not in asked(delta, aurora).content.decode()
    assert delta.client().get("/api/v1/ledger", {"kind": "test.entered"}).json()["results"] == []


def test_nobody_without_a_mandate_may_ask_for_anothers_ledger(aurora, delta, borealis, cassia):
    opened(aurora, borealis, "view_alarms")
    answers = {asked(party, aurora).status_code for party in (delta, borealis, cassia)}
    assert answers == {404} and asked(aurora, aurora).status_code == 200


def test_mandate_that_has_ended_opens_no_ledger(aurora, delta):
    mandate = mandate_of(aurora, delta)
    assert asked(delta, aurora).status_code == 200
    with as_platform("tests", "the law is repealed"):
        end_agreement(agreement=Agreement.objects.get(pk=mandate.pk), reason="repealed")
    assert asked(delta, aurora).status_code == 404
