"""What the server refuses before any view sees it."""

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.live import LiveWeb

LIMIT_BYTES = 100_000


@pytest.fixture(scope="module")
def strict_web():
    with LiveWeb({"BODY_LIMIT_BYTES": str(LIMIT_BYTES), "FILES_LIMIT_BYTES": str(2 * LIMIT_BYTES)}) as web:
        yield web


def chunks(total_bytes: int, sent: list[int]):
    for _ in range(total_bytes // 10_000):
        sent.append(10_000)
        yield b"x" * 10_000


@pytest.mark.parametrize("chunked", [False, True])
def test_body_over_the_limit_is_answered_413_whether_announced_or_chunked(strict_web, chunked):
    body = chunks(2 * LIMIT_BYTES, []) if chunked else b"x" * (LIMIT_BYTES + 1)
    response = httpx.post(f"{strict_web.base_url}/api/v1/nowhere", content=body)
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert str(LIMIT_BYTES) in response.json()["detail"]


def test_endless_chunked_body_is_cut_off_and_never_read_to_its_end(strict_web):
    sent: list[int] = []
    try:
        response = httpx.post(f"{strict_web.base_url}/api/v1/nowhere", content=chunks(500_000_000, sent))
        assert response.status_code == 413
    except httpx.WriteError:
        pass  # the server closed while the client was still writing
    assert sum(sent) < 100_000_000


def test_body_of_just_the_limit_reaches_the_application(strict_web):
    response = httpx.post(f"{strict_web.base_url}/api/v1/nowhere", content=b"x" * LIMIT_BYTES)
    assert response.status_code == 404


def test_files_may_be_larger_where_they_are_laid_beside_a_task(strict_web):
    for size_bytes, status in ((2 * LIMIT_BYTES, 404), (2 * LIMIT_BYTES + 1, 413)):
        address = f"{strict_web.base_url}/api/v1/nowhere/attachments"
        assert httpx.post(address, content=b"x" * size_bytes).status_code == status


def test_unknown_websocket_address_is_refused_without_a_traceback(strict_web):
    with pytest.raises(InvalidStatus) as refused, connect(f"{strict_web.ws_url}/ws/v1/nothing"):
        pass
    assert refused.value.response.status_code == 403
    assert "Traceback" not in strict_web.output
