"""A merchant's whole life by chance, on one core or on several side by side, which must not be told apart.

Subclass `MoneyMachine` with other ``cores`` to run it elsewhere: the first one is told everything that the others are
told, on the same clock, and after every step they must have answered the same and store the same.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, TypeVar
from unittest.mock import patch

from attrs import frozen
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.simulator.card_acquirer import Fault
from fintech.application import sweep as sweeping
from fintech.application.commits import LEASE, Reply
from fintech.domain.changeset import KeyInFlight
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.disputes.responses import NotAccepted
from fintech.domain.merchants import Standing
from fintech.domain.outcome import Failure, Success
from fintech.domain.payments.payment import Payment
from fintech.domain.payouts.payout import Payout
from fintech.domain.write_offs import WriteOff
from fintech.entrypoints.profiles import testing
from tests.properties import deeds
from tests.properties.acquirers import DEATHS, StoryAcquirer
from tests.properties.banks import StoryBank
from tests.properties.chances import AMOUNTS, CARDS, HOW, PAUSES, PAYMENTS_MAX, PERCENTS, WHICH, WHO, How
from tests.properties.deeds import Deed, Fits
from tests.properties.truths import come_to_rest, true_at_rest, true_now
from tests.properties.views import view
from tests.properties.world import DIED, TERMS, OpenCore, World, new_scopes

T = TypeVar("T")

#: The same stories in every run, in about twenty seconds on memory. Shrinking one that fails takes minutes: run it
#: under `THOROUGH` for that.
QUICK: Final = settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=80,
    stateful_step_count=35,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
#: New stories in every run, and longer ones.
THOROUGH: Final = settings(
    QUICK, max_examples=3_000, stateful_step_count=70, derandomize=False, phases=list(Phase)
)
#: A few, for cores that cost seconds.
BRIEF: Final = settings(QUICK, max_examples=8)


@frozen
class Asked:
    """A request under a key: it may come again at any time."""

    key: str
    deed: Deed
    answer: Any
    lease_until: datetime


class MoneyMachine(RuleBasedStateMachine):
    """Rules are what merchants, cardholders, banks, lines and clocks do."""

    cores: ClassVar[tuple[OpenCore, ...]] = (testing,)

    @initialize()
    def open(self) -> None:
        """Each merchant has been paid once, and has been promised a payment."""
        self.runner = asyncio.Runner()
        # The runner's own `run` is ready for ctrl-C each time, and this runs a hundred times a story.
        self.run = self.runner.get_loop().run_until_complete
        self.closing = AsyncExitStack()
        self.clock = ManualClock()
        self.asked: list[Asked] = []
        self.keys = 0
        self.sound = True
        self.payments: list[tuple[int, int, Payment]] = []
        self.payouts: list[tuple[int, int, Payout]] = []
        self.disputes: list[tuple[int, int, Dispute]] = []
        self.write_offs: list[tuple[int, int, WriteOff]] = []
        self.worlds = self.run(self._open_worlds())
        for who in range(len(TERMS)):
            for manual in (False, True):
                deed = deeds.create(who, 10_000, "pm_card_visa", manual=manual, confirm=True)
                self._do(deed, How(keyed=True, line=None))

    async def _open_worlds(self) -> list[World]:
        worlds, scopes = [], new_scopes()
        for open_core in self.cores:
            acquirer, bank = StoryAcquirer(), StoryBank(self.clock)
            opened = open_core(acquirer=acquirer, bank=bank, clock=self.clock)
            core = await self.closing.enter_async_context(opened)
            worlds.append(World(core, acquirer, bank, self.clock, scopes))
            await worlds[-1].begin()
        return worlds

    def teardown(self) -> None:
        """Everything comes to rest, and the sums are right."""
        if not hasattr(self, "worlds"):
            return
        try:
            if self.sound:
                with self._one_at_a_time():
                    self.run(come_to_rest(self.worlds))
                for world in self.worlds:
                    self.run(true_now(world))
                    self.run(true_at_rest(world))
        finally:
            self.run(self.closing.aclose())
            self.runner.close()

    # -- what merchants do

    @precondition(lambda self: len(self.payments) < PAYMENTS_MAX)
    @rule(
        who=WHO,
        amount=AMOUNTS,
        card=st.sampled_from(CARDS),
        manual=st.booleans(),
        confirm=st.sampled_from([True, True, True, False]),
        how=HOW,
    )
    def create(self, who: int, amount: int, card: str, manual: bool, confirm: bool, how: How) -> None:
        self._do(deeds.create(who, amount, card, manual=manual, confirm=confirm), how)

    @precondition(lambda self: self.fitting(deeds.fits_confirm))
    @rule(which=WHICH, card=st.sampled_from(CARDS), how=HOW)
    def confirm(self, which: int, card: str, how: How) -> None:
        self._do(deeds.confirm(*self.chosen(deeds.fits_confirm, which), card), how)

    @precondition(lambda self: self.fitting(deeds.fits_capture))
    @rule(which=WHICH, percent=PERCENTS, how=HOW)
    def capture(self, which: int, percent: int | None, how: How) -> None:
        self._do(deeds.capture(*self.chosen(deeds.fits_capture, which), percent, final=True), how)

    @precondition(lambda self: self.fitting(deeds.fits_capture))
    @rule(which=WHICH, percent=st.integers(1, 70), how=HOW)
    def capture_a_part(self, which: int, percent: int, how: How) -> None:
        self._do(deeds.capture(*self.chosen(deeds.fits_capture, which), percent, final=False), how)

    @precondition(lambda self: self.fitting(deeds.fits_increment))
    @rule(which=WHICH, more=st.integers(-1, 3_000), how=HOW)
    def increment(self, which: int, more: int, how: How) -> None:
        self._do(deeds.increment(*self.chosen(deeds.fits_increment, which), more), how)

    @precondition(lambda self: self.fitting(deeds.fits_capture))
    @rule(which=WHICH, how=HOW)
    def cancel(self, which: int, how: How) -> None:
        self._do(deeds.cancel(*self.chosen(deeds.fits_capture, which)), how)

    @precondition(lambda self: self.fitting(deeds.fits_refund))
    @rule(which=WHICH, percent=PERCENTS, how=HOW)
    def refund(self, which: int, percent: int | None, how: How) -> None:
        self._do(deeds.refund(*self.chosen(deeds.fits_refund, which), percent), how)

    @precondition(lambda self: self.fitting(deeds.fits_refund))
    @rule(which=WHICH, percent=st.integers(1, 70), how=HOW)
    def refund_a_part(self, which: int, percent: int, how: How) -> None:
        self._do(deeds.refund(*self.chosen(deeds.fits_refund, which), percent), how)

    @precondition(lambda self: len(self.worlds) == 1 and self.fitting(deeds.fits_any))
    @rule(which=WHICH, others=st.lists(st.integers(0, 4), min_size=2, max_size=6), percent=PERCENTS)
    def all_at_once(self, which: int, others: list[int], percent: int | None) -> None:
        """On one core only: who wins a race is for nobody to say."""
        payment = self.chosen(deeds.fits_any, which)
        rush = (
            deeds.refund(*payment, percent),
            deeds.capture(*payment, percent, final=False),
            deeds.cancel(*payment),
            deeds.increment(*payment, 500),
            deeds.settle(payment[0], 0),
        )
        with patch("random.uniform", lambda low, _high: low):  # no jitter: the same race in every run
            self._everywhere(deeds.together([rush[other] for other in others]), None)

    @precondition(lambda self: self.fitting(deeds.fits_any))
    @rule(which=WHICH, verb=st.integers(0, 5), amount=AMOUNTS, how=HOW)
    def do_what_may_not_fit(self, which: int, verb: int, amount: int, how: How) -> None:
        payment = self.chosen(deeds.fits_any, which)
        deed = (
            deeds.update(*payment, amount),
            deeds.confirm(*payment, "pm_card_visa"),
            deeds.capture(*payment, 50, final=True),
            deeds.increment(*payment, amount),
            deeds.cancel(*payment),
            deeds.refund(*payment, 50),
        )[verb]
        self._do(deed, how)

    @precondition(lambda self: self.asked)
    @rule(which=st.integers(0, 99))
    def ask_again(self, which: int) -> None:
        self._ask_again(self.asked[which % len(self.asked)])

    @precondition(lambda self: any(asked.answer == DIED for asked in self.asked))
    @rule(which=st.integers(0, 9))
    def come_back_for_an_abandoned_request(self, which: int) -> None:
        abandoned = [asked for asked in self.asked if asked.answer == DIED]
        self.clock.advance(LEASE)
        self._ask_again(abandoned[which % len(abandoned)])

    def _ask_again(self, asked: Asked) -> None:
        """A repeat is answered as the first time; an abandoned one is in flight, and continued when its lease is over."""
        again = self._everywhere(asked.deed, asked.key)
        if asked.answer != DIED:
            assert again == Success(Reply(asked.answer, replayed=True))
        elif self.clock.now() < asked.lease_until:
            assert isinstance(again.failure(), KeyInFlight)
        else:
            assert again == DIED or again.unwrap().replayed

    # -- what everybody else does

    @rule(pause=PAUSES, swept=st.sampled_from([True, True, True, False]))
    def let_time_pass(self, pause: timedelta, swept: bool) -> None:
        self.clock.advance(pause)
        if swept:
            with self._one_at_a_time():
                self._everywhere(deeds.sweep(), None)

    @precondition(lambda self: self.fitting(deeds.fits_refund))
    @rule(who=WHO, days_ago=st.integers(0, 2))
    def settle(self, who: int, days_ago: int) -> None:
        self._everywhere(deeds.settle(who, days_ago), None)

    @precondition(lambda self: self.fitting(deeds.fits_any))
    @rule(
        who=WHO,
        standing=st.sampled_from([Standing.ACTIVE, Standing.ACTIVE, Standing.ACTIVE, Standing.SUSPENDED]),
    )
    def place(self, who: int, standing: Standing) -> None:
        self._everywhere(deeds.place(who, standing), None)

    @precondition(lambda self: self.payments)
    @rule(faults=st.lists(st.none() | st.sampled_from(Fault), max_size=5))
    def spoil_the_line(self, faults: list[Fault | None]) -> None:
        for world in self.worlds:
            world.acquirer.script.clear()
            world.acquirer.script.extend(faults)

    # -- what stays true

    @invariant()
    def money_is_where_it_should_be(self) -> None:
        with self._unless_it_fails():
            for world in self.worlds:
                self.run(true_now(world))

    @precondition(lambda self: len(self.worlds) > 1)
    @invariant()
    def all_cores_store_the_same(self) -> None:
        with self._unless_it_fails():
            first, *others = [view(self.run(world.everything())) for world in self.worlds]
            assert all(other == first for other in others)

    # -- how

    def fitting(self, fits: Fits) -> list[tuple[int, int]]:
        """The payments that a verb fits, each by its merchant and its number."""
        return [(who, number) for who, number, payment in self.payments if fits(payment)]

    def chosen(self, fits: Fits, which: int) -> tuple[int, int]:
        """One of them."""
        fitting = self.fitting(fits)
        return fitting[which % len(fitting)]

    def _do(self, deed: Deed, how: How, *, bank: bool = False) -> None:
        """Do it everywhere; what happens to the line is the acquirer's, or the bank's."""
        key = None
        if how.keyed:
            self.keys += 1
            key = f"key {self.keys}"
        for world in self.worlds:
            other = world.bank if bank else world.acquirer
            other.dies[:] = [how.line] if how.line in DEATHS else []
            if isinstance(how.line, Fault):
                other.script.appendleft(how.line)
        outcome = self._everywhere(deed, key)
        if key is not None and (outcome == DIED or isinstance(outcome, Success)):
            answer = outcome if outcome == DIED else outcome.unwrap().value
            self.asked.append(Asked(key, deed, answer, self.clock.now() + LEASE))
            if how.twice:
                self._ask_again(self.asked[-1])

    def _everywhere(self, deed: Deed, key: str | None) -> Any:
        """Do it in every world; they answer the same, and a refusal leaves everything as it was."""
        with self._unless_it_fails():
            outcomes = [self.run(_watched(world, deed, key)) for world in self.worlds]
            if len(outcomes) > 1:
                first, *others = [view(outcome) for outcome in outcomes]
                assert all(other == first for other in others)
            self.run(self._look())
        return outcomes[0]

    async def _look(self) -> None:
        world = self.worlds[0]
        self.payments = await _numbered(world, world.payments)
        self.payouts = await _numbered(world, world.payouts)
        self.disputes = await _numbered(world, world.disputes)
        self.write_offs = await _numbered(world, world.write_offs)

    @contextmanager
    def _unless_it_fails(self) -> Iterator[None]:
        """A story that has gone wrong is not told to its end."""
        self.sound = False
        yield
        self.sound = True

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Side by side, sweeps work on one thing after the other, so that ids and faults meet the same things."""
        at_once = 1 if len(self.worlds) > 1 else sweeping.AT_ONCE_MAX
        with patch.object(sweeping, "AT_ONCE_MAX", at_once):
            yield


async def _numbered(world: World, listed: Callable[[int], Awaitable[list[T]]]) -> list[tuple[int, int, T]]:
    return [
        (who, number, thing)
        for who in range(len(world.scopes))
        for number, thing in enumerate(await listed(who))
    ]


async def _watched(world: World, deed: Deed, key: str | None) -> Any:
    before = await world.everything()
    outcome = await world.perform(deed, key)
    # What the acquirer turns down was tried, and that is stored.
    if isinstance(outcome, Failure) and not isinstance(outcome.failure(), NotAccepted):
        after = await world.everything()
        for was, now in zip(before, after, strict=True):
            assert now[:-1] == was[:-1]
            assert [claim for claim in now[-1] if claim] == [claim for claim in was[-1] if claim]
    return outcome
