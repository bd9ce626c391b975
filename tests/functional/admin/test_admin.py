"""Two administrations: an organisation's own on the app role, the platform's past the wall and audited."""

import json

import pytest
from django.apps import apps
from django.test import Client

from tenants.admin_sites import platform_site, tenant_site
from tenants.context import as_platform
from tenants.models import LedgerEntry, PlatformAccess, Site, User
from tests.functional.console.second_factor import code_of, enrolled
from tests.integration.edge.scenes import opened
from tests.personas import PASSWORD, Organisation
from tests.places import Places


def signed_in(organisation: Organisation) -> Client:
    client = Client()
    assert client.login(username=organisation.user.email, password=PASSWORD)
    return client


LOCAL = {"time_zone": "UTC", "currency": "USD", "units": "metric"}


@pytest.fixture
def operator():
    with as_platform("tests", "make an operator"):
        return User.objects.create_superuser(f"operator-{User().pk}@example.com", PASSWORD, name="Operator")


def pages(site) -> list[str]:
    prefix = {"organisation": "/administration/", "platform": "/platform/"}[site.name]
    return [prefix] + [f"{prefix}{m._meta.app_label}/{m._meta.model_name}/" for m in site._registry]


def test_every_page_of_the_organisation_shows_own_rows_only(aurora, cassia):
    client = signed_in(cassia)
    for page in pages(tenant_site):
        answer = client.get(page)
        assert answer.status_code == 200, page
        assert b"Aurora North" not in answer.content
    assert b"Aurora North" in signed_in(aurora).get("/administration/tenants/site/").content


def test_foreign_row_by_its_id_is_as_absent(aurora, cassia):
    north = aurora.sites["north"]
    answer = signed_in(cassia).get(f"/administration/tenants/site/{north.pk}/change/", follow=True)
    assert b"Aurora North" not in answer.content
    signed_in(cassia).post(
        f"/administration/tenants/site/{north.pk}/change/", {"code": "x", "name": "x", "kind": "mine"}
    )
    with aurora.acting():
        assert Site.objects.get(pk=north.pk).name == "Aurora North"


def test_administrator_adds_a_site_to_their_own_organisation(aurora):
    form = {"code": "south", "name": "Aurora South", "kind": "mine", "mine": "", **LOCAL}
    answer = signed_in(aurora).post("/administration/tenants/site/add/", form)
    assert answer.status_code == 302
    with aurora.acting():
        assert Site.objects.get(code="south").tenant_id == aurora.id


def test_site_of_a_taken_code_is_refused_in_the_form(aurora):
    form = {"code": "north", "name": "Again", "kind": "mine", "mine": "", **LOCAL}
    answer = signed_in(aurora).post("/administration/tenants/site/add/", form)
    assert (answer.status_code, b"This site code is taken" in answer.content) == (200, True)


def test_organisation_administration_needs_a_role_that_manages(aurora):
    from tenants.models import Membership

    with aurora.acting():
        Membership.objects.filter(user=aurora.user).update(roles=["viewer"])
    assert signed_in(aurora).get("/administration/", follow=True).status_code == 403
    assert Client().get("/administration/").status_code == 302


def at_the_platform(operator: User, reason: str) -> Client:
    """A client whose operator gave their password, second factor and reason."""
    secret, client = enrolled(operator), Client()
    client.post("/login", {"login": operator.email, "password": PASSWORD})
    client.post("/account/second-factor/enter", {"code": code_of(secret)})
    answer = client.post("/platform/login/", {"reason": reason, "next": "/platform/"})
    assert answer.headers["Location"] == "/platform/", answer.content
    return client


def test_platform_asks_for_a_reason_and_records_each_use(aurora, operator):
    client = at_the_platform(operator, "support case 12")
    for page in pages(platform_site):
        assert client.get(page).status_code == 200, page
    with as_platform("tests", "read the audit"):
        reasons = set(PlatformAccess.objects.filter(who=operator.email).values_list("reason", flat=True))
    assert "support case 12 [GET /platform/tenants/site/]" in reasons


def test_row_that_an_operator_opens_is_in_the_ledger_of_its_organisation(aurora, cassia, operator):
    client, north = at_the_platform(operator, "support case 12"), aurora.sites["north"]
    assert client.get(f"/platform/tenants/site/{north.pk}/change/").status_code == 200
    with aurora.acting():
        entry = LedgerEntry.objects.get(kind="operator.looked")
    assert (entry.user_name, entry.by_id) == (operator.email, None)
    assert json.loads(entry.payload) == {"reason": "support case 12", "row": str(north.pk), "table": "tenants.Site"}
    with cassia.acting():
        assert not LedgerEntry.objects.filter(kind="operator.looked").exists()


@pytest.mark.parametrize("reason", ["", "why"])
def test_platform_stays_closed_without_a_reason(operator, reason):
    secret, client = enrolled(operator), Client()
    client.force_login(operator, "tenants.authentication.PasswordBackend")
    answer = client.post("/platform/login/", {"reason": reason, "code": code_of(secret)})
    assert (answer.status_code, b"errornote" in answer.content) == (200, True)
    assert client.get("/platform/").status_code == 302


def test_platform_stays_closed_without_a_second_factor_and_says_how_to_get_one(operator):
    client = Client()
    client.force_login(operator, "tenants.authentication.PasswordBackend")
    answer = client.post("/platform/login/", {"reason": "support case 12"})
    assert (answer.status_code, b"/account/second-factor" in answer.content) == (403, True)
    assert client.get("/platform/").status_code == 302


def test_platform_wants_the_second_factor_again_when_it_was_given_long_ago(operator):
    secret, client = enrolled(operator), Client()
    client.force_login(operator, "tenants.authentication.PasswordBackend")
    assert client.post("/platform/login/", {"reason": "support case 12"}).status_code == 200
    assert client.post("/platform/login/", {"reason": "support case 12", "code": "000000"}).status_code == 200
    assert client.get("/platform/").status_code == 302
    answer = client.post("/platform/login/", {"reason": "support case 12", "code": code_of(secret)})
    assert answer.headers["Location"] == "/platform/"
    assert client.get("/platform/").status_code == 200


def test_platform_leads_nowhere_else(operator):
    secret, client = enrolled(operator), Client()
    client.force_login(operator, "tenants.authentication.PasswordBackend")
    form = {"reason": "support case 12", "code": code_of(secret), "next": "https://elsewhere.example/"}
    assert client.post("/platform/login/", form).headers["Location"] == "/platform/"


def test_access_to_the_platform_ends_by_itself(operator, settings):
    settings.PLATFORM_ACCESS_S = -1
    client = at_the_platform(operator, "support case 12")
    assert client.get("/platform/").headers["Location"].startswith("/platform/login/")


def test_platform_refuses_members_of_organisations(aurora):
    client = signed_in(aurora)
    assert client.get("/platform/").status_code == 302
    assert client.post("/platform/login/", {"reason": "curiosity", "next": "/platform/"}).status_code == 403
    assert client.get("/platform/tenants/site/").status_code == 302


def test_every_model_of_ours_is_in_the_platform_administration():
    shown = set(platform_site._registry)
    ours = {
        model
        for label in ("tenants", "edge_bridge", "optimization", "marketplace")
        for model in apps.get_app_config(label).get_models()
    }
    # Rates and changes are shown within; readings and roll-ups have a composite key, which Django's admin can't show.
    assert {model.__name__ for model in ours - shown} == {"Rate", "Reading", "Rollup"}


def test_access_matrix_says_who_may_see_what_why_and_until_when(aurora, borealis, cassia):
    agreement = opened(aurora, borealis, "view_alarms")
    page, search = "/administration/tenants/clause/", {"q": "North", "permission": "view_alarms", "in_force": "yes"}
    for party in (aurora, borealis):
        shown = signed_in(party).get(page, search).content.decode()
        assert "Aurora North (north)" in shown and f"“{agreement.title}”" in shown
        assert shown.count('alt="True"') == 1 and "1 clause" in shown
    assert b"Aurora North" not in signed_in(cassia).get(page).content
    assert b"Aurora North" not in signed_in(aurora).get(page, {"in_force": "no"}).content


def test_one_row_of_each_kind_can_be_opened(aurora, operator):
    places = Places.of_aurora(aurora)
    mine, platform = signed_in(aurora), at_the_platform(operator, "look at rows")
    pages = {
        "tenants/site": places.ids["site_id"],
        "tenants/equipment": places.ids["equipment_id"],
        "tenants/agreement": places.ids["agreement_id"],
        "tenants/apikey": places.ids["key_id"],
        "edge_bridge/alarm": places.ids["alarm_id"],
        "edge_bridge/device": places.ids["device_id"],
        "optimization/planrun": places.ids["plan_id"],
        "optimization/scenario": places.ids["scenario_id"],
        "optimization/planrelease": places.ids["release_id"],
        "marketplace/servicetask": places.ids["task_id"],
    }
    for page, row in pages.items():
        for prefix, client in (("administration", mine), ("platform", platform)):
            answer = client.get(f"/{prefix}/{page}/{row}/change/")
            assert answer.status_code == 200, f"{prefix} {page}"
            assert b"secret_hash" not in answer.content


@pytest.mark.parametrize("prefix", ["administration", "platform"])
def test_password_is_changed_and_the_session_ended_in_each_administration(prefix, aurora, operator):
    user = aurora.user if prefix == "administration" else operator
    client = signed_in(aurora) if prefix == "administration" else at_the_platform(operator, "change password")
    elsewhere = Client()
    assert elsewhere.login(username=user.email, password=PASSWORD)
    assert elsewhere.get("/account/sessions").status_code == 200
    new = "gangue-and-gold-2027"
    old_form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    for answer in (client.get(f"/{prefix}/password_change/"), client.post(f"/{prefix}/password_change/", old_form)):
        assert (answer.status_code, answer.headers["Location"]) == (302, "/account/password")
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert client.post("/account/password", form).status_code == 302
    assert (client.get(f"/{prefix}/").status_code, elsewhere.get("/account/sessions").status_code) == (200, 302)
    answer = client.post(f"/{prefix}/logout/")
    assert (answer.status_code, answer.headers["Location"]) == (307, "/logout")
    assert client.post("/logout").status_code == 302
    assert client.get(f"/{prefix}/").status_code == 302
    assert client.login(username=user.email, password=new)


def test_site_of_a_partner_is_no_choice_in_the_form(aurora, borealis):
    opened(aurora, borealis, "manage")
    client = signed_in(borealis)
    form = {"site": str(aurora.sites["north"].pk), "code": "X", "name": "X", "kind": "fan"}
    answer = client.post("/administration/tenants/equipment/add/", form)
    assert (answer.status_code, b"not one of the available choices" in answer.content) == (200, True)


def test_own_administration_has_no_rows_of_partners_to_search_or_sort_by_what_is_hidden(aurora, borealis):
    opened(aurora, borealis, "view_alarms")
    own, partner = signed_in(aurora), signed_in(borealis)
    for asked in ("", "?q=Aurora", "?o=2"):
        place = f"/administration/tenants/site/{asked}"
        assert b"Aurora North" in own.get(place).content
        assert b"Aurora North" not in partner.get(place).content
