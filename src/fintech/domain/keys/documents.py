"""Documents that the bank signs: JSON in the one spelling that can be signed, read member by member.

Sorted names, no spaces, ASCII (RFC 8785 for these types): whoever has openssl and a text editor can write one, and what
was signed is what is read.
"""

import json
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any, Final

from attrs import frozen

from fintech.domain.card_numbers import shows_card_number
from fintech.domain.ids import MerchantId
from fintech.domain.outcome import Failure, Outcome, Success

#: Longest reason, in characters, and longest document, in bytes.
REASON_MAX: Final = 200
DOCUMENT_MAX: Final = 4_096
DOCUMENT_VERSION: Final = 1

#: The name of a deployment, as `FINTECH_ENVIRONMENT` has it.
ENVIRONMENT: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")

_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@frozen
class OrderMalformed:
    """``field`` is the member that is wrong, ``rule`` what it has to be."""

    field: str
    rule: str


@frozen
class AnotherEnvironment:
    """A document that was signed for another deployment than ``here``: worth nothing here, whoever signed it."""

    named: str
    here: str


def spelt(members: Mapping[str, object]) -> bytes:
    """What is signed."""
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def spelt_moment(at: datetime) -> str:
    """A moment in UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def moment_of(text: str) -> datetime:
    """The moment that a document says, once `fault_of_moment` has found nothing."""
    return datetime.fromisoformat(text)


def members_of(document: bytes, names: AbstractSet[str]) -> Outcome[dict[str, Any], OrderMalformed]:
    """The members of a document that has exactly those names, in that spelling; not yet what they are."""
    if len(document) > DOCUMENT_MAX:
        return Failure(OrderMalformed("order", f"has at most {DOCUMENT_MAX} bytes"))
    try:
        members = json.loads(document)
        canonical = spelt(members) == document
    except (ValueError, RecursionError):
        return Failure(OrderMalformed("order", "is JSON"))
    if not isinstance(members, dict) or members.keys() != names:
        return Failure(OrderMalformed("order", f"has exactly the members {', '.join(sorted(names))}"))
    if not canonical:
        return Failure(
            OrderMalformed("order", "is spelt with sorted names, without spaces or line ends, in ASCII")
        )
    return Success(members)


def fault_of_head(members: Mapping[str, Any]) -> OrderMalformed | None:
    """What is wrong with the version, the environment, the number or the reason, which every document has."""
    version, sequence, reason = (members[name] for name in ("version", "sequence", "reason"))
    if type(version) is not int or version != DOCUMENT_VERSION:
        return OrderMalformed("version", f"is {DOCUMENT_VERSION}")
    fault = fault_of_environment(members["environment"])
    if fault is not None:
        return fault
    if type(sequence) is not int or not 0 < sequence < 2**53:
        return OrderMalformed("sequence", "is a whole number from 1 on")
    if not isinstance(reason, str) or not 0 < len(reason) <= REASON_MAX or not reason.isprintable():
        return OrderMalformed("reason", f"is a text of 1 to {REASON_MAX} characters")
    if shows_card_number(reason):
        return OrderMalformed(
            "reason", "has nothing in it that looks like a card number, which is never kept"
        )
    return None


def fault_of_environment(name: object) -> OrderMalformed | None:
    """What is wrong with the name of a deployment."""
    if not isinstance(name, str) or ENVIRONMENT.fullmatch(name) is None:
        return OrderMalformed("environment", "is the name of a deployment, as in production")
    return None


def fault_of_scope(merchant: object, livemode: object) -> OrderMalformed | None:
    """What is wrong with what names a merchant's keys in one mode."""
    if not isinstance(merchant, str) or MerchantId.parse(merchant) is None:
        return OrderMalformed("merchant", "is a merchant's id")
    if type(livemode) is not bool:
        return OrderMalformed("livemode", "is true or false")
    return None


def fault_of_moment(name: str, text: object) -> OrderMalformed | None:
    """What is wrong with a moment."""
    wrong = OrderMalformed(name, "is a moment in UTC, as in 2026-11-23T04:05:06Z")
    if not isinstance(text, str) or _MOMENT.fullmatch(text) is None:
        return wrong
    try:
        moment_of(text)
    except ValueError:
        return wrong
    return None
