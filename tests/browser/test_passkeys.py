"""A passkey in a real browser, with the authenticator that Chromium simulates."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import PATIENCE_MS
from tests.live import LiveWeb
from tests.personas import PASSWORD, Organisation

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def page(chromium: Any, live_web: LiveWeb) -> Any:
    """A browser with an authenticator; by name, since a passkey is for a domain and no address."""
    context = chromium.new_context(base_url=f"http://localhost:{live_web.port}")
    context.set_default_timeout(PATIENCE_MS)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    session = context.new_cdp_session(opened)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    yield opened
    context.close()
    assert complaints == []


def sign_in(page: Page, who: Organisation) -> None:
    page.goto("/login")
    page.get_by_label("Email").fill(who.user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def add_passkey(page: Page) -> None:
    page.goto("/account/second-factor/passkeys/add")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Recovery Codes")).to_be_visible()


def test_passkey_is_the_second_factor_and_signs_in_alone(page, aurora):
    sign_in(page, aurora)
    expect(page).to_have_title("Aurora · cloudmining")
    add_passkey(page)

    page.goto("/")
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, aurora)
    page.get_by_role("button", name="Use a security key").click()
    expect(page).to_have_title("Aurora · cloudmining")

    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="With a passkey").click()
    expect(page).to_have_title("Aurora · cloudmining")
