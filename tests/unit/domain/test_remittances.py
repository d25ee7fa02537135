"""What payouts pay for adds up to the cent, whatever comes late."""

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from fintech.adapters.memory.id_source import CountingIdSource
from fintech.domain.balance_settings import NOTHING_REMITTED, Remitted
from fintech.domain.ids import ChangesetId, MovementId, PayoutId
from fintech.domain.outcome import Failure, Success
from fintech.domain.remittances import (
    LATENESS_MAX,
    PAGE_LINES_MAX,
    PAGES_MAX,
    RECENT_MAX,
    Attributed,
    LinesMissing,
    PayableLine,
    PayoutsTooFrequent,
    Remittance,
    RemittedLine,
    TooManyLines,
    remit,
)
from tests.unit.domain.desk import NOON

SECOND = timedelta(seconds=1)


class Book:
    """A merchant's lines, of which some are committed later than others that were made after them."""

    def __init__(self) -> None:
        self.ids = CountingIdSource()
        self.now = NOON
        self.lines: dict[MovementId, PayableLine] = {}
        self.remitted: Remitted = NOTHING_REMITTED
        self.pages: dict[str, Remittance] = {}
        self.paid: dict[MovementId, int] = defaultdict(int)
        self.taken_minor = 0

    @property
    def balance_minor(self) -> int:
        return sum(line.net_minor for line in self.lines.values()) - self.taken_minor

    def made(self, net_minor: int, at: datetime | None = None) -> PayableLine:
        """A line that nobody has committed yet."""
        return PayableLine(MovementId.of(self.ids.new(ChangesetId), 0), net_minor, at or self.now)

    def line(self, net_minor: int) -> PayableLine:
        return self.commit(self.made(net_minor))

    def commit(self, line: PayableLine) -> PayableLine:
        self.lines[line.movement] = line
        return line

    def try_payout(self, total_minor: int) -> Any:
        closed = self.remitted.closed
        return remit(
            [line for id, line in sorted(self.lines.items()) if closed is None or id > closed],
            self.remitted,
            [self.pages[id] for id in self.remitted.recent],
            payout=self.ids.new(PayoutId),
            total_minor=total_minor,
            at=self.now,
            changeset=self.ids.new(ChangesetId),
        )

    def payout(self, total_minor: int) -> tuple[RemittedLine, ...]:
        outcome = self.try_payout(total_minor)
        assert isinstance(outcome, Success), outcome
        made: Attributed = outcome.unwrap()
        self.remitted = made.remitted
        self.taken_minor += total_minor
        self.pages |= {page.id: page for page in made.pages}
        lines = tuple(line for page in made.pages for line in page.lines)
        for line in lines:
            self.paid[line.movement] += line.minor
        assert sum(page.total_minor for page in made.pages) == total_minor
        return lines


@pytest.fixture
def book() -> Book:
    return Book()


def test_the_oldest_lines_are_paid_first_and_the_last_is_split(book: Book) -> None:
    first, second, third = book.line(600), book.line(500), book.line(900)
    assert book.payout(800) == (RemittedLine(first.movement, 600), RemittedLine(second.movement, 200))
    assert (book.remitted.split, book.remitted.left_minor) == (second.movement, 300)
    assert book.payout(1_200) == (RemittedLine(second.movement, 300), RemittedLine(third.movement, 900))
    assert (book.remitted.split, book.remitted.left_minor) == (None, 0)


def test_a_line_may_be_split_again_and_again(book: Book) -> None:
    line = book.line(1_000)
    for left in (700, 400, 100):
        assert book.payout(300) == (RemittedLine(line.movement, 300),)
        assert (book.remitted.split, book.remitted.left_minor) == (line.movement, left)


def test_what_was_taken_off_counts_whole(book: Book) -> None:
    sale, refund, more = book.line(600), book.line(-800), book.line(1_000)
    assert book.payout(700) == (
        RemittedLine(sale.movement, 600),
        RemittedLine(refund.movement, -800),
        RemittedLine(more.movement, 900),
    )


def test_what_was_taken_off_after_the_last_line_counts_too(book: Book) -> None:
    sale, refund = book.line(600), book.line(-100)
    assert book.payout(500) == (RemittedLine(refund.movement, -100), RemittedLine(sale.movement, 600))
    assert book.remitted.split is None


def test_it_counts_where_the_next_lines_make_up_for_it(book: Book) -> None:
    first, refund, second, third = book.line(600), book.line(-100), book.line(50), book.line(80)
    assert book.payout(600) == (
        RemittedLine(first.movement, 600),
        RemittedLine(refund.movement, -100),
        RemittedLine(second.movement, 50),
        RemittedLine(third.movement, 50),
    )
    assert book.payout(30) == (RemittedLine(third.movement, 30),)


def test_it_does_not_count_where_nothing_makes_up_for_it_yet(book: Book) -> None:
    sale, refund = book.line(600), book.line(-100)
    assert book.payout(600) == (RemittedLine(sale.movement, 600),)
    late = book.line(100)
    more = book.line(7)
    assert book.payout(7) == (
        RemittedLine(refund.movement, -100),
        RemittedLine(late.movement, 100),
        RemittedLine(more.movement, 7),
    )


def test_a_line_of_nothing_is_explained_too(book: Book) -> None:
    nothing, sale = book.line(0), book.line(100)
    assert book.payout(100) == (RemittedLine(nothing.movement, 0), RemittedLine(sale.movement, 100))


def test_a_line_that_was_committed_late_is_paid_by_the_next_payout(book: Book) -> None:
    late = book.made(400)
    sale = book.line(1_000)
    book.payout(700)
    book.commit(late)
    assert book.payout(600) == (RemittedLine(sale.movement, 300), RemittedLine(late.movement, 300))
    assert book.payout(100) == (RemittedLine(late.movement, 100),)
    assert book.balance_minor == 0


def test_a_line_may_come_as_late_as_lateness_allows_whatever_is_paid_meanwhile(book: Book) -> None:
    late = book.made(70)
    book.line(1_000)
    for _ in range(9):
        book.payout(100)
        book.now += LATENESS_MAX / 10
    book.commit(late)
    assert book.payout(170)[-1] == RemittedLine(late.movement, 70)


def test_what_is_older_than_lateness_allows_is_not_looked_at_again(book: Book) -> None:
    for _ in range(20):
        book.line(100)
        book.payout(100)
        book.now += LATENESS_MAX + SECOND
    assert len(book.remitted.recent) <= 2
    assert book.remitted.closed == sorted(book.lines)[-2]


def test_a_line_that_was_not_reached_is_not_closed_however_old_it_is(book: Book) -> None:
    first, second = book.line(100), book.line(100)
    book.now += 100 * LATENESS_MAX
    book.payout(100)
    assert book.remitted == Remitted(closed=first.movement)
    assert book.payout(100) == (RemittedLine(second.movement, 100),)


def test_a_late_line_that_was_not_reached_holds_the_closing_up(book: Book) -> None:
    early, later = book.made(100), book.made(100)
    book.line(300)
    book.payout(200)
    for line in (early, later):
        book.commit(line)
    book.now += 2 * LATENESS_MAX
    assert book.payout(150)[-1] == RemittedLine(early.movement, 50)
    assert book.remitted.closed == early.movement
    assert book.payout(150) == (RemittedLine(early.movement, 50), RemittedLine(later.movement, 100))


def test_lines_that_fall_short_are_said_to(book: Book) -> None:
    book.line(100)
    assert book.try_payout(101) == Failure(LinesMissing(1))


def test_a_payout_takes_something(book: Book) -> None:
    with pytest.raises(ValueError, match="takes something"):
        book.try_payout(0)


def test_many_lines_are_pages_that_are_parts_of_the_changeset(book: Book) -> None:
    for _ in range(PAGE_LINES_MAX + 1):
        book.line(1)
    made = book.try_payout(PAGE_LINES_MAX + 1).unwrap()
    assert [len(page.lines) for page in made.pages] == [PAGE_LINES_MAX, 1]
    first, second = (page.id for page in made.pages)
    assert (first[-2:], second[-2:]) == ("00", "01")
    assert first[:-2] == second[:-2]
    assert made.remitted.recent == (first, second)


def test_a_payout_pays_for_a_bounded_number_of_lines(book: Book) -> None:
    most = PAGES_MAX * PAGE_LINES_MAX
    book.line(1_000)
    for _ in range(most - 2):
        book.line(1)
    book.line(-500)
    book.line(10)
    assert isinstance(book.try_payout(most - 502 + 1_000), Success)
    refused = book.try_payout(1_000 + most - 1)
    assert refused == Failure(TooManyLines(1_000 + most - 2))
    assert isinstance(book.try_payout(1_000 + most - 2), Success)


def test_payouts_are_not_so_frequent_that_late_lines_could_not_be_told_any_more(book: Book) -> None:
    book.line(10_000)
    for _ in range(RECENT_MAX):
        book.payout(1)
    assert book.try_payout(1) == Failure(PayoutsTooFrequent(RECENT_MAX))
    book.now += LATENESS_MAX + SECOND
    book.payout(1)
    assert len(book.remitted.recent) <= 1


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("line"), st.integers(-400, 1_000)),
        st.tuples(st.just("late"), st.integers(-400, 1_000)),
        st.tuples(st.just("wait"), st.integers(1, 700)),
        st.tuples(st.just("payout"), st.integers(1, 100)),
        st.tuples(st.just("payout"), st.just(100)),
    ),
    max_size=60,
)


@given(STEPS)
def test_the_books_are_paid_out_to_the_cent_and_lines_never_fall_short(
    steps: list[tuple[str, int]],
) -> None:
    book = Book()
    pending: list[PayableLine] = []

    def commit_those_of(latest: datetime) -> None:
        for line in [each for each in pending if each.at <= latest]:
            pending.remove(line)
            book.commit(line)

    for step, size in steps:
        match step:
            case "line":
                book.line(size)
            case "late":
                pending.append(book.made(size))
            case "wait":
                commit_those_of(book.now + size * SECOND - LATENESS_MAX)
                book.now += size * SECOND
            case _:
                total = book.balance_minor * size // 100
                if total > 0:
                    book.payout(total)
        checked(book)
    commit_those_of(book.now)
    if book.balance_minor > 0:
        book.payout(book.balance_minor)
        checked(book)


def checked(book: Book) -> None:
    """What is not paid for yet is the balance, and no line is paid for but by its own money."""
    for movement, paid in book.paid.items():
        net = book.lines[movement].net_minor
        assert 0 <= paid <= net or paid == net < 0
    unpaid = sum(line.net_minor - book.paid.get(line.movement, 0) for line in book.lines.values())
    assert unpaid == book.balance_minor
    closed = book.remitted.closed
    for movement, line in book.lines.items():
        if closed is not None and movement <= closed and movement != book.remitted.split:
            assert book.paid.get(movement) == line.net_minor


@given(st.lists(st.integers(-100, 500), min_size=1, max_size=30), st.data())
def test_lines_are_paid_in_their_order(nets: list[int], data: st.DataObject) -> None:
    book = Book()
    for net in nets:
        book.line(net)
    if book.balance_minor <= 0:
        return
    lines = book.payout(data.draw(st.integers(1, book.balance_minor)))
    order = sorted(line.movement for line in lines)
    assert order == sorted(book.lines)[: len(order)]
    came = [line.movement for line in lines if line.minor > 0]
    assert all(first < second for first, second in pairwise(came))
    assert evolve(book.remitted, closed=None).recent
