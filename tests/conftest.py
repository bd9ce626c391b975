"""Real database, broker and sockets. `script/test` starts the servers; each worker has a database of its own."""

import os
from collections.abc import Iterator

import pytest

from tests import database

_made: list[str] = []

# These start a worker, which does all that its database owes: they come before others leave it their plans and works.
FIRST = (
    "tests/functional/test_stories.py",
    "tests/functional/chaos/",
    "tests/integration/optimization/test_worker",
    "tests/integration/optimization/test_studies_worker",
    "tests/integration/optimization/test_spread",
    "tests/integration/optimization/test_joint_solve",
    "tests/integration/edge/test_commands_live",
)


def pytest_configure(config: pytest.Config) -> None:
    """Point Django, whose settings are read by now, and the processes that tests start at this worker's database."""
    if "DATABASE_ADMIN_URL" not in os.environ:
        return
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    is_controller = worker == "main" and getattr(config.option, "numprocesses", None)
    if is_controller:
        return
    name = database.make(worker)
    _made.append(name)
    os.environ.update(database.environment(name))
    from django.conf import settings

    for configured in settings.DATABASES.values():
        configured["NAME"] = name
    settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"] = f"{name}:"
    settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))


def pytest_unconfigure(config: pytest.Config) -> None:
    if _made:
        from django.db import connections

        connections.close_all()
        database.drop(_made.pop())


@pytest.fixture(scope="session", autouse=True)
def _unblocked_database(django_db_blocker: object) -> Iterator[None]:
    """Tests commit for real: no wrapping transaction, since identity and the feed live at commit."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield


@pytest.fixture
def aurora():  # type: ignore[no-untyped-def]
    from tests import personas

    return personas.aurora()


@pytest.fixture
def borealis():  # type: ignore[no-untyped-def]
    from tests import personas

    return personas.borealis()


@pytest.fixture
def cassia():  # type: ignore[no-untyped-def]
    from tests import personas

    return personas.cassia()


@pytest.fixture
def delta():  # type: ignore[no-untyped-def]
    from tests import personas

    return personas.delta()


@pytest.fixture(scope="session")
def live_web():  # type: ignore[no-untyped-def]
    """A uvicorn of this worker's tests, see tests/live.py."""
    from tests.live import LiveWeb

    with LiveWeb() as web:
        yield web


@pytest.fixture(scope="module")
def live_worker():  # type: ignore[no-untyped-def]
    """A Celery worker and beat, with a sweep each second, see tests/live_worker.py.

    For a module only: tests of others expect that nobody takes their plans up.
    """
    from tests.live_worker import LiveWorker

    with LiveWorker({"SWEEP_S": "1"}, beat=True) as worker:
        yield worker
