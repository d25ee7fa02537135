"""The sender: posts something to an address that a merchant has chosen, and to no other."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from attrs import field, frozen

from fintech.domain.webhooks.delivery import TryFault


@frozen(kw_only=True)
class Parcel:
    """What is posted where. ``loopback``: the receiver may be on this machine (test mode)."""

    url: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    loopback: bool = False


@frozen(kw_only=True)
class Sent:
    """What came of it: the HTTP status of the answer, or why there was none."""

    duration_ms: int
    status: int | None = None
    fault: TryFault | None = None


@runtime_checkable
class WebhookSender(Protocol):
    """Posts over HTTP. Whatever happens is an answer: nothing is raised, and nothing takes much longer than 10 s.

    The host's name is resolved once; every address that it stands for must be one that `may_reach` allows, and the
    connection goes to just such a one. Over TLS the certificate must be the name's. Redirects are not followed, proxies
    not asked, and of the answer's body little is read.
    """

    @abstractmethod
    async def post(self, parcel: Parcel) -> Sent:
        """Post it once."""
