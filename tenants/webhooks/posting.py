"""One post to somebody else's server: no redirect, no proxy, no address that was not checked, no longer than allowed.

The name is resolved once, every address it has is checked, and the connection goes to one of these very addresses: a
name that resolves otherwise a moment later gains nothing.
"""

import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import httpcore

from tenants.webhooks.addresses import BadAddress, Network, Target, refusal_of

WITHIN_S: Final = 15.0
TAKEN: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is None if no answer came; `problem` then says why, and for any other answer than a 2xx too."""

    status: int | None
    problem: str
    took_ms: int

    @property
    def is_taken(self) -> bool:
        return self.status in TAKEN


class Deadline:
    """What is left of one post's time; httpcore's own limits hold for each read and write alone."""

    def __init__(self, within_s: float) -> None:
        self.ends_at = time.monotonic() + within_s

    def left_s(self, limit_s: float | None = None) -> float:
        left_s = self.ends_at - time.monotonic()
        if left_s <= 0:
            raise httpcore.TimeoutException("No answer in time.")
        return left_s if limit_s is None else min(left_s, limit_s)


class TimedStream(httpcore.NetworkStream):
    """A connection that ends with its deadline, however slowly the other side talks."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left_s(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left_s(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left_s(timeout))
        return TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class CheckedNetwork(httpcore.SyncBackend):
    """Connects to addresses that may be called, and to no other."""

    def __init__(self, scheme: str, allowed: Iterable[Network], deadline: Deadline) -> None:
        self._scheme, self._allowed, self._deadline = scheme, tuple(allowed), deadline

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        addresses = _resolved(host, port)
        for address in addresses:
            refusal = refusal_of(address, self._scheme, self._allowed)
            if refusal is not None:
                raise BadAddress(refusal)
        for address in addresses[:-1]:
            try:
                return self._connect(address, port)
            except httpcore.ConnectError:
                continue
        return self._connect(addresses[-1], port)

    def _connect(self, address: str, port: int) -> httpcore.NetworkStream:
        return TimedStream(super().connect_tcp(address, port, timeout=self._deadline.left_s()), self._deadline)


def post(
    target: Target, headers: dict[str, str], body: bytes, allowed: Iterable[Network], within_s: float = WITHIN_S
) -> Answer:
    """Post and read the status; of what else comes back nothing is read."""
    begun, deadline = time.monotonic(), Deadline(within_s)
    status, problem = None, ""
    try:
        status = _status(target, headers, body, CheckedNetwork(target.scheme, allowed, deadline))
        problem = "" if status in TAKEN else f"It answered {status}."
    except BadAddress as error:
        problem = str(error)
    except httpcore.TimeoutException:
        problem = f"No answer within {within_s:.0f} s."
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        problem = f"No connection: {str(error) or type(error).__name__}"
    return Answer(status, problem[:300], round(1000 * (time.monotonic() - begun)))


def _status(target: Target, headers: dict[str, str], body: bytes, network: CheckedNetwork) -> int:
    url = httpcore.URL(
        scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
    )
    with (
        httpcore.ConnectionPool(ssl_context=_certificates(), network_backend=network) as pool,
        pool.stream("POST", url, headers=list(headers.items()), content=body) as response,
    ):
        return int(response.status)


@cache
def _certificates() -> ssl.SSLContext:
    """The system's authorities; an operator adds their own by SSL_CERT_FILE."""
    return ssl.create_default_context()


def _resolved(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise BadAddress(f"The host can't be resolved: {error}.") from error
    return list(dict.fromkeys(str(place[4][0]) for place in found))
