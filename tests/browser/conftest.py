"""A real Chromium against a real web server."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests import personas
from tests.browser.desk import PATIENCE_MS, Desk
from tests.functional.console.scenes import sign_in
from tests.live import LiveWeb

_outside = ThreadPoolExecutor(1, thread_name_prefix="outside-the-browser")


@pytest.fixture(scope="session")
def outside() -> Callable[..., Any]:
    """Calls a function in another thread: Playwright keeps an event loop in this one, beside which Django refuses."""
    return lambda function, *args, **kwargs: _outside.submit(function, *args, **kwargs).result()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """Ended with this package's tests, since Playwright's event loop would be in the way of all others."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on PATH (apt-get install chromium)")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def left() -> list[Any]:
    """Contexts that tests are done with: without pages and cookies they are as new, and cost far less than new ones."""
    return []


@pytest.fixture
def open_desk(
    chromium: Any, live_web: LiveWeb, outside: Callable[..., Any], left: list[Any]
) -> Iterator[Callable[..., Desk]]:
    """Opens a browser of its own for a person who is signed in; at the end no page may have complained."""
    desks: list[Desk] = []
    others: list[Any] = []

    def made(**options: Any) -> Any:
        context = chromium.new_context(base_url=live_web.base_url, **options)
        context.set_default_timeout(PATIENCE_MS)
        return context

    def opened(person: personas.Organisation, **options: Any) -> Desk:
        context = left.pop() if left and not options else made(**options)
        if options:
            others.append(context)
        session = outside(sign_in, person).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_web.base_url}])
        desks.append(Desk(context))
        return desks[-1]

    yield opened
    complaints = [complaint for desk in desks for complaint in desk.complaints]
    for desk in desks:
        if desk.context in others:
            desk.context.close()
        else:
            left.append(emptied(desk.context))
    assert complaints == []


def emptied(context: Any) -> Any:
    for page in context.pages:
        page.close()
    context.clear_cookies()
    return context


@pytest.fixture
def aurora(outside: Callable[..., Any]) -> personas.Organisation:
    return outside(personas.aurora)


@pytest.fixture
def borealis(outside: Callable[..., Any]) -> personas.Organisation:
    return outside(personas.borealis)
