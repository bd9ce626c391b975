"""An agreement's life between two organisations: who sees and does what, what takes its place, mandates."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import IntegrityError

from tenants.agreements import actions as agreeing
from tenants.agreements.mandates import lay_mandate
from tenants.agreements.text import text_of
from tenants.context import as_platform
from tenants.data import Conflict, Invalid
from tenants.models import Agreement, AgreementVersion, Signature, new_id
from tenants.organisation.closing import request_closure
from tests.agreements import (
    DAY,
    NOW,
    agree_over_http,
    agreed,
    clause_on,
    draft_of,
    drafted,
    entered,
    grants_of,
    hash_on_table,
    mandate_of,
    signed,
    told,
    wish,
)
from tests.together import at_once

# The whole life ------------------------------------------------------------------------------------------------------


def test_agreement_is_negotiated_signed_and_ended_over_http(aurora, borealis, cassia):
    owner, partner, outsider = aurora.client(), borealis.client(), cassia.client()
    north, fan = aurora.sites["north"], aurora.equipment["FAN-01"]
    draft = draft_of(aurora, borealis, clause_on(north), clause_on(fan, "view_telemetry", delay_s=60))
    made = owner.post("/api/v1/agreements", draft)
    assert (made.status_code, made.json()["status"], made.json()["steps"]) == (
        201,
        "draft",
        ["revise", "offer", "terminate"],
    )
    url = f"/api/v1/agreements/{made.json()['id']}"
    assert partner.get(url).status_code == 404
    revised = owner.post(f"{url}/versions", {"answers": 1, "terms": "Call first.", "clauses": draft["clauses"]})
    assert (revised.status_code, revised.json()["number"]) == (201, 2)
    assert owner.post(f"{url}/offer").json()["steps"] == ["terminate"]
    seen = partner.get(url).json()
    assert (seen["status"], seen["version"], seen["steps"]) == ("offered", 2, ["counter", "accept", "terminate"])
    assert [clause["name"] for clause in seen["clauses"]] == ["Aurora North", "Main ventilation fan"]
    assert [row["number"] for row in partner.get(f"{url}/versions").json()["results"]] == [2]
    less = partner.post(f"{url}/versions", {"answers": 2, "clauses": [clause_on(fan, "view_telemetry")]})
    assert (less.status_code, less.json()["author"]) == (201, str(borealis.id))
    assert partner.post(f"{url}/accept", {"version": 3}).status_code == 409
    assert owner.post(f"{url}/accept", {"version": 2}).status_code == 409
    assert owner.post(f"{url}/accept", {"version": 3}).json()["status"] == "agreed"
    on_table = partner.get(f"{url}/versions").json()["results"][0]
    signature = {"version": 3, "text_hash": on_table["text_hash"]}
    assert partner.get(f"/api/v1/sites/{north.pk}").status_code == 404
    first = owner.post(f"{url}/sign", signature).json()
    assert (first["status"], first["steps"]) == ("agreed", ["terminate"])
    assert owner.post(f"{url}/sign", signature).status_code == 409
    last = partner.post(f"{url}/sign", signature).json()
    assert last["status"] == "active"
    assert {row["user_name"] for row in last["signatures"]} == {"Aurora owner", "Borealis owner"}
    assert partner.get(f"/api/v1/sites/{north.pk}").status_code == 200
    for client in (partner, outsider):
        assert client.post(f"{url}/suspend").status_code == (409 if client is partner else 404)
    assert owner.post(f"{url}/suspend").json()["status"] == "suspended"
    assert partner.get(f"/api/v1/sites/{north.pk}").status_code == 404
    assert owner.post(f"{url}/resume").json()["status"] == "active"
    ended = partner.post(f"{url}/terminate", {"reason": "we leave"}).json()
    assert (ended["status"], ended["end_reason"], ended["steps"]) == ("terminated", "we leave", [])
    assert grants_of(aurora, Agreement(pk=made.json()["id"])) == set()
    talk = ["agreement.offered", "agreement.countered", "agreement.accepted", "agreement.signed", "agreement.signed"]
    force = ["activated", "suspended", "resumed", "ended"]
    assert told(aurora) == told(borealis) == [*talk, *[f"rights.agreement_{what}" for what in force]]
    assert told(cassia) == []
    decided = [f"agreement.{what}" for what in ("signed", "signed", *force)]
    assert entered(aurora) == entered(borealis) == decided and entered(cassia) == []


def test_signed_text_says_what_the_answer_says_and_its_hash_can_be_computed_again(aurora, borealis):
    owner, partner = aurora.client(), borealis.client()
    clause = clause_on(aurora.sites["north"], price_minor=500, price_per="month", purpose="audit", field_mask=["value"])
    made = owner.post("/api/v1/agreements", draft_of(aurora, borealis, clause, terms="Ärger… \u2028 \U0001f9f2")).json()
    url = f"/api/v1/agreements/{made['id']}"
    owner.post(f"{url}/offer")
    agreement, version = partner.get(url).json(), partner.get(f"{url}/versions").json()["results"][0]
    assert hashlib.sha256(version["text"].encode()).hexdigest() == version["text_hash"]
    heading = ("kind", "title", "purpose", "statute", "framework", "supersedes", "ends_at")
    said = {
        "format": "cloudmining agreement 1",
        "agreement": agreement["id"],
        "version": version["number"],
        "owner": {"id": agreement["owner"], "name": agreement["owner_name"]},
        "partner": {"id": agreement["partner"], "name": agreement["partner_name"]},
        **{name: agreement[name] for name in heading},
        "terms": version["terms"],
        "clauses": version["clauses"],
    }
    assert json.loads(version["text"]) == said
    assert json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False) == version["text"]
    assert agreement["clauses"] == version["clauses"]


def test_counter_offer_changes_title_purpose_and_end_and_the_text_says_so(aurora, borealis):
    owner, partner = aurora.client(), borealis.client()
    draft = draft_of(aurora, borealis, ends_at=(NOW + 9 * DAY).isoformat())
    made = owner.post("/api/v1/agreements", draft).json()
    url, heading = f"/api/v1/agreements/{made['id']}", ("title", "purpose", "ends_at")
    owner.post(f"{url}/offer")
    first = partner.get(f"{url}/versions").json()["results"][0]
    past = {"answers": 1, "clauses": draft["clauses"], "ends_at": (NOW - DAY).isoformat()}
    refused = partner.post(f"{url}/versions", past)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/ends_at")
    counter = {"answers": 1, "clauses": draft["clauses"], "title": "Watch and repair", "ends_at": None}
    second = partner.post(f"{url}/versions", counter).json()
    assert [second[name] for name in heading] == ["Watch and repair", draft["purpose"], None]
    on_table = owner.get(url).json()
    for holder in (on_table, json.loads(second["text"])):
        assert [holder[name] for name in heading] == [second[name] for name in heading]
    assert owner.get(f"{url}/versions").json()["results"] == [second, first]
    back = {"answers": 2, "clauses": draft["clauses"], "purpose": "repair", "ends_at": first["ends_at"]}
    assert owner.post(f"{url}/versions", back).status_code == 201
    said = partner.get(url).json()
    assert [said[name] for name in heading] == ["Watch and repair", "repair", first["ends_at"]]
    assert json.loads(first["text"])["title"] == first["title"] == "Watch North"


def test_version_whose_text_has_another_heading_is_refused(aurora, borealis):
    agreement = drafted(aurora, borealis)
    with aurora.acting():
        version = agreement.versions.get()
    version.pk, version.number, version.title = new_id(), 2, "Another"
    with pytest.raises(IntegrityError, match="stands in its text"), aurora.acting():
        version.save(force_insert=True)


def test_stored_rows_give_the_signed_text_again(aurora, borealis):
    agreement = drafted(aurora, borealis, clauses=[wish(aurora.sites["north"]), wish(aurora.equipment["FAN-01"])])
    with aurora.acting():
        version = AgreementVersion.objects.get(agreement=agreement)
        clauses = list(version.clauses.order_by("pk"))
        assert text_of(version, clauses) == version.text


def test_signature_is_for_the_text_on_the_table_alone(aurora, borealis):
    agreement = agreed(aurora, borealis)
    text_hash = hash_on_table(borealis, agreement)
    with borealis.acting(), pytest.raises(Invalid, match="not the hash"):
        agreeing.sign_agreement(agreement=agreement, version=1, text_hash="0" * 64)
    with borealis.acting(), pytest.raises(Conflict, match="Version 1 is on the table, not 2"):
        agreeing.sign_agreement(agreement=agreement, version=2, text_hash=text_hash)
    with aurora.acting():
        assert not Signature.objects.filter(agreement=agreement).exists()


def test_partner_counters_only_on_places_that_it_was_offered(aurora, borealis):
    owner, partner = aurora.client(), borealis.client()
    made = owner.post("/api/v1/agreements", draft_of(aurora, borealis)).json()
    url = f"/api/v1/agreements/{made['id']}"
    owner.post(f"{url}/offer")
    for place in (aurora.sites["north-mill"], aurora.equipment["FAN-01"]):
        answer = partner.post(f"{url}/versions", {"answers": 1, "clauses": [clause_on(place)]})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"].startswith("/clauses/0/")
    stale = partner.post(f"{url}/versions", {"answers": 2, "clauses": [clause_on(aurora.sites["north"])]})
    assert stale.status_code == 409
    assert (
        partner.post(f"{url}/versions", {"answers": 1, "clauses": [clause_on(aurora.sites["north"])]}).status_code
        == 201
    )
    back = owner.post(f"{url}/versions", {"answers": 2, "clauses": [clause_on(aurora.sites["north-mill"])]})
    assert back.status_code == 201
    assert partner.get(url).json()["status"] == "offered"


def test_preview_counts_for_the_owner_and_names_tables_for_the_partner(aurora, borealis):
    owner, partner = aurora.client(), borealis.client()
    clause = clause_on(aurora.sites["north"], "view_telemetry", floor_n=5, field_mask=["value"])
    draft = draft_of(aurora, borealis, clause)
    before = owner.post("/api/v1/agreements/preview", draft).json()
    made = owner.post("/api/v1/agreements", draft).json()
    url = f"/api/v1/agreements/{made['id']}"
    owner.post(f"{url}/offer")
    counted, named = owner.get(f"{url}/preview").json(), partner.get(f"{url}/preview").json()
    assert before[0]["openings"] == counted[0]["openings"]
    found = {row["table"]: row["n_rows"] for row in counted[0]["openings"]}
    assert (found["sites"], found["equipment"]) == (1, 4)
    assert {row["n_rows"] for row in named[0]["openings"]} == {None}
    readings = next(row for row in named[0]["openings"] if row["table"] == "readings")
    assert (readings["hidden"], readings["is_figures_only"]) == (["value"], True)


def test_discarded_draft_stays_the_owners_own(aurora, borealis):
    agreement = drafted(aurora, borealis)
    with aurora.acting():
        agreeing.terminate_agreement(agreement=agreement, reason="changed our mind")
    assert borealis.client().get(f"/api/v1/agreements/{agreement.pk}").status_code == 404
    assert told(aurora) == ["agreement.declined"] and told(borealis) == []


def test_past_its_end_it_is_expired_without_a_job(aurora, borealis):
    agreement = drafted(aurora, borealis, ends_at=datetime.now(UTC) + timedelta(seconds=1.5))
    with aurora.acting():
        agreeing.offer_agreement(agreement=agreement)
    owner, url = aurora.client(), f"/api/v1/agreements/{agreement.pk}"
    while (seen := owner.get(url).json())["status"] == "offered":
        assert datetime.now(UTC) < agreement.ends_at + timedelta(seconds=5)
    assert (seen["status"], seen["steps"]) == ("expired", ["terminate"])
    answer = borealis.client().post(f"{url}/accept", {"version": 1})
    assert answer.status_code == 409 and "agreement that is expired; possible now: terminate" in answer.json()["detail"]
    ids = lambda query: {row["id"] for row in owner.get(f"/api/v1/agreements?{query}").json()["results"]}  # noqa: E731
    assert ids("status=expired") == {str(agreement.pk)} and ids("status=offered") == set()
    assert ids(f"partner={borealis.id}&kind=bilateral") == {str(agreement.pk)} and ids("kind=mandate") == set()


# What takes the place of another, mandates ---------------------------------------------------------------------------


def test_amendment_takes_the_place_in_the_moment_it_comes_into_force(aurora, borealis):
    old = signed(agreed(aurora, borealis), aurora, borealis)
    with aurora.acting():
        current = Agreement.objects.get(pk=old.pk)
    new = agreed(aurora, borealis, supersedes=current, clauses=[wish(aurora.sites["north-mill"])])
    signed(new, borealis)
    assert grants_of(aurora, old) == {(aurora.sites["north"].pk, "view_alarms")} and not grants_of(aurora, new)
    signed(new, aurora)
    assert grants_of(aurora, new) == {(aurora.sites["north-mill"].pk, "view_alarms")} and not grants_of(aurora, old)
    with borealis.acting():
        assert Agreement.objects.get(pk=old.pk).status == "superseded"
    rival = agreed(aurora, borealis)
    with aurora.acting(), pytest.raises(Invalid, match="can't take the place"):
        agreeing.draft_agreement(
            partner=borealis.tenant,
            title="Late",
            purpose="x",
            clauses=[wish(aurora.sites["north"])],
            supersedes=Agreement.objects.get(pk=rival.pk),
        )


def test_second_amendment_of_one_agreement_is_refused_when_the_first_is_in_force(aurora, borealis):
    old = signed(agreed(aurora, borealis), aurora, borealis)
    with aurora.acting():
        current = Agreement.objects.get(pk=old.pk)
    first, second = (agreed(aurora, borealis, supersedes=current) for _ in range(2))
    signed(first, aurora, borealis)
    signed(second, aurora)
    with pytest.raises(Conflict, match="superseded"):
        signed(second, borealis)
    assert grants_of(aurora, first) and not grants_of(aurora, second)


def test_mandate_opens_without_consent_and_the_owner_is_told_but_cannot_end_it(aurora, delta):
    mandate = mandate_of(aurora, delta)
    assert grants_of(aurora, mandate) == {(aurora.sites["north"].pk, "view_alarms")}
    assert told(aurora) == told(delta) == ["rights.agreement_activated"]
    assert entered(aurora) == entered(delta) == ["agreement.activated"]
    owner, url = aurora.client(), f"/api/v1/agreements/{mandate.pk}"
    seen = owner.get(url).json()
    assert (seen["kind"], seen["statute"], seen["steps"]) == ("mandate", "Mine Safety Act, s. 12", [])
    assert delta.client().get(f"/api/v1/sites/{aurora.sites['north'].pk}").status_code == 200
    for step, body in (("suspend", None), ("terminate", {"reason": "no"})):
        answer = owner.post(f"{url}/{step}", body)
        assert answer.status_code == 409 and "possible now: nothing" in answer.json()["detail"]
    assert delta.client().post(f"{url}/terminate", {"reason": "done"}).json()["status"] == "terminated"
    assert grants_of(aurora, mandate) == set()


def test_mandate_can_be_ended_by_the_platform_and_laid_by_nobody_else(aurora, borealis, delta):
    mandate = mandate_of(aurora, delta)
    with as_platform("operator", "law repealed"):
        agreeing.end_agreement(agreement=Agreement.objects.get(pk=mandate.pk), reason="repealed")
    assert grants_of(aurora, mandate) == set()
    with as_platform("operator", "law"), pytest.raises(Invalid) as refused:
        lay_mandate(owner=aurora.tenant, regulator=borealis.tenant, title="x", statute=" ", purpose="x", clauses=[])
    assert [error.pointer for error in refused.value.errors] == ["/regulator", "/statute"]
    with aurora.acting(), pytest.raises(Invalid):
        agreeing.draft_agreement(
            partner=delta.tenant, title="x", purpose="x", kind="mandate", clauses=[wish(aurora.sites["north"])]
        )
    with pytest.raises(IntegrityError, match="only the platform lays a mandate"), aurora.acting():
        Agreement.objects.create(tenant_id=aurora.id, partner=delta.tenant, kind="mandate", statute="x", title="x")


def test_mandate_stands_while_its_owner_closes_and_all_else_ends(aurora, borealis, delta):
    mandate, other = mandate_of(aurora, delta), signed(agreed(aurora, borealis), aurora, borealis)
    with aurora.acting():
        request_closure(slug=aurora.tenant.slug, reason="sold")
        found = dict(Agreement.objects.values_list("pk", "status"))
    assert found == {mandate.pk: "active", other.pk: "terminated"}


# Two at once ---------------------------------------------------------------------------------------------------------


def outcome(work):
    try:
        return work()
    except (Conflict, Invalid) as refusal:
        return refusal


def outcomes(*works):
    return at_once(*[partial(outcome, work) for work in works])


def test_of_two_signatures_of_one_party_at_once_one_counts(aurora, borealis):
    agreement = agreed(aurora, borealis)
    came = outcomes(*[lambda: signed(agreement, borealis)] * 2)
    assert sorted(type(one).__name__ for one in came) == ["Agreement", "Conflict"]


def test_signatures_of_both_parties_at_once_bring_it_into_force_once(aurora, borealis):
    agreement = agreed(aurora, borealis)
    came = outcomes(lambda: signed(agreement, borealis), lambda: signed(agreement, aurora))
    assert [type(one) for one in came] == [Agreement, Agreement]
    assert grants_of(aurora, agreement) == {(aurora.sites["north"].pk, "view_alarms")}
    assert told(borealis).count("rights.agreement_activated") == 1


def test_of_two_counters_or_an_acceptance_at_once_one_wins(aurora, borealis):
    agreement = drafted(aurora, borealis)
    with aurora.acting():
        agreeing.offer_agreement(agreement=agreement)

    def counter():
        with borealis.acting():
            current = Agreement.objects.get(pk=agreement.pk)
            return agreeing.propose_version(agreement=current, answers=1, clauses=[wish(aurora.sites["north"])])

    def accept():
        with borealis.acting():
            agreeing.accept_agreement(agreement=Agreement.objects.get(pk=agreement.pk), version=1)

    came = outcomes(counter, counter, accept)
    assert [isinstance(one, Conflict) for one in came].count(True) == 2


def test_helper_agrees_over_http(aurora, borealis):
    made = agree_over_http(aurora.client(), borealis.client(), draft_of(aurora, borealis))
    assert grants_of(aurora, Agreement(pk=made)) == {(aurora.sites["north"].pk, "view_alarms")}
