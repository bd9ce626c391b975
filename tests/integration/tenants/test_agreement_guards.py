"""What is refused of an agreement: over HTTP, and by the database."""

import re
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, ProgrammingError, connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from tenants.agreements import actions as agreeing
from tenants.agreements import writing
from tenants.agreements.lifecycle import BY_CONSENT, BY_STATUTE, State
from tenants.models import Agreement, AgreementVersion, Clause, Signature, Site
from tests.agreements import NOW, agreed, clause_on, draft_of, drafted, signed

NO_ID = "01900000-0000-7000-8000-000000000000"


# What is refused over HTTP -------------------------------------------------------------------------------------------


BAD_CLAUSES = [
    ({"permissions": []}, "/clauses/0/permissions"),
    ({"permissions": ["fly"]}, "/clauses/0/permissions/0"),
    ({"during": {"begins_at": NOW.isoformat(), "ends_at": NOW.isoformat()}}, "/clauses/0/during/ends_at"),
    ({"during": {"begins_at": NOW.isoformat(), "ends_at": "9999-12-31T23:59:59Z"}}, "/clauses/0/during/ends_at"),
    ({"during": {"begins_at": "0001-01-01T00:00:00Z"}}, "/clauses/0/during/begins_at"),
    ({"purpose": "*"}, "/clauses/0/purpose"),
    ({"field_mask": ["severity"]}, "/clauses/0/field_mask"),
    ({"delay_s": -1}, "/clauses/0/delay_s"),
    ({"delay_s": 5, "permissions": ["acknowledge_alarms"]}, "/clauses/0/delay_s"),
    ({"floor_n": 5}, "/clauses/0/floor_n"),
    ({"price_minor": 5}, "/clauses/0/price_per"),
    ({"site": None}, "/clauses/0"),
    ({"equipment": NO_ID}, "/clauses/0"),
]


def test_bad_clause_is_pointed_at_and_nothing_is_kept(aurora, borealis):
    client = aurora.client()
    for changed, pointer in BAD_CLAUSES:
        body = draft_of(aurora, borealis, {**clause_on(aurora.sites["north"]), **changed})
        for path in ("agreements", "agreements/preview"):
            answer = client.post(f"/api/v1/{path}", body)
            assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json"), answer.content
            assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert client.get("/api/v1/agreements").json()["results"] == []


def test_far_window_is_refused_by_the_database_too(aurora, borealis):
    agreement, far = drafted(aurora, borealis), datetime(9999, 12, 31, tzinfo=UTC)
    clause = Clause(
        site=aurora.sites["north"], code="N", name="North", permissions=["comment"], during=DateTimeTZRange(NOW, far)
    )
    with pytest.raises(IntegrityError, match="clause_window_bounded"), aurora.acting():
        writing.write_version(
            writing.composed_version(agreement, number=2, author_id=aurora.id, clauses=[clause]), [clause]
        )


BAD_HEADINGS = [
    ({"clauses": []}, "/clauses"),
    ({"clauses": [clause_on(Site(pk=NO_ID))] * 101}, "/clauses"),
    ({"partner": None}, "/partner"),
    ({"partner": NO_ID}, "/partner"),
    ({"kind": "mandate"}, "/kind"),
    ({"kind": "call_off"}, "/framework"),
    ({"ends_at": NOW.isoformat()}, "/ends_at"),
    ({"ends_at": "9999-12-31T23:59:59Z"}, "/ends_at"),
    ({"title": ""}, "/title"),
]


def test_bad_heading_is_pointed_at(aurora, borealis):
    client = aurora.client()
    for changed, pointer in BAD_HEADINGS:
        body = draft_of(aurora, borealis) | changed
        answer = client.post("/api/v1/agreements", {key: value for key, value in body.items() if value is not None})
        assert answer.status_code == 422, (changed, answer.content)
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]


# What the database refuses -------------------------------------------------------------------------------------------


def pairs(table):
    return {(str(a), str(b)) for (a, _, _), b in table.items() if a != b and a != State.EXPIRED}


def test_guard_allows_the_steps_of_the_table_and_no_others():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('tenants_guard_agreement'::regproc)")
        (source,) = cursor.fetchone()
    assert set(re.findall(r"\('(\w+)', '(\w+)'\)", source)) == pairs(BY_CONSENT) | pairs(BY_STATUTE)


ILLEGAL = [
    ("UPDATE tenants_agreement SET status = 'active' WHERE id = '{id}'", "can not go from offered to active"),
    ("UPDATE tenants_agreement SET status = 'draft' WHERE id = '{id}'", "can not go from offered to draft"),
    ("UPDATE tenants_agreement SET statute = 'x' WHERE id = '{id}'", "what an agreement is about never changes"),
    ("UPDATE tenants_agreement SET title = 'x' WHERE id = '{id}'", "heading of an agreement is that of its version"),
    ("UPDATE tenants_agreement SET ends_at = now() WHERE id = '{id}'", "heading of an agreement is that of its"),
    ("UPDATE tenants_agreement SET version = 9 WHERE id = '{id}'", "heading of an agreement is that of its version"),
    ("UPDATE tenants_agreementversion SET title = 'x' WHERE agreement_id = '{id}'", "never changes"),
    ("UPDATE tenants_agreement SET version = 0 WHERE id = '{id}'", "the version of an agreement"),
    ("UPDATE tenants_agreementversion SET text = 'x' WHERE agreement_id = '{id}'", "never changes"),
    ("UPDATE tenants_agreementversion SET terms = 'x' WHERE agreement_id = '{id}'", "never changes"),
]


def test_illegal_update_is_refused(aurora, borealis):
    agreement = drafted(aurora, borealis)
    with aurora.acting():
        agreeing.offer_agreement(agreement=agreement)
    for statement, words in ILLEGAL:
        with pytest.raises(IntegrityError, match=words), aurora.acting(), connection.cursor() as cursor:
            cursor.execute(statement.format(id=agreement.pk))


def test_clauses_and_signatures_can_be_neither_changed_nor_removed_nor_forged(aurora, borealis):
    agreement = signed(agreed(aurora, borealis), aurora)
    with aurora.acting(), connection.cursor() as cursor:
        for table in ("clause", "signature"):
            cursor.execute(f"UPDATE tenants_{table} SET id = id WHERE agreement_id = %s", [agreement.pk])
            assert cursor.rowcount == 0
        for table in ("clause", "signature", "agreementversion"):
            cursor.execute(f"DELETE FROM tenants_{table} WHERE agreement_id = %s", [agreement.pk])
            assert cursor.rowcount == 0
    with aurora.acting():
        version = AgreementVersion.objects.get(agreement=agreement)
        signature = Signature.objects.get(agreement=agreement)
    forged = Signature(tenant_id=aurora.id, agreement=agreement, version=version, party_id=borealis.id, text_hash="x")
    with pytest.raises(IntegrityError, match="a party signs the text"), aurora.acting():
        forged.save(force_insert=True)
    signature.pk, signature.party_id = forged.pk, aurora.id
    with pytest.raises(IntegrityError, match="signature_once"), aurora.acting():
        signature.save(force_insert=True)
    extra = Clause(tenant_id=aurora.id, agreement=agreement, version=version, site=aurora.sites["north-mill"])
    extra.permissions, extra.during = ["manage"], (NOW, None)
    with pytest.raises(IntegrityError, match="stands in the text"), aurora.acting():
        extra.save(force_insert=True)


def test_one_signature_brings_nothing_into_force_by_sql(aurora, borealis):
    agreement = signed(agreed(aurora, borealis), aurora)
    with pytest.raises(IntegrityError, match="once both parties have signed"), aurora.acting():
        Agreement.objects.filter(pk=agreement.pk).update(status="active")
    with pytest.raises(IntegrityError, match="begins as a draft, not as active"), aurora.acting():
        Agreement.objects.create(tenant_id=aurora.id, partner=borealis.tenant, title="x", status="active")


def test_partner_writes_nothing_of_the_agreement_by_sql(aurora, borealis):
    agreement = agreed(aurora, borealis)
    with borealis.acting(), connection.cursor() as cursor:
        cursor.execute("UPDATE tenants_agreement SET version = 2 WHERE id = %s", [agreement.pk])
        assert cursor.rowcount == 0
    mine = Agreement(tenant_id=aurora.id, partner=borealis.tenant, title="x", purpose="x")
    with pytest.raises(ProgrammingError, match="row-level security"), borealis.acting():
        mine.save(force_insert=True)
