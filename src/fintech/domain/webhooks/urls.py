"""What may be the URL of a webhook endpoint. What its host's name stands for is looked at when something is sent."""

import re
from enum import StrEnum
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from attrs import frozen

from fintech.domain.webhooks.addresses import is_loopback, may_reach

URL_MAX: Final = 2_048
#: The web's own ports, and those that no system service has (RFC 6335, 6).
PORTS_LOW: Final = frozenset({80, 443})
PORT_FREE_MIN: Final = 1_024

_URL: Final = re.compile(r"[!-~]+")
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.?",
    re.IGNORECASE,
)
#: The last label of a name is never a number; where it is, the whole is another way to spell an address
#: (WHATWG URL, "ends in a number").
_NUMBER: Final = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)


class UrlFault(StrEnum):
    """What is wrong with a URL."""

    TOO_LONG = "too_long"
    NOT_A_URL = "not_a_url"
    NOT_HTTPS = "not_https"  #: plain HTTP goes to this machine only, in test mode
    CREDENTIALS = "credentials"  #: a user name or password in it
    FRAGMENT = "fragment"
    HOST = "host"  #: no host, or one that is not spelt as names and addresses are
    NOT_PUBLIC = "not_public"  #: an address, or a name, that is only reached from inside
    PORT = "port"


@frozen
class UrlRefused:
    """Nothing is sent to such a URL."""

    fault: UrlFault


def url_fault(url: str, *, livemode: bool) -> UrlFault | None:
    """The first thing that is wrong with an endpoint's URL, or None."""
    if len(url) > URL_MAX:
        return UrlFault.TOO_LONG
    parts = _parts(url)
    if parts is None or parts.scheme not in ("http", "https"):
        return UrlFault.NOT_A_URL
    if "@" in parts.netloc:
        return UrlFault.CREDENTIALS
    if "#" in url:
        return UrlFault.FRAGMENT
    host = parts.hostname or ""
    if not _is_host(host, parts.netloc):
        return UrlFault.HOST
    here = _is_this_machine(host)
    if here and livemode:
        return UrlFault.NOT_PUBLIC
    if not here and _is_address(host) and not may_reach(host, loopback=False):
        return UrlFault.NOT_PUBLIC
    if parts.scheme == "http" and not here:
        return UrlFault.NOT_HTTPS
    if not may_use(parts.port if parts.port is not None else PORTS_BY_SCHEME[parts.scheme]):
        return UrlFault.PORT
    return None


PORTS_BY_SCHEME: Final = {"http": 80, "https": 443}


def may_use(port: int) -> bool:
    """Whether something may be sent to a port."""
    return port in PORTS_LOW or port >= PORT_FREE_MIN


def _parts(url: str) -> SplitResult | None:
    """The parts of a URL of printable ASCII, with a port that is one."""
    if _URL.fullmatch(url) is None or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _is_host(host: str, netloc: str) -> bool:
    if netloc.startswith("["):
        return _is_address(host)
    if _NAME.fullmatch(host) is None:
        return False
    last = host.rstrip(".").rpartition(".")[2]
    return _NUMBER.fullmatch(last) is None or _is_address(host)


def _is_address(host: str) -> bool:
    """Whether a host is an address in its one proper spelling."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return "%" not in host


def _is_this_machine(host: str) -> bool:
    name = host.rstrip(".").lower()
    return name == "localhost" or name.endswith(".localhost") or is_loopback(host)
