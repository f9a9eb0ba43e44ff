"""Where nothing may be sent to, whatever a user types or a name resolves to."""

import pytest

from execution.connectors.forward.address import Policy, Refused, parse, vet

pytestmark = pytest.mark.core

PUBLIC = "93.184.216.34"
STRICT = Policy(
    own_hosts=("guard.example.com", ".tunnel.example", "localhost", "127.0.0.1", "[::1]"), own_port=8000
)
LOCAL = STRICT._replace(local=True)


def reach(url: str, policy: Policy = STRICT, *addresses: str) -> list[str]:
    """What a request to `url` would connect to, its name resolving to `addresses`."""
    destination = parse(url, policy)

    def resolve(host: str, port: int) -> list[str]:
        try:
            import ipaddress

            return [str(ipaddress.ip_address(host))]
        except ValueError:
            return list(addresses or [PUBLIC])

    return vet(destination, policy, resolve)


HOSTILE = [
    # scheme and shape
    "http://example.com/x", "ftp://example.com/x", "file:///etc/passwd", "gopher://127.0.0.1:25/x",
    "javascript:alert(1)", "//example.com/x", "example.com/x", "", "https://", "https:///x", "https://?x",
    "HTTPS://user:pass@example.com/", "https://user@example.com/", "https://@example.com/",
    "https://example.com@127.0.0.1/", "https://example.com#@127.0.0.1/", "https://example.com/#fragment",
    "https://example.com\\@127.0.0.1/", "https://exa mple.com/", "https://example.com/\r\nHost: evil",
    "https://example.com/\x00", "https://example.com/" + "x" * 2048, "https://example.com:99999/",
    "https://example.com:-1/", "https://example.com:0/", "https://[::1", "https://example.com:443:22/",
    # ports
    "https://example.com:22/", "https://example.com:8443/", "https://example.com:80/", "https://example.com:6379/",
    # loopback and this machine, in every spelling
    "https://127.0.0.1/", "https://127.1/", "https://127.0.0.2/", "https://2130706433/", "https://0x7f000001/",
    "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://017700000001/", "https://0/", "https://0.0.0.0/",
    "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/", "https://[0:0:0:0:0:0:0:1]/", "https://[fe80::1%25eth0]/", "https://localhost/",
    "https://localhost./", "https://LOCALHOST/", "https://foo.localhost/", "https://printer.local/",
    "https://metadata.google.internal/", "https://intranet/", "https://127.0.0.1./",
    # unicode that becomes dots and digits
    "https://127\u30020\u30020\u30021/", "https://\u2460\u2461\u2466.0.0.1/", "https://ex\u0430mple.com/",
    "https://\uff11\uff12\uff17.0.0.1/",
    # networks that are not the internet
    "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/", "https://100.100.100.200/", "https://192.0.2.1/", "https://198.18.0.1/",
    "https://224.0.0.1/", "https://255.255.255.255/", "https://240.0.0.1/", "https://[fc00::1]/",
    "https://[fd00:ec2::254]/", "https://[fe80::1]/", "https://[ff02::1]/", "https://[2001:db8::1]/",
    "https://[2002:7f00:1::]/", "https://[64:ff9b::7f00:1]/", "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2001:0:7f00:1::]/", "https://[fec0::1]/",
    # this installation
    "https://guard.example.com/api/v1/webhooks/tv/", "https://GUARD.example.com./", "https://a.tunnel.example/",
    "https://tunnel.example/",
]  # fmt: skip


@pytest.mark.parametrize("url", HOSTILE, ids=ascii)
def test_nothing_is_sent_there(url: str) -> None:
    with pytest.raises(Refused):
        reach(url)


@pytest.mark.parametrize("url", HOSTILE, ids=ascii)
def test_what_is_refused_is_not_repeated_in_the_refusal(url: str) -> None:
    """An address is half a password: its path stands in no error."""
    secret = url + "/s3cret-word" if url else url
    with pytest.raises(Refused) as refusal:
        reach(secret)
    assert "s3cret-word" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        (
            "https://webhooks.traderspost.io/trading/webhook/u/p",
            "webhooks.traderspost.io",
            "/trading/webhook/u/p",
        ),
        ("https://api.pickmytrade.trade/v2/add?t=1", "api.pickmytrade.trade", "/v2/add?t=1"),
        ("https://Example.com:443", "example.com", "/"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", "/"),
        (f"https://{PUBLIC}/x", PUBLIC, "/x"),
        ("https://[2606:2800:220:1::1]/x", "2606:2800:220:1::1", "/x"),
    ],
)
def test_what_may_be_reached(url: str, host: str, path: str) -> None:
    destination = parse(url, STRICT)
    assert (destination.host, destination.path, destination.port) == (host, path, 443)
    assert len(reach(url)) == 1


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"], ["10.1.2.3"], [PUBLIC, "127.0.0.1"], ["::1"], ["::ffff:10.0.0.1"], ["169.254.169.254"],
        ["100.64.1.1"], ["0.0.0.0"], ["fd12::1"], ["64:ff9b::a00:1"],
    ],
    ids=str,
)  # fmt: skip
def test_a_public_name_that_leads_inside_is_refused(addresses: list[str]) -> None:
    with pytest.raises(Refused):
        reach("https://example.com/x", STRICT, *addresses)


def test_the_internet_of_ipv4_is_reached_through_a_network_without_it() -> None:
    assert reach("https://example.com/", STRICT, "64:ff9b::5db8:d822") == ["64:ff9b::5db8:d822"]


def test_a_name_is_looked_up_once_and_what_it_said_then_counts() -> None:
    """It answers public the first time and loopback the second (DNS rebinding)."""
    said = iter([[PUBLIC], ["127.0.0.1"]])
    destination = parse("https://example.com/", STRICT)
    assert vet(destination, STRICT, lambda host, port: next(said)) == [PUBLIC]
    assert list(said) == [["127.0.0.1"]]


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("http://192.168.1.20:9000/hook", []),
        ("https://192.168.1.20/hook", []),
        ("http://127.0.0.1:9000/hook", []),
        ("http://printer.local:9000/hook", ["10.0.0.9"]),
        ("http://[fd12::1]:9000/", []),
        ("https://example.com/", [PUBLIC]),
    ],
)
def test_the_switch_opens_the_own_network(url: str, addresses: list[str]) -> None:
    assert reach(url, LOCAL, *addresses)


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("http://169.254.169.254/latest/meta-data/", []),
        ("http://[fd00:ec2::254]/", []),
        ("http://100.100.100.200/", []),
        ("http://0.0.0.0:9000/", []),
        ("http://example.com/", [PUBLIC]),
        ("https://example.com:8443/", [PUBLIC]),
        ("http://[fe80::1]:9000/", []),
        ("http://127.0.0.1:8000/api/v1/webhooks/tv/", []),
        ("http://router.lan:8000/", ["127.0.0.1"]),
        ("http://localhost/", []),
        ("http://guard.example.com/", ["10.0.0.1"]),
        ("ftp://192.168.1.20/", []),
        ("http://user:pass@192.168.1.20/", []),
    ],
)
def test_the_switch_does_not_open_the_rest(url: str, addresses: list[str]) -> None:
    with pytest.raises(Refused):
        reach(url, LOCAL, *addresses)


def test_further_ports_are_open_where_the_installation_says_so() -> None:
    assert reach("https://example.com:8443/", STRICT._replace(ports=(443, 8443))) == [PUBLIC]


def test_a_name_without_an_address_is_no_refusal_but_a_failure() -> None:
    with pytest.raises(OSError, match="no address"):
        vet(parse("https://example.com/", STRICT), STRICT, lambda host, port: [])


def test_what_is_shown_of_an_address_has_no_secret() -> None:
    assert parse("https://example.com/u/p?t=1", STRICT).shown == "https://example.com/…"
