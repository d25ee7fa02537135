"""Declines, as the wire says them: to programs by code, to people by a sentence."""

from typing import Any, Final

from attrs import evolve, frozen

from fintech.domain.cards import Decline, DeclineCode
from fintech.domain.payments.attempt import Attempt, AttemptStatus, Increment, IncrementStatus

_MESSAGES: Final = {
    DeclineCode.EXPIRED_CARD: "Your card has expired.",
    DeclineCode.INCORRECT_CVC: "Your card's security code is incorrect.",
    DeclineCode.INSUFFICIENT_FUNDS: "Your card has insufficient funds.",
    DeclineCode.PROCESSING_ERROR: "An error occurred while processing your card. Try again in a little bit.",
    DeclineCode.VELOCITY_EXCEEDED: "Your card was declined for making repeated attempts too frequently.",
}
#: Declines that have an error code of their own; every other one is a declined card.
_OWN_CODES: Final = frozenset(
    {DeclineCode.EXPIRED_CARD, DeclineCode.INCORRECT_CVC, DeclineCode.PROCESSING_ERROR}
)


@frozen(kw_only=True)
class Failure:
    """Why an attempt, or an increment of one, came to nothing. Without ``decline_code`` it was no issuer that said no."""

    code: str
    message: str
    decline_code: str | None = None
    advice_code: str | None = None
    network_decline_code: str | None = None

    def details(self) -> dict[str, Any]:
        """What an error object says beside code and message."""
        details = {
            "decline_code": self.decline_code,
            "advice_code": self.advice_code,
            "network_decline_code": self.network_decline_code,
        }
        return {name: value for name, value in details.items() if value is not None}


#: What an increment says whose decline was not kept, as none was at first.
_UNTOLD: Final = Failure(
    code="card_declined",
    message="Your card was declined.",
    decline_code=DeclineCode.GENERIC_DECLINE.value,
)
_NOBODY_KNOWS: Final = Failure(
    code="processing_error",
    message="The card's issuer could not be reached, and nothing was charged. Try again in a little bit.",
)


def failure_of(attempt: Attempt) -> Failure | None:
    """Why an attempt came to nothing, or None if it did not, or not yet."""
    if attempt.status is AttemptStatus.RELEASED and not attempt.authorised_minor:
        return _NOBODY_KNOWS
    return None if attempt.decline is None else _failure(attempt.decline)


def failure_of_increment(increment: Increment) -> Failure | None:
    """Why an increment came to nothing, or None if no issuer said no to it."""
    if increment.status is not IncrementStatus.DECLINED:
        return None
    failure = _UNTOLD if increment.decline is None else _failure(increment.decline)
    return evolve(failure, message=f"{failure.message} The authorization stands as it was.")


def _failure(decline: Decline) -> Failure:
    return Failure(
        code=decline.code.value if decline.code in _OWN_CODES else "card_declined",
        message=_MESSAGES.get(decline.code, "Your card was declined."),
        decline_code=decline.code.value,
        advice_code=decline.advice.value if decline.advice else None,
        network_decline_code=decline.scheme_code,
    )
