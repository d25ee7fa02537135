"""Which addresses anything is sent to."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.webhooks.addresses import is_loopback, may_reach

PUBLIC = [
    "1.1.1.1",
    "93.184.215.14",
    "172.15.255.255",
    "172.32.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "2606:4700::1111",
]
CLOSED = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.0.1",
    "168.63.129.16", "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1",
    "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.2.3", "240.0.0.1",
    "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:1.1.1.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1",
    "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0",
    "fec0::1", "ff02::1", "4000::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address: str) -> None:
    assert may_reach(address, loopback=False)
    assert may_reach(address, loopback=True)


@pytest.mark.parametrize("address", CLOSED)
def test_all_others_are_not(address: str) -> None:
    assert not may_reach(address, loopback=False)
    assert may_reach(address, loopback=True) == is_loopback(address)


@pytest.mark.parametrize(
    "text", ["", "localhost", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "1.1.1.1 ", "[::1]"]
)
def test_what_is_no_address_is_not_reached(text: str) -> None:
    assert not may_reach(text, loopback=True)
    assert not is_loopback(text)


@given(st.integers(0, 2**32 - 1).map(IPv4Address) | st.integers(0, 2**128 - 1).map(IPv6Address))
def test_nothing_is_reached_that_the_standard_library_calls_private(
    address: IPv4Address | IPv6Address,
) -> None:
    if may_reach(str(address), loopback=False):
        assert address.is_global
        assert not address.is_multicast


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_no_address_with_another_one_inside_is_reached(address: IPv4Address) -> None:
    number = int(address)
    for prefix in (0, 0xFFFF << 32, 0x64FF9B << 96, 0x2002 << 112 | number << 48):
        assert not may_reach(str(IPv6Address(prefix | number)), loopback=False)
    assert may_reach(str(address), loopback=False) == (address.is_global and not _known_by_us_alone(address))


def _known_by_us_alone(address: IPv4Address) -> bool:
    """What is global by the registry and reached by nobody: multicast, 6to4's relays, a metadata service."""
    others = ("192.88.99.0/24", "192.0.0.0/24", "168.63.129.16/32")
    return address.is_multicast or any(address in IPv4Network(other) for other in others)
