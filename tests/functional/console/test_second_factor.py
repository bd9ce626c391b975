"""Second factors, sessions and passwords, as a person meets them."""

import re
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client

from tenants.context import presenting
from tests.functional.console.scenes import sign_in
from tests.functional.console.second_factor import code_of, enrolled
from tests.personas import PASSWORD, Organisation


def from_address(n: int = 0) -> str:
    """An address of its own for each test: failures lock addresses."""
    return f"10.{uuid4().int % 250}.{uuid4().int % 250}.{n or uuid4().int % 250}"


def give_password(who: Organisation, client: Client, password: str = PASSWORD):
    return client.post("/login", {"login": who.user.email, "password": password})


def confirm_password(client: Client) -> None:
    client.post("/account/confirm", {"password": PASSWORD})


def test_authenticator_app_is_turned_on_and_asked_for_at_the_next_sign_in(aurora):
    client = sign_in(aurora)
    asked = client.get("/account/second-factor/app")
    assert asked.headers["Location"].startswith("/account/confirm")
    confirm_password(client)
    page = client.get("/account/second-factor/app").content.decode()
    secret = re.search(r'id="authenticator_secret"[^>]*value="(\w+)"', page)[1]
    assert "<svg" in page and "data:" not in page
    answer = client.post("/account/second-factor/app", {"code": code_of(secret)})
    assert answer.headers["Location"] == "/account/second-factor/codes"
    with presenting(user_id=aurora.user.pk):
        stored = Authenticator.objects.get(user=aurora.user, type="totp")
    assert secret not in str(stored.data)

    again = Client()
    assert give_password(aurora, again).headers["Location"] == "/account/second-factor/enter"
    assert again.get("/").headers["Location"] == "/login?next=/"
    answer = again.post("/account/second-factor/enter", {"code": code_of(secret)})
    assert answer.headers["Location"] == "/"
    assert again.get("/").status_code == 200


def test_passkeys_are_listed(aurora):
    client = sign_in(aurora)
    confirm_password(client)
    assert "passkey" in client.get("/account/second-factor/passkeys").content.decode().lower()


def test_wrong_code_does_not_sign_in_and_many_of_them_lock(aurora):
    secret, client = enrolled(aurora.user), Client(REMOTE_ADDR=from_address())
    give_password(aurora, client)
    answers = []
    for _ in range(11):
        code_of(secret)  # forgets what allauth counts in this process, so that only axes is left
        answers.append(client.post("/account/second-factor/enter", {"code": "000000"}).status_code)
    assert set(answers[:9]) == {200} and answers[-1] == 429
    assert client.post("/account/second-factor/enter", {"code": code_of(secret)}).status_code == 429
    assert client.get("/").status_code == 302


def test_recovery_code_works_once(aurora):
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    enrolled(aurora.user)
    with presenting(user_id=aurora.user.pk):
        code = RecoveryCodes.activate(aurora.user).generate_codes()[0]
    first, second = Client(), Client(REMOTE_ADDR=from_address())
    give_password(aurora, first)
    assert first.post("/account/second-factor/enter", {"code": code}).headers["Location"] == "/"
    give_password(aurora, second)
    assert second.post("/account/second-factor/enter", {"code": code}).status_code == 200


def test_second_factor_of_another_person_is_not_there(aurora, cassia):
    enrolled(aurora.user)
    client = sign_in(cassia)
    assert "is not active" in client.get("/account/second-factor").content.decode()
    with presenting(user_id=cassia.user.pk):
        assert not Authenticator.objects.exists()


def test_many_wrong_passwords_lock_the_person_and_the_address(aurora, borealis):
    attacker = Client(REMOTE_ADDR=from_address())
    answers = [give_password(aurora, attacker, "guess").status_code for _ in range(10)]
    assert answers == [200] * 9 + [429]
    locked = give_password(aurora, attacker)
    assert (locked.status_code, locked.headers["Retry-After"]) == (429, "900")
    assert "Wait 15 minutes" in locked.content.decode()
    assert give_password(aurora, Client(REMOTE_ADDR=from_address())).status_code == 429
    assert give_password(borealis, attacker).status_code == 429
    assert give_password(borealis, Client(REMOTE_ADDR=from_address())).status_code == 302


def test_failed_sign_ins_keep_no_password(aurora):
    from axes.models import AccessAttempt

    from tenants.policies import SIGN_IN

    give_password(aurora, Client(REMOTE_ADDR=from_address()), "almost-my-password")
    with presenting(credential=SIGN_IN):
        attempt = AccessAttempt.objects.get(username=aurora.user.email)
    assert "almost" not in attempt.post_data


def test_sessions_are_listed_and_ended_one_by_one(aurora, cassia):
    first, second = sign_in(aurora), sign_in(aurora)
    page = second.get("/account/sessions").content.decode()
    assert page.count("127.0.0.1") >= 2 and "this one" in page
    other = re.search(r'name="session" value="(\d+)"', page)[1]
    assert sign_in(cassia).post("/account/sessions", {"session": other}).status_code == 404
    assert first.get("/").status_code == 200
    assert second.post("/account/sessions", {"session": other}).status_code == 302
    assert first.get("/").headers["Location"] == "/login?next=/"
    assert second.get("/").status_code == 200


def test_new_password_ends_the_other_sessions(aurora):
    first, second = sign_in(aurora), sign_in(aurora)
    new = "gangue-and-gold-2027"
    answer = second.post("/account/password", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert answer.status_code == 302
    assert (first.get("/").status_code, second.get("/").status_code) == (302, 200)
    assert give_password(aurora, Client(REMOTE_ADDR=from_address())).status_code == 200
    assert give_password(aurora, Client(), new).status_code == 302


def test_forgotten_password_is_set_anew_by_a_link_that_works_once(aurora):
    mail.outbox = []
    answer = Client().post("/account/password/reset", {"email": aurora.user.email})
    assert answer.headers["Location"] == "/account/password/reset/sent"
    [message] = mail.outbox
    assert message.to == [aurora.user.email]
    link = re.search(r"http://testserver(\S+)", message.body)[1]
    client = Client()
    form = client.get(link).headers["Location"]
    new = "gangue-and-gold-2027"
    assert client.post(form, {"password1": new, "password2": new}).status_code == 302
    assert give_password(aurora, Client(), new).status_code == 302
    assert "form method" not in Client().get(link, follow=True).content.decode()


@pytest.mark.parametrize("email", ["nobody@example.com", "not an address"])
def test_reset_for_an_unknown_address_sends_nothing_and_says_nothing(email):
    mail.outbox = []
    answer = Client().post("/account/password/reset", {"email": email})
    assert answer.status_code in (200, 302)
    assert mail.outbox == []


@pytest.mark.parametrize(
    "path",
    ["/account/second-factor", "/account/password", "/account/sessions", "/account/password/reset", "/account/confirm"],
)
def test_pages_of_the_account_have_the_policy_and_nothing_inline(aurora, path):
    answer = sign_in(aurora).get(path)
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    page = answer.content.decode()
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=\"|javascript:", page) == []
    scripts = re.findall(r"<script[^>]*>", page)
    assert all("src=" in script or "application/json" in script for script in scripts)
