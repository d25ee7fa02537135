"""Remittances: what a payout pays for, line by line, to the cent.

What a payout takes from the balance is attributed to the merchant's lines (all but payouts themselves) that no payout
has paid for yet, the oldest first. A line of less than nothing counts whole; the last line is split if need be, and the
next payout goes on with its rest. So all that was paid for is all that payouts took, and what is not paid for yet is
the balance.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from attrs import field, frozen

from fintech.domain.balance_settings import Remitted
from fintech.domain.ids import ChangesetId, MovementId, PayoutId, RemittanceId
from fintech.domain.outcome import Failure, Outcome, Success

#: How many lines a page has, and how many pages a payout.
PAGE_LINES_MAX: Final = 5_000
PAGES_MAX: Final = 12
#: How long after its id was made a line may be committed, and by how much the clocks of two machines may differ.
LATENESS_MAX: Final = timedelta(minutes=10)
#: How many remittances may stay open for late lines, each of which is read for the next payout.
RECENT_MAX: Final = 128


@frozen
class RemittedLine:
    """A line of the balance and how much of it a payout pays (minor units; negative for what was taken off)."""

    movement: MovementId
    minor: int


@frozen(kw_only=True, slots=False)
class Remittance:
    """A page of a payout's lines, in the order in which they were paid for.

    All its pages add up to what the payout took from the balance.
    """

    id: RemittanceId
    version: int
    payout: PayoutId
    created_at: datetime
    lines: tuple[RemittedLine, ...] = field(default=())

    @property
    def total_minor(self) -> int:
        """What its lines add up to."""
        return sum([line.minor for line in self.lines])


@frozen
class PayableLine:
    """A line of the balance as payouts look at it: what it did to the balance, and when that was decided."""

    movement: MovementId
    net_minor: int
    at: datetime


@frozen(kw_only=True)
class Attributed:
    """What a payout pays for, and where the next one goes on."""

    pages: tuple[Remittance, ...]
    remitted: Remitted


@frozen
class LinesMissing:
    """All lines that are not paid for yet fall short of what the payout takes.

    By the balance's arithmetic this cannot be: either the balance was read before a line was, or the books are wrong.
    """

    short_minor: int


@frozen
class TooManyLines:
    """The payout would pay for more lines than one may; ``most_minor`` is the largest total that it can take."""

    most_minor: int


@frozen
class PayoutsTooFrequent:
    """More remittances than `RECENT_MAX` within `LATENESS_MAX`: wait, or pay out more at once."""

    most: int


RemittanceRefusal: TypeAlias = LinesMissing | TooManyLines | PayoutsTooFrequent


@frozen
class _Split:
    """The line that is paid for in part, and what is left of it."""

    movement: MovementId
    paid_minor: int
    rest_minor: int


@frozen
class _Reached:
    """How far an attribution had come when it added up."""

    lines: int
    split: _Split | None
    closed: MovementId | None


class Attributing:
    """Attributes a payout's total to lines, which are handed in oldest first, from `Remitted.closed` on.

    ``recent`` are the pages that `Remitted.recent` names. Lines that they have are paid for; others may be late ones.
    Where the total is reached and what follows next was taken off, that counts as well, as long as it still adds up: so
    a refund before the payout of all that there is is told with it.
    """

    def __init__(
        self, remitted: Remitted, recent: Sequence[Remittance], *, total_minor: int, at: datetime
    ) -> None:
        if total_minor <= 0:
            message = "a payout takes something from the balance"
            raise ValueError(message)
        self._at = at
        self._recent = recent
        self._paid = {line.movement for page in recent for line in page.lines}
        self._total = self._left = total_minor
        self._most = 0
        self._closed = remitted.closed
        self._split: _Split | None = None
        self._lines: list[RemittedLine] = []
        self._reached: _Reached | None = None
        if remitted.split is not None:
            self._pay(remitted.split, remitted.left_minor)

    def take(self, lines: Iterable[PayableLine]) -> bool:
        """Pay for lines as far as the total reaches. Whether there may be something to do with those that follow."""
        horizon = self._at - LATENESS_MAX
        for line in lines:
            if line.movement not in self._paid:
                if (self._left == 0 and line.net_minor > 0) or self._too_many:
                    return False
                self._pay(line.movement, line.net_minor)
            if line.at < horizon:
                self._closed = line.movement
            self._see_what_is_reached()
        return True

    def attributed(self, payout: PayoutId, changeset: ChangesetId) -> Outcome[Attributed, RemittanceRefusal]:
        """What came of it. The pages are parts of the changeset that makes the payout."""
        self._see_what_is_reached()
        reached = self._reached
        if reached is None:
            return Failure(TooManyLines(self._most) if self._too_many else LinesMissing(self._left))
        lines, split = self._lines[: reached.lines], reached.split
        if split is not None:
            lines.append(RemittedLine(split.movement, split.paid_minor))
        pages = tuple(
            Remittance(
                id=RemittanceId.of(changeset, place),
                version=0,
                payout=payout,
                created_at=self._at,
                lines=tuple(lines[first : first + PAGE_LINES_MAX]),
            )
            for place, first in enumerate(range(0, len(lines), PAGE_LINES_MAX))
        )
        recent = tuple(page.id for page in (*self._recent, *pages) if _open(page, reached.closed))
        if len(recent) > RECENT_MAX:
            return Failure(PayoutsTooFrequent(RECENT_MAX))
        remitted = Remitted(
            closed=reached.closed,
            split=split.movement if split else None,
            left_minor=split.rest_minor if split else 0,
            recent=recent,
        )
        return Success(Attributed(pages=pages, remitted=remitted))

    def _pay(self, movement: MovementId, net_minor: int) -> None:
        if net_minor > self._left:
            self._split = _Split(movement, self._left, net_minor - self._left)
            self._left = 0
        else:
            self._lines.append(RemittedLine(movement, net_minor))
            self._left -= net_minor
            self._draw_on_split()
        if not self._too_many:
            self._most = max(self._most, self._total - self._left)

    def _draw_on_split(self) -> None:
        """What was taken off comes out of what is left of the split line first."""
        split = self._split
        if split is None:
            return
        more = min(split.rest_minor, self._left)
        self._left -= more
        self._split = _Split(split.movement, split.paid_minor + more, split.rest_minor - more)
        if more == split.rest_minor:
            self._lines.append(RemittedLine(split.movement, self._split.paid_minor))
            self._split = None

    def _see_what_is_reached(self) -> None:
        if self._left == 0 and not self._too_many:
            self._reached = _Reached(len(self._lines), self._split, self._closed)

    @property
    def _too_many(self) -> bool:
        return len(self._lines) + (self._split is not None) > PAGES_MAX * PAGE_LINES_MAX


def _open(page: Remittance, closed: MovementId | None) -> bool:
    """Whether a line beside the page's may still be committed late."""
    return closed is None or any(line.movement > closed for line in page.lines)


def remit(
    lines: Iterable[PayableLine],
    remitted: Remitted,
    recent: Sequence[Remittance] = (),
    *,
    payout: PayoutId,
    total_minor: int,
    at: datetime,
    changeset: ChangesetId,
) -> Outcome[Attributed, RemittanceRefusal]:
    """What a payout that takes ``total_minor`` from the balance pays for, of all lines after `Remitted.closed`."""
    attributing = Attributing(remitted, recent, total_minor=total_minor, at=at)
    attributing.take(lines)
    return attributing.attributed(payout, changeset)
