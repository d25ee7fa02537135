"""One attempt to be paid: a card asked for an amount, and everything that became of it."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from fintech.domain.cards import Decline
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChargeId, MovementId, TransferId
from fintech.domain.payment_methods import Method

#: How long an approval may be captured. Visa and Mastercard give a merchant 7 days for a card that is not present.
AUTHORISATION_VALID: Final = timedelta(days=7)
#: A call that has not been answered for so long was lost with its process. Longer than any call may take.
ANSWER_PATIENCE: Final = timedelta(seconds=45)
#: How long to wait before each enquiry after an unknown outcome; when all have failed, the attempt is reversed.
ENQUIRY_DELAYS_S: Final = (1, 2, 5, 15, 60, 300, 900)
#: A reversal is sent until it is acknowledged; the last delay repeats.
REVERSAL_DELAYS_S: Final = (1, 5, 30, 300, 3600)


class AttemptStatus(StrEnum):
    """Where an attempt stands."""

    SENT = "sent"  #: the intent is committed, the acquirer may or may not have been asked
    UNKNOWN = "unknown"  #: asked, no answer: neither yes nor no
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    DECLINED = "declined"
    RELEASED = "released"  #: cancelled, expired or given up: no money will move


TRANSITIONS: Final[dict[AttemptStatus, frozenset[AttemptStatus]]] = {
    AttemptStatus.SENT: frozenset(
        {
            AttemptStatus.AUTHORISED,
            AttemptStatus.CAPTURED,
            AttemptStatus.DECLINED,
            AttemptStatus.UNKNOWN,
            AttemptStatus.RELEASED,
        }
    ),
    AttemptStatus.UNKNOWN: frozenset(
        {AttemptStatus.AUTHORISED, AttemptStatus.CAPTURED, AttemptStatus.DECLINED, AttemptStatus.RELEASED}
    ),
    AttemptStatus.AUTHORISED: frozenset({AttemptStatus.CAPTURED, AttemptStatus.RELEASED}),
    AttemptStatus.CAPTURED: frozenset(),
    AttemptStatus.DECLINED: frozenset(),
    AttemptStatus.RELEASED: frozenset(),
}

#: The acquirer's answer is still to come.
OPEN: Final = frozenset({AttemptStatus.SENT, AttemptStatus.UNKNOWN})


class IncrementStatus(StrEnum):
    """Where a request for a higher authorisation stands."""

    SENT = "sent"
    UNKNOWN = "unknown"
    APPROVED = "approved"
    DECLINED = "declined"
    RELEASED = "released"


INCREMENT_TRANSITIONS: Final[dict[IncrementStatus, frozenset[IncrementStatus]]] = {
    IncrementStatus.SENT: frozenset(
        {
            IncrementStatus.APPROVED,
            IncrementStatus.DECLINED,
            IncrementStatus.UNKNOWN,
            IncrementStatus.RELEASED,
        }
    ),
    IncrementStatus.UNKNOWN: frozenset(
        {IncrementStatus.APPROVED, IncrementStatus.DECLINED, IncrementStatus.RELEASED}
    ),
    IncrementStatus.APPROVED: frozenset(),
    IncrementStatus.DECLINED: frozenset(),
    IncrementStatus.RELEASED: frozenset(),
}


@frozen
class Hold:
    """An open authorisation in the books: the pending transfer and its amount."""

    transfer: TransferId
    amount_minor: int
    expires_at: datetime


@frozen(kw_only=True)
class Capture:
    """A part of the authorised amount that was taken, and what it cost."""

    movement: MovementId
    amount_minor: int
    fee_minor: int
    tax_minor: int
    day: str  #: the Sydney day under which it is settled, ISO 8601
    at: datetime


@frozen(kw_only=True, slots=False)
class Increment:
    """A request to authorise more; ``number`` counts from 1 within the attempt. ``decline`` is the issuer's no."""

    number: int
    amount_minor: int
    status: IncrementStatus
    sent_at: datetime
    tries: int = 0
    next_try_at: datetime | None = None
    decline: Decline | None = None

    @property
    def open(self) -> bool:
        """Whether the answer is still to come."""
        return self.status in (IncrementStatus.SENT, IncrementStatus.UNKNOWN)


class ReversalReason(StrEnum):
    """Why the acquirer is told to forget an amount."""

    CANCELLED = "cancelled"
    EXPIRED = "expired"
    NOT_CAPTURED = "not_captured"
    TERMINAL = "terminal"  #: the terminal gave its transaction up, whatever had become of it
    UNKNOWN_OUTCOME = "unknown_outcome"


@frozen(kw_only=True, slots=False)
class Reversal:
    """What the acquirer must be told, until it has acknowledged it: ``amount_minor`` of ``original`` is not wanted.

    ``request`` names the message for ever, so a further amount is a further message. ``original`` is the question
    that the amount was asked for with: the attempt's own or an increment's.
    """

    request: str
    original: str
    amount_minor: int
    reason: ReversalReason
    next_try_at: datetime | None
    tries: int = 0

    @property
    def due(self) -> bool:
        """Whether the acknowledgement is still to come."""
        return self.next_try_at is not None

    def postponed(self, at: datetime) -> "Reversal":
        """Not acknowledged: try again later."""
        return evolve(self, tries=self.tries + 1, next_try_at=at + delay(REVERSAL_DELAYS_S, self.tries))


@frozen(kw_only=True, slots=False)
class Attempt:
    """Amounts in minor units of the payment's currency.

    ``authorised_minor`` is what the issuer said yes to; ``reference`` is the acquirer's name for it, by which alone
    captures, reversals and refunds are made, since the PAN is gone by then.
    """

    id: ChargeId
    method: Method
    amount_minor: int
    status: AttemptStatus
    sent_at: datetime
    answered_at: datetime | None = None
    authorised_minor: int = 0
    reference: str | None = None
    auth_code: str | None = None
    decline: Decline | None = None
    capture_before: datetime | None = None
    tries: int = 0
    next_try_at: datetime | None = None
    holds: tuple[Hold, ...] = field(default=())
    captures: tuple[Capture, ...] = field(default=())
    increments: tuple[Increment, ...] = field(default=())
    reversals: tuple[Reversal, ...] = field(default=())

    @property
    def captured_minor(self) -> int:
        """What was taken so far."""
        return sum([capture.amount_minor for capture in self.captures])

    @property
    def held_minor(self) -> int:
        """What is held in the books and may still be captured."""
        return sum([hold.amount_minor for hold in self.holds])

    @property
    def open_increment(self) -> Increment | None:
        """The increment whose answer is still to come; there is never more than one."""
        return self.increments[-1] if self.increments and self.increments[-1].open else None

    def question_of(self, increment: Increment) -> str:
        """The name of an increment's question to the acquirer."""
        return f"{self.id}.{increment.number}"

    @property
    def question(self) -> str | None:
        """The name of the question whose answer is still to come, or None; there is never more than one."""
        if self.status in OPEN:
            return self.id
        increment = self.open_increment
        return None if increment is None else self.question_of(increment)

    @property
    def question_due_at(self) -> datetime | None:
        """When to ask what became of the open question, or None if there is none."""
        if self.status in OPEN:
            return self.next_try_at or self.sent_at + ANSWER_PATIENCE
        increment = self.open_increment
        return None if increment is None else increment.next_try_at or increment.sent_at + ANSWER_PATIENCE

    def reversing(
        self, amount_minor: int, reason: ReversalReason, at: datetime, *, original: str | None = None
    ) -> "Attempt":
        """Tell the acquirer that an amount is not wanted: of the attempt, or of the ``original`` that is named."""
        reversal = Reversal(
            request=f"{self.id}.reversal{len(self.reversals) + 1}",
            original=original or self.id,
            amount_minor=amount_minor,
            reason=reason,
            next_try_at=at,
        )
        return evolve(self, reversals=(*self.reversals, reversal))

    @property
    def due_at(self) -> datetime | None:
        """When somebody has to look at this attempt again, or None."""
        if self.status is AttemptStatus.CAPTURED and not self.reversals:
            return None
        moments = [reversal.next_try_at for reversal in self.reversals]
        moments.append(self.question_due_at)
        if self.status is AttemptStatus.AUTHORISED and self.open_increment is None:
            moments.append(self.capture_before)
        return min((moment for moment in moments if moment is not None), default=None)


def delay(delays_s: tuple[int, ...], tries: int) -> timedelta:
    """How long to wait after so many tries; the last delay repeats."""
    return timedelta(seconds=delays_s[min(tries, len(delays_s) - 1)])
