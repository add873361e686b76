"""Which addresses a crawl connects to: public unicast ones, whatever notation hides the others."""

from ipaddress import ip_address

import pytest
import trio
import trio.testing

from quaero_cli.crawl.addresses import Policy, literal, not_public
from quaero_cli.crawl.answers import FetchError
from quaero_cli.crawl.resolve import Resolver
from quaero_cli.crawl.urls import hostname, normalise
from quaero_cli.errors import StepFailed

PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "93.184.216.34", "100.63.255.255", "100.128.0.0",
    "126.255.255.255", "128.0.0.1", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
    "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
    "2606:2800:220:1:248:1893:25c8:1946", "2a00:1450:4001:81b::200e", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
]  # fmt: skip

FORBIDDEN = [
    # IPv4
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255",
    "127.0.0.1", "127.1.2.3", "127.255.255.255", "168.63.129.16", "169.254.0.1", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1",
    "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255",
    # IPv6
    "::", "::1", "::2", "::7f00:1", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254", "fdff::1",
    "ff02::1", "ff0e::1", "2001:db8::1", "3fff::1", "5f00::1", "4000::1", "100::1", "2001:2::1", "2001:10::1",
    # IPv4 inside IPv6
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:0", "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::",
    "2002:a00:1::1", "2002:808:808::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "::127.0.0.1", "::10.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    """Ordinary sites would be refused."""
    assert not_public(ip_address(address)) is None
    assert Policy().refuses("example.org", address) is None


@pytest.mark.parametrize("address", FORBIDDEN)
def test_forbidden_addresses(address: str) -> None:
    """A page could make the crawler read the local machine, the intranet or a cloud's secrets."""
    assert not_public(ip_address(address))
    assert Policy().refuses("example.org", address)


@pytest.mark.parametrize(
    "spelling",
    [
        "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f.1/", "http://0x7f000001/",
        "http://0177.0.0.1/", "http://017700000001/", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://0/",
        "http://0x0/", "http://[::1]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://127.0.0.1./",
        "http://127%2e0%2e0%2e1/", "http://\uff11\uff12\uff17.0.0.1/", "http://[0:0:0:0:0:ffff:127.0.0.1]/",
    ],
)  # fmt: skip
async def test_odd_notations_do_not_get_through(spelling: str) -> None:
    """A loopback address in disguise would be connected to."""

    async def lookup(_host: str) -> list[str]:
        return ["127.0.0.1"]

    url = normalise(spelling)
    assert url is not None
    answer = await Resolver(Policy(), timeout=1, lookup=lookup).addresses(hostname(url))
    assert isinstance(answer, FetchError)
    assert answer.kind == "address"


def test_hosts_and_networks_can_be_allowed() -> None:
    """Naming 127.0.0.1 would let every name point there; naming a network would not."""
    policy = Policy(["localhost", "127.0.0.1", "::1", "[fd00::1]", "10.1.0.0/16", "FD12::/16", "Intra.Example"])
    assert policy.refuses("localhost", "127.0.0.1") is None
    assert policy.refuses("127.0.0.1", "127.0.0.1") is None
    assert policy.refuses("[::1]", "::1") is None
    assert policy.refuses("[fd00::1]", "fd00::1") is None
    assert policy.refuses("intra.example", "192.168.0.7") is None
    assert policy.refuses("any.example", "10.1.2.3") is None
    assert policy.refuses("any.example", "::ffff:10.1.2.3") is None
    assert policy.refuses("any.example", "fd12::7") is None
    assert policy.refuses("evil.example", "127.0.0.1") == "127.0.0.1 is a loopback address"
    assert policy.refuses("any.example", "10.2.0.1") == "10.2.0.1 is a private address"
    assert policy.refuses("any.example", "fe80::1%eth0") == "fe80::1%eth0 is a link-local address"


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "a b", "http://x/", "a/b", ""])
def test_unreadable_entries_are_named(entry: str) -> None:
    """A typo in allow_private would silently allow nothing, or everything."""
    with pytest.raises(StepFailed, match=r"^allow_private: "):
        Policy([entry])


def test_literals() -> None:
    """Addresses would be looked up as names."""
    assert (literal("127.0.0.1"), literal("[::1]"), literal("example.org"), literal("localhost")) == (
        "127.0.0.1", "::1", None, None,
    )  # fmt: skip


async def test_one_forbidden_address_spoils_the_name() -> None:
    """A name with a public and a private address would sometimes lead inside."""

    async def lookup(_host: str) -> list[str]:
        return ["93.184.216.34", "10.0.0.1"]

    answer = await Resolver(Policy(), timeout=1, lookup=lookup).addresses("mixed.test")
    assert answer == FetchError("address", "mixed.test: 10.0.0.1 is a private address")


async def test_a_name_is_looked_up_once(autojump_clock: trio.testing.MockClock) -> None:
    """A name server that changes its answer between check and use would lead inside; each page cost a look-up."""
    asked = []

    async def lookup(host: str) -> list[str]:
        asked.append(host)
        await trio.sleep(1)
        return ["93.184.216.34"] if len(asked) == 1 else ["127.0.0.1"]

    resolver = Resolver(Policy(), timeout=5, lookup=lookup)
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(resolver.addresses, "flips.test")
    assert asked == ["flips.test"]
    assert resolver.approved("flips.test", "93.184.216.34")
    assert not resolver.approved("flips.test", "127.0.0.1")
    assert not resolver.approved("other.test", "93.184.216.34")
    await trio.sleep(1000)
    assert isinstance(await resolver.addresses("flips.test"), FetchError)


async def test_look_ups_end(autojump_clock: trio.testing.MockClock) -> None:
    """A dead name server would hang the crawl; a cancelled look-up would hang whoever waits for it."""

    async def lookup(_host: str) -> list[str]:
        await trio.sleep_forever()
        return []

    resolver = Resolver(Policy(), timeout=5, lookup=lookup)
    with trio.move_on_after(1):
        await resolver.addresses("slow.test")
    answer = await resolver.addresses("slow.test")
    assert isinstance(answer, FetchError)
    assert (answer.kind, trio.current_time()) == ("timeout", pytest.approx(6, abs=0.1))
