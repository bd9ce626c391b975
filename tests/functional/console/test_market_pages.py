"""Tasks ranked for us, our profile, firms for a task, who works on it, and the calendar, as people meet them."""

import re

from marketplace import actions
from marketplace.models import Assignment, Expert, Profile, ServiceTask, TaskNeed
from marketplace.profiles import api as profiles
from tenants.context import as_platform
from tenants.models import Membership
from tests.functional.console.scenes import HOSTILE, sign_in
from tests.integration.marketplace.contract_scenes import submitted, written
from tests.integration.marketplace.firms import assigned, hours, offer, wanted, welders
from tests.integration.marketplace.scenes import claimed, published, terms

PROFILE = {
    "form": "profile",
    "about": "We mend pumps.",
    "visibility": "public",
    "categories": ["equipment_maintenance"],
    "regions": "cn, AU",
    "rates": "equipment_maintenance job 2000.50 usd",
    "machines": "pump 3",
    "certificates": "iso9001 2024-05-01 - TÜV Nord",
}


def text(answer) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def test_dispatcher_finds_the_task_that_fits_on_top_with_its_reasons(aurora, borealis):
    wanted(aurora)
    client = sign_in(borealis)
    assert "You have no profile yet" in text(client.get("/market"))
    offer(borealis), welders(borealis)
    page = text(client.get("/market"))
    assert "fits 94 %" in page and "1 of 1 with welding at level 3 or above" in page and "Claim: Fix pump 7" in page
    assert "fits 94 %" in text(client.get("/market/rows"))


def test_profile_is_written_and_read_back_in_the_same_words(borealis, cassia):
    client, crew = sign_in(borealis), welders(borealis)
    assert client.post("/profile", PROFILE).status_code == 302
    with borealis.acting():
        kept = profiles.own_profile()
    assert (kept.regions, kept.rates[0]["amount_minor"]) == (["AU", "CN"], 200_050)
    assert kept.certificates[0] == {
        **{"kind": "iso9001", "issued_on": "2024-05-01", "expires_on": None, "issuer": "TÜV Nord"}
    }
    page = text(client.get("/profile"))
    for line in ("AU CN", "equipment_maintenance job 2000.50 USD", "pump 3", "iso9001 2024-05-01 - TÜV Nord"):
        assert line in page
    assert client.post("/profile", {"form": "expert", "person": crew.wei.pk, "shows_name": "on"}).status_code == 302
    seen = text(sign_in(cassia).get(f"/firms/{kept.pk}"))
    assert "Wei Chen" in seen and "welding&nbsp;(4)" in seen and "2,000.50 USD" in seen and "Australia, China" in seen
    with borealis.acting():
        expert = Expert.objects.get(tenant=borealis.id)
    assert client.post("/profile", {"form": "withdraw", "expert": expert.pk}).status_code == 302
    assert "Nobody is shown" in text(client.get("/profile"))


def test_profile_that_a_colleague_changed_meanwhile_is_not_overwritten(borealis):
    client = sign_in(borealis)
    client.post("/profile", PROFILE)
    assert client.post("/profile", {**PROFILE, "version": "1", "about": "newer"}).status_code == 302
    page = client.post("/profile", {**PROFILE, "version": "1", "about": "older"})
    assert (page.status_code, "has changed since you read it" in text(page)) == (422, True)
    assert 'name="version" value="2"' in text(client.get("/profile"))


def test_profile_that_can_not_be_read_is_shown_again_with_words_at_the_field(borealis):
    client = sign_in(borealis)
    bad = {**PROFILE, "rates": "\nequipment_maintenance job much USD", "regions": "XX", "machines": "pump 0"}
    page = client.post("/profile", bad)
    assert page.status_code == 422 and "Line 2 can&#x27;t be read" in text(page) and "much USD" in text(page)
    page = client.post("/profile", {**bad, "rates": "planning week 1e9999999 USD"})
    assert page.status_code == 422 and "Line 1 can&#x27;t be read" in text(page)
    page = client.post("/profile", {**bad, "rates": ""})
    assert page.status_code == 422 and "is no country" in text(page) and "Line 1: give 1 to 100,000" in text(page)
    assert client.post("/profile", {"form": "other"}).status_code == 404
    with borealis.acting():
        assert not Profile.objects.filter(tenant=borealis.id).exists()


def test_hostile_words_of_a_firm_are_only_words(borealis, cassia):
    profile = offer(borealis, about=HOSTILE)
    assert HOSTILE not in text(sign_in(cassia).get(f"/firms/{profile.pk}"))
    offer(borealis, visibility="hidden")
    assert sign_in(cassia).get(f"/firms/{profile.pk}").status_code == 404


def test_owner_says_whom_a_draft_takes_and_sees_the_firms_for_it(aurora, borealis):
    offer(borealis)
    with aurora.acting():
        task = actions.post_task(terms=terms(), site_id=aurora.sites["north"].pk)
    client, page = sign_in(aurora), f"/tasks/{task.pk}/firms"
    bad = client.post(page, {"needs": "2 welding nine -"})
    assert bad.status_code == 422 and "Line 1 can&#x27;t be read" in text(bad)
    assert "give 1 to 5" in text(client.post(page, {"needs": "2 welding 9 -"}))
    assert client.post(page, {"needs": "2 welding 3 hot-work\n1 - 1 rigging"}).status_code == 302
    with aurora.acting():
        assert TaskNeed.objects.filter(task=task).count() == 2
        actions.publish_task(task=ServiceTask.objects.get(pk=task.pk))
    shown = text(client.get(page))
    assert "2 × welding at level 3 or above with hot-work; 1 × rigging" in shown and "Borealis" in shown
    assert "0 of 2 with welding at level 3 or above" in shown
    assert client.post(page, {"needs": ""}).status_code == 422
    assert sign_in(borealis).get(page).status_code == 404


def test_firm_assigns_somebody_and_the_owner_sees_who_comes(aurora, borealis):
    task, crew = wanted(aurora), welders(borealis)
    client, page = sign_in(borealis), f"/tasks/{task.pk}/people"
    assert "Assign somebody" not in text(client.get(page))
    claimed(task, borealis)
    with borealis.acting():
        need = profiles.needs_of(task).get()
    window = hours()
    asked = {
        "need": need.pk,
        "from_at": f"{window.begins_at:%Y-%m-%dT%H:%M}",
        "to_at": f"{window.ends_at:%Y-%m-%dT%H:%M}",
    }
    refused = client.post(page, {**asked, "person": crew.xena.pk})
    assert refused.status_code == 422 and "W-2 has level 2 in welding" in text(refused)
    assert client.post(page, {**asked, "person": crew.wei.pk}).status_code == 302
    again = client.post(page, {**asked, "person": crew.wei.pk})
    assert again.status_code == 422 and "is booked already" in text(again)
    seen = text(sign_in(aurora).get(page))
    assert "Wei Chen" in seen and "hot-work" in seen and "Release" not in seen
    with borealis.acting():
        row = Assignment.objects.get(task=task)
    assert client.post(page, {"form": "release", "assignment": row.pk, "reason": "ill"}).status_code == 302
    assert "Nobody is assigned yet" in text(client.get(page))
    assert sign_in(aurora).post(page, asked).status_code == 404


def test_firm_without_a_register_is_told_where_people_are_entered(aurora, borealis):
    task = published(aurora)
    claimed(task, borealis)
    assert "nobody is registered yet" in text(sign_in(borealis).get(f"/tasks/{task.pk}/people"))


def test_calendar_page_shows_the_address_once_and_revokes_it(aurora, borealis):
    task = wanted(aurora)
    claimed(task, borealis)
    client = sign_in(borealis)
    assert "Due: Fix pump 7" in text(client.get("/calendar"))
    made = text(client.post("/calendar"))
    address = re.search(r"http://testserver(/calendar/cmc_[\w-]+\.ics)", made)[1]
    assert address not in text(client.get("/calendar"))
    assert client.get(address).content.startswith(b"BEGIN:VCALENDAR")
    assert client.post("/calendar", {"form": "revoke"}).status_code == 302
    assert client.get(address).status_code == 404


def test_dispatchers_day_is_the_inbox_the_crews_calendar_and_the_money(aurora, borealis):
    task, crew = wanted(aurora), welders(borealis)
    claimed(task, borealis)
    assigned(task, borealis, crew.wei)
    contract = written(aurora, borealis)
    submitted(borealis, contract)
    with as_platform("tests", "somebody becomes a dispatcher"):
        Membership.objects.filter(user=borealis.user).update(roles=["dispatcher"])
    client = sign_in(borealis)
    page = text(client.get("/market"))
    for words in ("Tasks for us", "Wei Chen: Fix pump 7", "With the buyer to accept", "833.25 USD</span>, 1 milestone"):
        assert words in page
    assert "Wei Chen: Fix pump 7" in text(client.get("/calendar?crew=1"))
    assert "Wei Chen: Fix pump 7" not in text(client.get("/calendar"))
    assert "Assign somebody" in text(client.get(f"/tasks/{task.pk}/people"))
