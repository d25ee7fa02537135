"""What an acquirer tells of a dispute, in the domain's words, and what it answers when it is told something."""

from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from attrs import frozen

from fintech.domain.cards import Unknown


class DisputeReason(StrEnum):
    """Why the cardholder says no (Stripe's dispute reasons)."""

    CREDIT_NOT_PROCESSED = "credit_not_processed"
    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"
    GENERAL = "general"
    PRODUCT_NOT_RECEIVED = "product_not_received"
    PRODUCT_UNACCEPTABLE = "product_unacceptable"
    SUBSCRIPTION_CANCELED = "subscription_canceled"
    UNRECOGNIZED = "unrecognized"


class Verdict(StrEnum):
    """How a case ended, as the merchant sees it."""

    WON = "won"
    LOST = "lost"
    WITHDRAWN = "withdrawn"  #: the cardholder or the bank took it back


@frozen(kw_only=True)
class DisputeOpened:
    """A cardholder's bank asks (``inquiry``) or has taken ``amount_minor`` back (a chargeback).

    ``reason_code`` is the scheme's own (Visa's 10.4), ``respond_by`` when the last evidence is taken; None where the
    acquirer does not say.
    """

    amount_minor: int
    reason: DisputeReason
    inquiry: bool
    reason_code: str | None = None
    respond_by: datetime | None = None


@frozen(kw_only=True)
class DisputeEscalated:
    """An inquiry has become a chargeback."""

    amount_minor: int
    reason_code: str | None = None
    respond_by: datetime | None = None


@frozen(kw_only=True)
class DisputeClosed:
    """The case is over."""

    verdict: Verdict


@frozen(kw_only=True)
class CaseNews:
    """One stage of a case: ``case`` is the acquirer's name for it, ``number`` counts its stages from 1.

    Stages may be told late, twice and in any order; the number says which is older. A case that is taken up again
    after a verdict for the merchant (pre-arbitration, a second chargeback) is another case.
    """

    case: str
    number: int
    what: DisputeOpened | DisputeEscalated | DisputeClosed


class NotTaken(StrEnum):
    """Why an acquirer does not take what a merchant has to say."""

    CASE_CLOSED = "case_closed"
    TOO_LATE = "too_late"


@frozen
class Taken:
    """The acquirer has it and passes it on."""


@frozen
class TurnedDown:
    """The acquirer does not take it, now or later."""

    why: NotTaken


CaseReply: TypeAlias = Taken | TurnedDown | Unknown
