"""What a firm shows of itself and to whom, and how firms and tasks find each other."""

import pytest
from django.db import IntegrityError, ProgrammingError

from marketplace import actions
from marketplace.access import get_own_task, get_task
from marketplace.models import Expert, Profile, TaskNeed
from marketplace.profiles import api as profiles
from marketplace.profiles import queries as profile_queries
from marketplace.profiles.api import NeedTerms, ProfileTerms
from tenants.data import Conflict, NotFound
from tenants.resources import actions as register
from tests.integration.marketplace import contract_scenes as contracts
from tests.integration.marketplace.firms import TODAY, WELDERS, offer, wanted, welders
from tests.integration.marketplace.scenes import claimed, published, submitted, terms
from tests.integration.tenants.read_scenes import share
from tests.personas import Organisation

API = "/api/v1"


def shown_to(reader: Organisation, firm: Organisation) -> bool:
    with reader.acting():
        return Profile.objects.filter(tenant=firm.id).exists()


def shows(firm: Organisation, person, **options) -> Expert:
    with firm.acting():
        return profiles.publish_expert(person=person, **options)


def test_profile_is_shown_to_whom_the_firm_chose(aurora, borealis, cassia):
    assert not shown_to(cassia, borealis)
    offer(borealis, visibility="hidden")
    assert not shown_to(cassia, borealis) and shown_to(borealis, borealis)
    offer(borealis, visibility="public")
    assert shown_to(cassia, borealis)
    offer(borealis, visibility="partners")
    assert not shown_to(cassia, borealis) and not shown_to(aurora, borealis)
    share(aurora, borealis, "view_alarms")
    assert shown_to(aurora, borealis) and not shown_to(cassia, borealis)
    offer(aurora, visibility="partners")
    assert shown_to(borealis, aurora) and not shown_to(cassia, aurora)


def test_profile_of_another_is_read_and_never_written(borealis, cassia):
    profile, crew = offer(borealis), welders(borealis)
    shows(borealis, crew.wei)
    with cassia.acting():
        assert profiles.get_profile(profile.pk).firm_name == "Borealis"
        assert Profile.objects.filter(pk=profile.pk).update(about="x") == 0
        assert Expert.objects.filter(tenant=borealis.id).delete()[0] == 0
    with pytest.raises(ProgrammingError, match="row-level security"), cassia.acting():
        Profile.objects.create(tenant_id=borealis.id, firm_name="x")


def test_expert_is_shown_without_the_register_and_without_a_name_unless_the_firm_says_so(borealis, cassia):
    crew = welders(borealis)
    offer(borealis)
    shows(borealis, crew.wei), shows(borealis, crew.xena, shows_name=True)
    with cassia.acting():
        first, second = profiles.experts_of(Profile.objects.get(tenant=borealis.id))
        assert (first.shown_name, first.levels, second.shown_name) == ("", {"welding": 4}, "Xena Ray")
        assert [paper["kind"] for paper in first.papers] == ["hot-work"] and "number" not in first.papers[0]
        assert not Expert.objects.filter(person__name="Xena Ray").exists()
    offer(borealis, visibility="hidden")
    with cassia.acting():
        assert not Expert.objects.filter(tenant=borealis.id).exists()


def test_expert_is_a_copy_that_publishing_again_renews_and_erasing_takes_away(borealis):
    crew = welders(borealis)
    shows(borealis, crew.wei, shows_name=True)
    with borealis.acting():
        skill = crew.wei.skills.get().skill
        register.assess_person(person=crew.wei, skill=skill, level=5, assessed_on=TODAY)
        assert Expert.objects.get(tenant=borealis.id).levels == {"welding": 4}
    assert shows(borealis, crew.wei).levels == {"welding": 5}
    with borealis.acting():
        register.erase_person(person=crew.wei)
        assert not Expert.objects.filter(tenant=borealis.id).exists()
    with pytest.raises(Conflict, match="W-1 does not work here"):
        shows(borealis, crew.wei)


def test_needs_are_the_drafts_own_and_frozen_with_it(aurora, borealis):
    with aurora.acting():
        task = actions.post_task(terms=terms(), site_id=aurora.sites["north"].pk)
        profiles.set_needs(task=task, needs=(WELDERS, NeedTerms(2, "lifting")))
        profiles.set_needs(task=task, needs=(WELDERS,))
        assert [str(need) for need in profiles.needs_of(task)] == ["1 × welding at level 3 or above with hot-work"]
        actions.publish_task(task=task)
    with aurora.acting(), pytest.raises(Conflict, match="Only a draft"):
        profiles.set_needs(task=get_own_task(task.pk), needs=())
    with aurora.acting():
        assert TaskNeed.objects.filter(task=task).update(level=1) == 0
        assert TaskNeed.objects.filter(task=task).delete()[0] == 0
    with pytest.raises(ProgrammingError, match="row-level security"), aurora.acting():
        TaskNeed.objects.create(tenant_id=aurora.id, task=task, skill="x")
    with borealis.acting():
        assert profiles.needs_of(get_task(task.pk)).get().level == 3
    claimed(task, borealis)


def test_needs_of_a_task_are_read_by_whoever_reads_the_task(aurora, borealis, cassia):
    task = wanted(aurora)
    claimed(task, borealis)
    for reader, sees in ((aurora, True), (borealis, True), (cassia, False)):
        with reader.acting():
            assert TaskNeed.objects.filter(task=task.pk).exists() is sees


def matches(firm: Organisation, *roles: str) -> dict:
    with firm.acting(*roles):
        return {match.task.pk: match.fit for match in profiles.tasks_for_me()}


def test_tasks_are_ranked_for_a_firm_by_its_own_register(aurora, borealis, cassia):
    with aurora.acting():
        aurora.sites["north"].country = "CN"
        aurora.sites["north"].save()
    fitting, other = wanted(aurora), wanted(aurora, NeedTerms(5, "diving"))
    offer(borealis), welders(borealis)
    found = matches(borealis)
    assert found[fitting.pk].score == 95 and found[other.pk].score < found[fitting.pk].score
    assert {reason.name: reason.points for reason in found[fitting.pk].reasons}["free_people"] == 5
    with borealis.acting():
        ranked = [match.fit.score for match in profiles.tasks_for_me()]
    assert ranked == sorted(ranked, reverse=True)
    assert fitting.pk not in matches(aurora) and matches(cassia)[fitting.pk].score == 0


def test_role_that_may_not_see_people_is_matched_by_those_who_are_published(aurora, borealis):
    task, crew = wanted(aurora), welders(borealis)
    offer(borealis)
    names = {reason.name for reason in matches(borealis, "viewer")[task.pk].reasons}
    assert "free_people" not in names
    before = matches(borealis, "viewer")[task.pk].score
    shows(borealis, crew.wei)
    assert matches(borealis, "viewer")[task.pk].score > before


def ranked(owner: Organisation, task) -> dict:
    """Fit by firm, the best first."""
    with owner.acting():
        return {match.profile.tenant_id: match.fit for match in profiles.firms_for(get_own_task(task.pk))}


def test_firms_are_ranked_for_the_owner_by_what_they_show(aurora, borealis, delta):
    task, crew = wanted(aurora), welders(borealis)
    offer(borealis), offer(delta, rates=(), machines=())
    before = ranked(aurora, task)
    assert [firm for firm in before if firm in (borealis.id, delta.id)] == [borealis.id, delta.id]
    assert before[borealis.id].score > before[delta.id].score
    shows(borealis, crew.wei)
    after = ranked(aurora, task)
    assert after[borealis.id].score > before[borealis.id].score
    assert "free_people" not in {reason.name for reason in after[borealis.id].reasons}
    offer(borealis, visibility="hidden")
    assert borealis.id not in ranked(aurora, task)


def test_of_too_many_firms_those_that_said_last_what_they_offer_are_looked_at(monkeypatch, aurora, borealis, delta):
    monkeypatch.setattr(profile_queries, "MOST_PROFILES", 1)
    task = wanted(aurora)
    for firm in (borealis, delta, borealis):
        offer(firm)
        assert list(ranked(aurora, task)) == [firm.id]


def test_work_that_was_accepted_counts_for_both(aurora, borealis):
    offer(borealis)
    done, task = published(aurora), wanted(aurora)
    claimed(done, borealis), submitted(done, borealis)
    before = matches(borealis)[task.pk].score
    with aurora.acting():
        actions.accept_work(task=get_own_task(done.pk))
    after = matches(borealis)[task.pk]
    assert after.score > before and "1 tasks of this kind accepted before" in [r.words for r in after.reasons]
    told = [reason.words for reason in ranked(aurora, task)[borealis.id].reasons]
    assert "1 tasks of this kind accepted before" in told


def test_work_under_a_contract_counts_once_it_is_done(aurora, borealis):
    offer(borealis)
    task, contract = wanted(aurora), contracts.written(aurora, borealis)
    before = matches(borealis)[task.pk].score
    contracts.accepted(aurora, borealis, contract, 1, 2, 3)
    assert matches(borealis)[task.pk].score > before
    told = [reason.words for reason in ranked(aurora, task)[borealis.id].reasons]
    assert "1 tasks of this kind accepted before" in told


def test_profile_needs_and_matches_over_http(aurora, borealis, cassia):
    firm, owner, crew = borealis.client(), aurora.client(), welders(borealis)
    assert firm.get(f"{API}/profile").status_code == 204
    said = {
        "visibility": "public",
        "categories": ["equipment_maintenance"],
        "regions": ["CN"],
        "rates": [{"category": "equipment_maintenance", "unit": "job", "amount_minor": 1, "currency": "USD"}],
        "certificates": [{"kind": "iso9001", "issued_on": "2024-05-01"}],
    }
    made = firm.put(f"{API}/profile", said).json()
    assert made["firm_name"] == "Borealis" and made["certificates"][0]["expires_on"] is None
    shown = firm.post(f"{API}/experts", {"person": str(crew.wei.pk)}).json()
    assert firm.get(f"{API}/profile").json()["experts"][0]["id"] == shown["id"]
    read = cassia.client().get(f"{API}/profiles/{made['id']}").json()
    assert read["experts"][0]["levels"] == {"welding": 4} and "person" not in read["experts"][0]
    assert made["id"] in [row["id"] for row in cassia.client().get(f"{API}/profiles?page_size=500").json()["results"]]
    draft = {"title": "Weld", "category": "equipment_maintenance", "site": str(aurora.sites["north"].pk)}
    task = owner.post(f"{API}/service-tasks", draft).json()
    wants = owner.put(f"{API}/service-tasks/{task['id']}/needs", {"needs": [{"skill": "welding", "level": 3}]})
    assert wants.json()["needs"][0]["people_n"] == 1 and wants["ETag"] == '"2"'
    stale = owner.put(f"{API}/service-tasks/{task['id']}/needs", {"needs": []}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    bad = owner.put(f"{API}/service-tasks/{task['id']}/needs", {"needs": [{"certificate": "a b"}]})
    assert bad.json()["errors"][0]["pointer"] == "/needs/0/certificate"
    ranked = owner.get(f"{API}/service-tasks/{task['id']}/matches").json()["matches"]
    assert made["id"] in [row["profile"]["id"] for row in ranked] and ranked[0]["reasons"][0]["of"] == 25
    owner.post(f"{API}/service-tasks/{task['id']}/publish")
    mine = {row["task"]["id"]: row["score"] for row in firm.get(f"{API}/task-matches").json()["matches"]}
    assert mine[task["id"]] > 80
    assert firm.delete(f"{API}/experts/{shown['id']}").status_code == 204
    assert firm.put(f"{API}/profile", {"regions": ["XX"]}).json()["errors"][0]["pointer"] == "/regions"


def test_profile_is_not_overwritten_by_who_read_an_older_one(borealis):
    firm = borealis.client()
    assert firm.put(f"{API}/profile", {"about": "a"}, headers={"If-Match": '"1"'}).status_code == 412, "there is none"
    made = firm.put(f"{API}/profile", {"about": "a"})
    read = firm.get(f"{API}/profile")
    assert made["ETag"] == read["ETag"] == f'"{read.json()["version"]}"'
    newer = firm.put(f"{API}/profile", {"about": "b"}, headers={"If-Match": read["ETag"]})
    assert (newer.status_code, newer.json()["about"]) == (200, "b") and newer["ETag"] != read["ETag"]
    stale = firm.put(f"{API}/profile", {"about": "c"}, headers={"If-Match": read["ETag"]})
    assert stale.status_code == 412 and "has changed since you read it" in stale.json()["detail"]
    with pytest.raises(Conflict, match="read it again"), borealis.acting():
        profiles.save_profile(terms=ProfileTerms(about="c"), seen=read.json()["version"])
    assert firm.get(f"{API}/profile").json()["about"] == "b"


def test_country_of_a_site_is_one_that_there_is(aurora):
    client, north = aurora.client(), aurora.sites["north"].pk
    assert client.patch(f"{API}/sites/{north}", {"country": "CL"}).json()["country"] == "CL"
    assert client.patch(f"{API}/sites/{north}", {"country": "XX"}).status_code == 422
    with pytest.raises(IntegrityError, match="site_country_is_a_code"), aurora.acting():
        type(aurora.sites["north"]).objects.filter(pk=north).update(country="cl")


def test_outsider_gets_no_object_of_a_firm(borealis, cassia):
    offer(borealis, visibility="hidden")
    crew = welders(borealis)
    expert = shows(borealis, crew.wei)
    with borealis.acting():
        profile = profiles.own_profile()
    for ask in (lambda: profiles.get_profile(profile.pk), lambda: profiles.get_own_expert(expert.pk)):
        with cassia.acting(), pytest.raises(NotFound):
            ask()
    offer(borealis)
    with cassia.acting(), pytest.raises(NotFound):
        profiles.get_own_expert(expert.pk)
