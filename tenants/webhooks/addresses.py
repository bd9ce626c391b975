"""Where a webhook may go: to public addresses, and to the private networks that the deployment names. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MOST_URL_CHARS: Final = 500
# Addresses of IPv6 that carry one of IPv4, which some network would pass them on to.
CARRIES_V4: Final = ip_network("64:ff9b::/96")
# What is given out to the public; all else of IPv6 stays inside some network, or carries an address that does.
PUBLIC_V6: Final = ip_network("2000::/3")
# Of special use, though `ipaddress` takes them for public: protocols' own, and documentation.
SPECIAL: Final = (ip_network("192.0.0.0/24"), ip_network("3fff::/20"))


class BadAddress(ValueError):
    """Why nothing is posted there."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address as it was checked: `path` with its query."""

    scheme: str
    host: str
    port: int
    path: str


def target_of(url: str, *, allows_http: bool) -> Target:
    """The parts of a URL; BadAddress says what is wrong with it. What the host resolves to is checked at each call."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadAddress(f"It is not a URL: {error}.") from error
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > MOST_URL_CHARS:
        raise BadAddress(f"Give at most {MOST_URL_CHARS} printable ASCII characters.")
    if parts.scheme != "https" and not (parts.scheme == "http" and allows_http):
        raise BadAddress("Begin it with https://.")
    if not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise BadAddress("Give a host, and neither user, password nor fragment.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, parts.hostname, port or {"https": 443, "http": 80}[parts.scheme], path)


def networks_of(names: Iterable[str]) -> tuple[Network, ...]:
    """Networks such as `10.0.0.0/8`; ValueError names a bad one."""
    return tuple(ip_network(name.strip()) for name in names)


def refusal_of(address: str, scheme: str, allowed: Iterable[Network]) -> str | None:
    """Why this address of a host is not called, or None. Without TLS only a network that is named is called."""
    plain = _carried(ip_address(address.partition("%")[0]))
    if any(plain in network for network in allowed if network.version == plain.version):
        return None
    if scheme != "https":
        return "Only private networks that are allowed here are called without TLS."
    if not _is_public(plain):
        return "The host resolves to an address in a private network, which is not allowed here."
    return None


def _is_public(address: Address) -> bool:
    if (address.version == 6 and address not in PUBLIC_V6) or any(address in network for network in SPECIAL):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _carried(address: Address) -> Address:
    """The address of IPv4 inside one of IPv6, where there is one."""
    if isinstance(address, IPv4Address):
        return address
    if address in CARRIES_V4:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
