"""A person states in the console what they work for, and sees what is open for that purpose."""

import pytest

from tenants.actions import admit_member
from tenants.agreements import actions as agreeing
from tenants.context import as_platform
from tenants.models import Agreement, Delegation, FeedTicket, SharedRead
from tests.functional.console.scenes import Gateway, sign_in
from tests.functional.console.test_console import text
from tests.integration.tenants.sharing_scenes import opened


@pytest.fixture
def repair(aurora, borealis):
    return opened(aurora, borealis, purpose="repair")


def stated(client, purpose, **more):
    return client.post("/purpose", {"purpose": purpose, **more})


def alarms(client):
    return text(client.get("/panels/alarms").content)


def test_purpose_opens_pages_panels_tickets_and_requests_of_the_session(aurora, borealis, repair):
    Gateway(aurora).send()
    here, elsewhere = sign_in(borealis), sign_in(borealis)
    assert "Aurora North" not in alarms(here)
    assert '<option value="repair">' in here.get("/").content.decode()
    assert stated(here, "repair", next="/agreements").headers["Location"] == "/agreements"
    assert '<option value="repair" selected>' in here.get("/").content.decode()
    assert "Aurora North" in alarms(here) and "Aurora North" not in alarms(elsewhere)
    assert here.post("/api/v1/feed/tickets").status_code == 201
    with borealis.acting():
        assert FeedTicket.objects.filter(tenant=borealis.id).latest("pk").purpose == "repair"
    assert len(here.get("/api/v1/alarms?shared=true").json()["results"]) == 1
    assert here.get("/api/v1/alarms?shared=true", headers={"X-Purpose": "audit"}).json()["results"] == []
    with aurora.acting():
        purposes = SharedRead.objects.filter(agreement=repair).values_list("purpose", flat=True)
        assert set(purposes) == {"repair"}
    assert stated(here, "", next="https://elsewhere.example/").headers["Location"] == "/"
    assert "Aurora North" not in alarms(here)
    assert stated(here, "repair").status_code == 302
    with aurora.acting():
        agreeing.suspend_agreement(agreement=Agreement.objects.get(pk=repair.pk))
    assert "Aurora North" not in alarms(here)


def test_purpose_is_offered_to_those_only_to_whom_it_would_open_something(aurora, borealis, cassia, repair):
    assert 'name="purpose"' not in sign_in(cassia).get("/").content.decode()
    assert 'name="purpose"' not in sign_in(aurora).get("/").content.decode()
    member = sign_in(borealis)
    for purpose in ("audit", "Two words", "*"):
        assert stated(member, purpose).status_code == 422
    with borealis.acting():
        Delegation.objects.create(
            tenant_id=borealis.id, owner_id=aurora.id, agreement=repair, roles=["auditor"], members=[]
        )
    assert 'name="purpose"' not in member.get("/").content.decode()
    assert stated(member, "repair").status_code == 422


def test_purpose_of_one_organisation_is_not_stated_for_another(aurora, borealis, cassia, repair):
    with as_platform("tests", "a user in two organisations"):
        admit_member(tenant=cassia.tenant, user=borealis.user, roles=["owner"])
    client = sign_in(borealis)
    client.post("/organisation", {"tenant_id": str(borealis.id)})
    stated(client, "repair")
    client.post("/organisation", {"tenant_id": str(cassia.id)})
    client.post("/api/v1/feed/tickets")
    with cassia.acting():
        assert FeedTicket.objects.filter(tenant=cassia.id).latest("pk").purpose == ""
