"""Frameworks and what is called off within them: the limits, and a life that ends with the framework's."""

import pytest
from django.db import IntegrityError, transaction

from tenants.agreements import actions as agreeing
from tenants.data import Conflict, Invalid
from tenants.models import Agreement
from tenants.organisation.closing import request_closure
from tests.agreements import agreed, clause_on, draft_of, entered, grants_of, signed, told, wish


def framework_of(aurora, borealis):
    limits = [wish(aurora.sites["north"], "view_alarms", "view_telemetry", delay_s=60, purpose="maintenance")]
    return signed(agreed(aurora, borealis, kind="framework", clauses=limits), aurora, borealis)


def test_framework_opens_nothing_and_a_call_off_within_it_opens_at_once(aurora, borealis):
    framework = framework_of(aurora, borealis)
    assert grants_of(aurora, framework) == set()
    for party, place in ((borealis, aurora.sites["north"]), (aurora, aurora.equipment["FAN-01"])):
        clause = clause_on(place, "view_alarms", delay_s=60, purpose="maintenance")
        body = draft_of(aurora, borealis, clause, kind="call_off", framework=str(framework.pk))
        answer = party.client().post("/api/v1/agreements", body)
        assert (answer.status_code, answer.json().get("status")) == (201, "active"), answer.content
        assert grants_of(aurora, Agreement(pk=answer.json()["id"])) == {(place.pk, "view_alarms")}


BEYOND = [
    ({"delay_s": 59}, "its delay is less than 60 s"),
    ({"purpose": ""}, "its purpose is not maintenance"),
    ({"permissions": ["view_alarms", "comment"], "delay_s": 0}, "it opens comment"),
]


def test_call_off_beyond_its_framework_is_refused_by_clause_and_limit(aurora, borealis):
    framework, client = framework_of(aurora, borealis), aurora.client()
    within = clause_on(aurora.sites["north"], "view_alarms", delay_s=60, purpose="maintenance")
    for changed, words in BEYOND:
        body = draft_of(aurora, borealis, within, {**within, **changed}, kind="call_off", framework=str(framework.pk))
        answer = client.post("/api/v1/agreements", body)
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"pointer": "/clauses/1", "message": words}]
    with aurora.acting():
        assert not Agreement.objects.filter(framework=framework.pk).exists()


def test_call_off_on_another_place_or_a_suspended_framework_is_refused(aurora, borealis):
    framework = framework_of(aurora, borealis)
    with aurora.acting():
        current = Agreement.objects.get(pk=framework.pk)
        elsewhere = [wish(aurora.sites["north-mill"], delay_s=60, purpose="maintenance")]
        with pytest.raises(Invalid, match="beyond"), transaction.atomic():
            agreeing.call_off(framework=current, title="x", purpose="x", clauses=elsewhere)
        agreeing.suspend_agreement(agreement=current)
    with borealis.acting(), pytest.raises(Conflict, match="this is a framework, suspended"):
        agreeing.call_off(framework=current, title="x", purpose="x", clauses=[])


def called_off(aurora, framework):
    body = draft_of(
        aurora,
        None,
        clause_on(aurora.sites["north"], delay_s=60, purpose="maintenance"),
        kind="call_off",
        framework=str(framework.pk),
    )
    return aurora.client().post("/api/v1/agreements", body).json()["id"]


def test_call_offs_are_suspended_resumed_and_ended_with_their_framework(aurora, borealis):
    framework, owner, partner = framework_of(aurora, borealis), aurora.client(), borealis.client()
    url = f"/api/v1/agreements/{framework.pk}"
    first, second, third = (called_off(aurora, framework) for _ in range(3))
    status = lambda key: owner.get(f"/api/v1/agreements/{key}").json()["status"]  # noqa: E731
    owner.post(f"/api/v1/agreements/{second}/suspend")
    partner.post(f"/api/v1/agreements/{third}/terminate", {"reason": "done"})
    before = len(told(borealis))
    assert owner.post(f"{url}/suspend").json()["status"] == "suspended"
    assert [status(key) for key in (first, second, third)] == ["suspended", "suspended", "terminated"]
    assert told(borealis)[before:] == ["rights.agreement_suspended"] * 2
    for key in (first, second):
        refused = owner.post(f"/api/v1/agreements/{key}/resume")
        assert refused.status_code == 409 and "Its framework is suspended" in refused.json()["detail"]
    owner.post(f"{url}/resume")
    assert [status(key) for key in (first, second)] == ["active", "suspended"]
    before, entries = len(told(aurora)), len(entered(borealis))
    partner.post(f"{url}/terminate", {"reason": "we leave"})
    assert [status(key) for key in (first, second)] == ["terminated"] * 2
    assert owner.get(f"/api/v1/agreements/{first}").json()["end_reason"] == "with its framework: we leave"
    assert not grants_of(aurora, Agreement(pk=first)) and not grants_of(aurora, Agreement(pk=second))
    assert told(aurora)[before:] == ["rights.agreement_ended"] * 3
    assert entered(borealis)[entries:] == ["agreement.ended"] * 3


def test_call_offs_are_superseded_with_their_framework(aurora, borealis):
    framework = framework_of(aurora, borealis)
    called = called_off(aurora, framework)
    with aurora.acting():
        current = Agreement.objects.get(pk=framework.pk)
    signed(agreed(aurora, borealis, kind="framework", supersedes=current), aurora, borealis)
    assert aurora.client().get(f"/api/v1/agreements/{called}").json()["status"] == "superseded"


def test_database_refuses_a_framework_that_goes_without_its_call_offs(aurora, borealis):
    framework = framework_of(aurora, borealis)
    called = called_off(aurora, framework)
    for status in ("suspended", "terminated"):
        with pytest.raises(IntegrityError, match="end with their framework"), aurora.acting():
            Agreement.objects.filter(pk=framework.pk).update(status=status)
    aurora.client().post(f"/api/v1/agreements/{framework.pk}/suspend")
    with pytest.raises(IntegrityError, match="once both parties have signed"), aurora.acting():
        Agreement.objects.filter(pk=called).update(status="active")
    with pytest.raises(IntegrityError, match="end with their framework"), aurora.acting():
        Agreement.objects.filter(pk=framework.pk).update(status="terminated")


def test_closing_ends_a_framework_and_its_call_offs(aurora, borealis):
    framework = framework_of(aurora, borealis)
    called = called_off(aurora, framework)
    with aurora.acting():
        request_closure(slug=aurora.tenant.slug, reason="over")
        assert set(Agreement.objects.filter(pk__in=[framework.pk, called]).values_list("status", flat=True)) == {
            "terminated"
        }
