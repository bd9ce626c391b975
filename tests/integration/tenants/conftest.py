"""Whatever these tests announce fits the description of the feed."""

from collections.abc import Iterator

import pytest

from tests.events import fitting


@pytest.fixture(scope="module", autouse=True)
def _events_fit(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.module.__name__.endswith("test_effective_rights"):  # it announces bodies of four fields
        yield
        return
    with fitting():
        yield
