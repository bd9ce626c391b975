"""Single sign-on against a provider that speaks OpenID Connect on loopback."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import jwt
import pytest

from tests.database import ROOT
from tests.live import LiveWeb
from tests.personas import Organisation


class Provider(ThreadingHTTPServer):
    """Signs in whom it is told to; each code is good for that person's claims."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.claims: dict[str, Any] = {}
        self.asked: list[dict[str, list[str]]] = []


class Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        issuer = self.server.issuer
        if self.path.startswith("/.well-known"):
            endpoints = {f"{name}_endpoint": f"{issuer}/{name}" for name in ("authorization", "token", "userinfo")}
            self._say({"issuer": issuer, "jwks_uri": f"{issuer}/keys", **endpoints})
        else:
            self._say(self.server.claims)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append(parse_qs(body))
        claims = {"iss": self.server.issuer, "aud": "cloudmining", "exp": 9_999_999_999, **self.server.claims}
        token = jwt.encode(claims, "a-secret-of-this-provider-alone-for-tests", algorithm="HS256")
        self._say({"access_token": "opaque", "token_type": "Bearer", "id_token": token})

    def _say(self, answer: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    server = Provider()
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def sso_web(provider: Provider) -> Iterator[LiveWeb]:
    settings = {"OIDC_ISSUER": provider.issuer, "OIDC_CLIENT_ID": "cloudmining", "OIDC_CLIENT_SECRET": "shared"}
    with LiveWeb({**settings, "OIDC_NAME": "Aurora ID"}) as web:
        yield web


def sign_in(web: LiveWeb, provider: Provider, query: str = "", **claims: Any) -> httpx.Client:
    """What a browser does, the provider's own page left out."""
    provider.claims = claims
    browser = httpx.Client(base_url=web.base_url, timeout=30)
    page = browser.get("/login")
    assert "Sign in with Aurora ID" in page.text
    assert f"form-action 'self' {provider.issuer}" in page.headers["Content-Security-Policy"]
    token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    sent = browser.post(f"/account/sso/sign-in{query}", data=token, headers={"Referer": web.base_url})
    asked = parse_qs(urlsplit(sent.headers["Location"]).query)
    assert (asked["client_id"], asked["code_challenge_method"]) == (["cloudmining"], ["S256"])
    answer = browser.get("/account/sso/back", params={"code": "good", "state": asked["state"][0]})
    browser.answer = answer  # type: ignore[attr-defined]
    return browser


def who_is(browser: httpx.Client) -> Any:
    answer = browser.get("/api/v1/identity")
    return answer.json()["user"] if answer.status_code == 200 else answer.status_code


def test_member_signs_in_by_a_verified_address_and_then_by_the_providers_id(sso_web, provider, aurora):
    subject = uuid4().hex
    first = sign_in(sso_web, provider, sub=subject, email=aurora.user.email.upper(), email_verified=True)
    assert who_is(first) == aurora.user.email
    assert provider.asked[-1]["code_verifier"]
    later = sign_in(sso_web, provider, sub=subject, email="another@example.com", email_verified=False)
    assert who_is(later) == aurora.user.email


@pytest.mark.parametrize("verified", [False, None])
def test_address_that_the_provider_did_not_verify_opens_nothing(sso_web, provider, aurora, verified):
    browser = sign_in(sso_web, provider, sub=uuid4().hex, email=aurora.user.email, email_verified=verified)
    assert who_is(browser) == 401
    assert "Not a member" in browser.answer.text


def test_stranger_gets_no_account(sso_web, provider):
    browser = sign_in(sso_web, provider, sub=uuid4().hex, email=f"{uuid4().hex}@example.com", email_verified=True)
    assert who_is(browser) == 401
    assert "invitation" in browser.answer.text


def test_second_identity_is_not_tied_to_an_account(sso_web, provider, aurora):
    claims = {"sub": uuid4().hex, "email": aurora.user.email, "email_verified": True}
    browser = sign_in(sso_web, provider, "?process=connect", **claims)
    assert (browser.answer.headers["Location"], who_is(browser)) == ("/", 401)


def test_answer_that_nobody_asked_for_is_refused(sso_web):
    browser = httpx.Client(base_url=sso_web.base_url, timeout=30)
    answer = browser.get("/account/sso/back", params={"code": "good", "state": "made-up"})
    assert (answer.status_code, who_is(browser)) == (401, 401)


def test_member_who_was_dismissed_is_a_stranger(sso_web, provider, aurora: Organisation):
    from tenants.context import as_platform

    subject = uuid4().hex
    assert who_is(sign_in(sso_web, provider, sub=subject, email=aurora.user.email, email_verified=True))
    with as_platform("tests", "dismiss"):
        aurora.user.memberships.all().delete()
    assert who_is(sign_in(sso_web, provider, sub=subject, email=aurora.user.email, email_verified=True)) == 401


def test_issuer_without_its_secret_does_not_start():
    settings = os.environ | {"OIDC_ISSUER": "https://id.example"}
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=settings, capture_output=True, text=True
    )
    assert ended.returncode and "Set OIDC_CLIENT_ID, OIDC_CLIENT_SECRET" in ended.stderr
