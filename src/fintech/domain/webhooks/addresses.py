"""Which addresses of the network we send anything to: the public ones, and nothing that only we can reach."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

#: What is not on the public internet (IANA IPv4 Special-Purpose Address Registry, RFC 6890 and its updates), and
#: Azure's wire server, a metadata service at an address that looks public.
_IPV4_CLOSED: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16/32",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
#: All global unicast there is so far (RFC 4291, 2.4). Outside it are loopback, unique-local, link-local and multicast
#: addresses, and those with an IPv4 address inside (mapped, compatible, NAT64), which might lead anywhere.
_IPV6_OPEN: Final = IPv6Network("2000::/3")
#: What of it is something else (IANA IPv6 Special-Purpose Address Registry): protocol assignments with Teredo,
#: documentation, 6to4.
_IPV6_CLOSED: Final = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_LOOPBACK: Final = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


def may_reach(address: str, *, loopback: bool) -> bool:
    """Whether something may be sent to an address, spelt as sockets spell it. ``loopback``: to this machine, too.

    What cannot be read as an address may not be reached.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if loopback and is_loopback(address):
        return True
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _IPV4_CLOSED)
    return _global(ip)


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return any(ip.version == network.version and ip in network for network in _LOOPBACK)


def _global(ip: IPv6Address) -> bool:
    if ip.scope_id is not None or ip not in _IPV6_OPEN:
        return False
    return not any(ip in network for network in _IPV6_CLOSED)
