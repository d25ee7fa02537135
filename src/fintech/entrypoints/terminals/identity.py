"""What a message is known by: the terminal, the hour in which it was made, and the trace number that it has in it.

Both sides can work it out from what they have, so nobody has to remember what the other one called it: from the
message itself, from a reference on a receipt (data element 37), or from what a reversal says of its original (90).
"""

from datetime import UTC, datetime
from typing import Final

from attrs import frozen

from fintech.application.commits import RequestKey
from fintech.ports.keyed_digest import KeyedDigest, Purpose

#: Data element 90 begins with the original's type, trace number and transmission time; institutions follow.
_ORIGINAL_MTI: Final = slice(0, 4)
_ORIGINAL_STAN: Final = slice(4, 10)
_ORIGINAL_TRANSMITTED: Final = slice(10, 20)


@frozen(kw_only=True)
class Identity:
    """``number`` is data element 41, ``stan`` 11, ``reference`` 37: the last digit of the year, the day of the year, the
    hour, and the trace number. Terminals tell the time in UTC."""

    number: str
    stan: str
    reference: str

    @property
    def key(self) -> str:
        """The idempotency key of the message."""
        return f"iso8583/{self.number}/{self.reference}"


def identity_of(number: str, stan: str, transmitted: str, now: datetime) -> Identity | None:
    """The identity of a message transmitted at ``MMDDhhmmss``, in the year that brings it nearest; None if there is no
    such moment."""
    at = moment_of(transmitted, now)
    if at is None:
        return None
    return Identity(number=number, stan=stan, reference=f"{at.year % 10}{at:%j%H}{stan}")


def moment_of(transmitted: str, now: datetime) -> datetime | None:
    """When a message was transmitted. It does not say the year: on New Year's Eve it may be the last one."""
    month, day, hour, minute, second = (int(transmitted[place : place + 2]) for place in range(0, 10, 2))
    found = []
    for year in (now.year, now.year - 1, now.year + 1):
        try:
            found.append(datetime(year, month, day, hour, minute, second, tzinfo=UTC))
        except ValueError:
            continue
    return min(found, key=lambda at: abs(at - now), default=None)


def identity_of_reference(number: str, reference: str) -> Identity | None:
    """The identity of what a terminal names by its reference; None if it cannot be one of ours."""
    if not (reference.isascii() and reference.isdecimal() and len(reference) == 12):
        return None
    return Identity(number=number, stan=reference[6:], reference=reference)


@frozen
class Told:
    """What data element 90 says of an original: its type, and who it is."""

    mti: str
    stan: str
    transmitted: str


def original_of(elements: str) -> Told | None:
    """What data element 90 says; None where it says nothing."""
    told = Told(elements[_ORIGINAL_MTI], elements[_ORIGINAL_STAN], elements[_ORIGINAL_TRANSMITTED])
    return told if told.transmitted.strip("0") else None


def request_key(
    digests: KeyedDigest,
    identity: Identity,
    operation: str,
    *,
    transmitted: str | None,
    processing: str,
    amount: str,
) -> RequestKey:
    """The key of a message's request. Its repeat says the same of itself; another message under the same key does not,
    and is refused."""
    said = "\x1f".join((operation, identity.number, identity.stan, transmitted or "", processing[:2], amount))
    return RequestKey(
        key=identity.key, operation=operation, fingerprint=digests.digest(Purpose.REQUEST, said.encode())
    )
