"""Events made ready to be posted."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias

from fintech.domain.events import Event
from fintech.domain.webhooks.signing import signature_header
from fintech.ports.webhook_sender import Parcel

#: The bytes of an event, as the wire that merchants know spells it: with its mode, and how many endpoints it has not
#: reached yet.
Render: TypeAlias = Callable[[Event, bool, int], bytes]


def signed_parcel(url: str, body: bytes, secrets: Sequence[str], now: datetime, *, loopback: bool) -> Parcel:
    """A body that is signed now, with each of the secrets."""
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature_header(secrets, int(now.timestamp()), body),
    }
    return Parcel(url=url, body=body, headers=headers, loopback=loopback)
