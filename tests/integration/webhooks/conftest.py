"""Whatever these tests announce fits the description of the feed."""

from collections.abc import Iterator

import pytest

from tests.events import fitting


@pytest.fixture(scope="package", autouse=True)
def _events_fit() -> Iterator[None]:
    with fitting():
        yield
