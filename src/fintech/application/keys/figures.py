"""What the bank's orders have come to in this process, in plain numbers, and the word for each refusal."""

from collections.abc import Mapping
from typing import Any, Final

from attrs import define, field, frozen

from fintech.application.commits import NotFound
from fintech.domain.keys.breaking_glass import NotThatLong
from fintech.domain.keys.custody import CustodyStepRefused
from fintech.domain.keys.documents import AnotherEnvironment, OrderMalformed
from fintech.ports.key_table import OrderOutOfSequence


@frozen
class UnknownKey:
    """No officer's key is known by this name."""

    key: str


@frozen
class BadSignature:
    """The key that is known by this name did not sign this document."""

    key: str


@frozen
class TwoOfficersNeeded:
    """It takes two officers, with a key each."""


#: For the audit trail and for figures: a word for each kind of refusal.
REASONS: Final[Mapping[type, str]] = {
    OrderMalformed: "malformed",
    UnknownKey: "unknown_key",
    BadSignature: "bad_signature",
    TwoOfficersNeeded: "two_officers_needed",
    AnotherEnvironment: "another_environment",
    OrderOutOfSequence: "out_of_sequence",
    CustodyStepRefused: "step_refused",
    NotFound: "not_found",
    NotThatLong: "not_that_long",
}


def reason_of(refusal: Any) -> str:
    """The word for a refusal."""
    return REASONS[type(refusal)]


@define
class OrderFigures:
    """Orders and requests that were carried out here, by what they said; and that were refused here, by the reason."""

    applied: dict[str, int] = field(factory=dict, init=False)
    refused: dict[str, int] = field(factory=lambda: dict.fromkeys(REASONS.values(), 0), init=False)

    def carried_out(self, action: str) -> None:
        """One more."""
        self.applied[action] = self.applied.get(action, 0) + 1

    def turned_down(self, refusal: Any) -> None:
        """One more."""
        self.refused[reason_of(refusal)] += 1
