import pytest

from tests.live import LiveWeb


@pytest.fixture(scope="session")
def deaf_web():
    """A web process that never hears the doorbell, because no Valkey answers it: it has only the poll."""
    with LiveWeb({"REDIS_URL": "redis://127.0.0.1:1/0"}) as web:
        yield web


@pytest.fixture(scope="session")
def quick_web():
    """A web process with heartbeats twice a second, which trusts the origins of one more site."""
    with LiveWeb({"FEED_HEARTBEAT_S": "0.5", "CSRF_TRUSTED_ORIGINS": "https://*.aurora.example"}) as web:
        yield web


@pytest.fixture
def untroubled(live_web):
    """No fault is logged during the test; what others' bad bells left in the log before is theirs."""
    before = len(live_web.output)
    yield
    assert "Traceback" not in live_web.output[before:]


@pytest.fixture(params=["doorbell", "poll"])
def any_web(request: pytest.FixtureRequest):
    return request.getfixturevalue({"doorbell": "live_web", "poll": "deaf_web"}[request.param])
