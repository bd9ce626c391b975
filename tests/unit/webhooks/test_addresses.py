"""Nothing is posted into a network that was not named, however its address is written."""

import pytest

from tenants.webhooks.addresses import BadAddress, networks_of, refusal_of, target_of

ON_PREMISE = networks_of(["10.20.0.0/16", "fd00:1::/32"])
SHUT = [
    *("127.0.0.1", "0.0.0.0", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1"),
    *("255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::"),
    *("::7f00:1", "::ffff:0:7f00:1", "64:ff9b:1::a00:1", "64:ff9b:1::808:808", "fec0::1", "5f00::1", "192.0.0.8"),
    *("2001:db8::1", "2001::7f00:1", "240.0.0.1", "4000::1", "3fff::1"),
]


@pytest.mark.parametrize("address", SHUT)
def test_private_address_is_refused_in_every_disguise(address):
    assert "private network" in str(refusal_of(address, "https", ()))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"]
)
def test_public_address_is_called_with_tls_only(address):
    assert refusal_of(address, "https", ()) is None
    assert "TLS" in str(refusal_of(address, "http", ON_PREMISE))


@pytest.mark.parametrize(("address", "is_open"), [("10.20.1.2", True), ("10.21.0.1", False), ("fd00:1::9", True)])
def test_named_network_is_called_and_its_neighbour_is_not(address, is_open):
    assert (refusal_of(address, "http", ON_PREMISE) is None) is is_open


@pytest.mark.parametrize(
    "url",
    [
        *("http://x.example", "https://", "https://a@b.example", "https://x.example/#part", "//x.example"),
        *("https://x.example:port", "https://ex ample", "https://bücher.example", "https://x.example/" + "a" * 500),
        "https://x.example/\r\nhost: y",
    ],
)
def test_bad_url_is_refused(url):
    with pytest.raises(BadAddress):
        target_of(url, allows_http=False)


def test_url_is_taken_apart_with_its_query():
    target = target_of("https://x.example:8443/a?b=c", allows_http=False)
    assert (target.host, target.port, target.path) == ("x.example", 8443, "/a?b=c")
