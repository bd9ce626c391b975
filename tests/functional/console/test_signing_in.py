"""Signing in and out, choosing an organisation, and the pages that say no."""

import json
import re
from uuid import uuid4

import pytest
from django.test import Client

from tenants.actions import admit_member
from tenants.context import as_platform
from tenants.models import User
from tests.personas import PASSWORD


def sign_in(organisation, client: Client | None = None, **extra) -> Client:
    client = client or Client()
    response = client.post("/login", {"login": organisation.user.email, "password": PASSWORD, **extra})
    assert response.status_code == 302, response.content
    return client


def test_page_sends_who_is_not_signed_in_to_the_login_and_back(aurora):
    client = Client()
    asked = client.get("/tasks/new?alarm=1")
    assert asked.headers["Location"] == "/login?next=/tasks/new%3Falarm%3D1"
    answer = client.post(
        asked.headers["Location"], {"login": aurora.user.email, "password": PASSWORD, "next": "/organisation"}
    )
    assert answer.headers["Location"] == "/organisation"


def test_login_keeps_its_time_and_the_organisation_it_acts_for(aurora):
    client = sign_in(aurora)
    assert client.session["tenant_id"] == str(aurora.id)
    with aurora.acting():
        assert User.objects.get(pk=aurora.user.pk).last_login is not None
    assert client.get("/api/v1/sites").status_code == 200


@pytest.mark.parametrize("password", ["wrong", "", "nul\x00"])
def test_wrong_password_is_refused_in_words(aurora, password):
    answer = Client().post("/login", {"login": aurora.user.email, "password": password})
    assert answer.status_code == 200
    assert "don&#x27;t match" in answer.content.decode() or "don't match" in answer.content.decode()


def test_login_goes_nowhere_else(aurora):
    answer = Client().post(
        "/login", {"login": aurora.user.email, "password": PASSWORD, "next": "https://elsewhere.example/"}
    )
    assert answer.headers["Location"] == "/"


def test_every_page_has_the_content_policy_and_is_not_kept(aurora):
    client = Client()
    pages = [client.get("/login"), client.get("/"), client.get("/nothing-here"), sign_in(aurora, client).get("/")]
    for page in pages:
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        assert "no-store" in page.headers["Cache-Control"]


def test_page_holds_neither_inline_script_nor_inline_style_nor_foreign_address(aurora):
    page = sign_in(aurora).get("/").content.decode()
    assert (
        re.findall(
            r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|(?:src|href)=\"(?:https?:)?//", page
        )
        == []
    )


def test_member_of_two_organisations_chooses_and_switches(aurora, borealis, cassia):
    with as_platform("tests", "admit to a second organisation"):
        admit_member(tenant=borealis.tenant, user=aurora.user, roles=["viewer"])
    client = Client()
    answer = client.post("/login", {"login": aurora.user.email, "password": PASSWORD})
    assert answer.headers["Location"] == "/organisation"
    page = client.get("/organisation").content.decode()
    assert str(aurora.id) in page and str(borealis.id) in page and str(cassia.id) not in page
    assert client.post("/organisation", {"tenant_id": str(borealis.id)}).headers["Location"] == "/"
    assert "Console of Borealis" in client.get("/").content.decode()
    assert client.get("/api/v1/identity").json()["tenant"]["id"] == str(borealis.id)


@pytest.mark.parametrize("wanted", ["cassia", "none", "nonsense"])
def test_organisation_of_others_can_not_be_chosen(aurora, cassia, wanted):
    client = sign_in(aurora)
    named = {"cassia": str(cassia.id), "none": str(uuid4()), "nonsense": "'; --"}[wanted]
    answer = client.post("/organisation", {"tenant_id": named})
    assert answer.status_code == 422
    assert client.session["tenant_id"] == str(aurora.id)


def test_member_who_was_dismissed_is_led_to_what_is_left(aurora):
    client = sign_in(aurora)
    with as_platform("tests", "dismiss"):
        aurora.user.memberships.all().delete()
    assert client.get("/").headers["Location"] == "/organisation"
    assert "No organisation yet" in client.get("/organisation").content.decode()


def test_user_without_membership_is_told_so():
    with as_platform("tests", "a person of no organisation"):
        User.objects.create_user(email := f"{uuid4().hex}@example.com", PASSWORD, name="Nobody's")
    client = Client()
    assert client.post("/login", {"login": email, "password": PASSWORD}).headers["Location"] == "/"
    page = client.get("/", follow=True).content.decode()
    assert "No organisation yet" in page and email in page


def test_sign_out_ends_the_session(aurora):
    client = sign_in(aurora)
    assert client.get("/logout").status_code == 405
    assert client.post("/logout").headers["Location"] == "/login"
    assert client.get("/").headers["Location"] == "/login?next=/"


def test_form_without_its_token_gets_a_page_in_words(aurora):
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/login", {"login": aurora.user.email, "password": PASSWORD})
    assert answer.status_code == 403
    assert "Form expired" in answer.content.decode()


def test_unknown_address_is_a_page_for_people_and_a_problem_for_programs():
    client = Client()
    assert "There is no such page" in client.get("/nothing-here").content.decode()
    assert client.get("/api/v1/nothing-here").json()["status"] == 404


def test_demo_logins_are_shown_in_the_demo_only(settings, tmp_path):
    settings.HOME = tmp_path
    login = {"email": "o@aurora.example", "password": "<b>pit</b>", "organisation": "Aurora", "role": "operator"}
    (tmp_path / "demo-logins.json").write_text(json.dumps([login]))
    assert "o@aurora.example" not in Client().get("/login").content.decode()
    settings.MODE = "demo"
    page = Client().get("/login").content.decode()
    assert "o@aurora.example" in page and "<b>pit</b>" not in page
    (tmp_path / "demo-logins.json").unlink()
    assert "Demo logins" not in Client().get("/login").content.decode()
