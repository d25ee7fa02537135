"""What becomes of payouts: refused, unknown, lost, returned; and a process that dies at any call leaves what comes about."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fintech.adapters.simulator.card_acquirer import Fault
from fintech.application.commits import LEASE, Commits
from fintech.domain.changeset import Changeset, CommitRefused, Committed, KeyInFlight
from fintech.domain.lines import line_amounts
from fintech.domain.merchants import Standing
from fintech.domain.outcome import Failure, Outcome
from fintech.domain.payouts.payout import Payout, PayoutFailure, PayoutMethod, PayoutStatus
from fintech.domain.payouts.refusals import NotReversible
from fintech.domain.scope import Scope
from fintech.ports.store import Store
from tests.cores import OpenCore
from tests.unit.application.payouts.counter import (
    ANSWER_LOST,
    CLOSED,
    KEEPS,
    ORDER_LOST,
    PAYS,
    RETURNS,
    SILENT,
    Counter,
    open_counter,
)
from tests.unit.application.shop import ACTOR, PLAIN, LineDown, value

METHODS = [PayoutMethod.STANDARD, PayoutMethod.INSTANT]


async def sent(counter: Counter, method: PayoutMethod, amount_minor: int = 5_000) -> Payout:
    """A payout that the bank was asked for."""
    payout = await counter.pay_out(amount_minor, method)
    if method is PayoutMethod.STANDARD:
        counter.advance(seconds=5)
        await counter.sweep()
    return await counter.payout(payout.id)


# -- refused


@pytest.mark.parametrize("method", METHODS)
async def test_a_rejected_payout_is_as_if_it_had_never_been(opens: OpenCore, method: PayoutMethod) -> None:
    async with open_counter(opens=opens, number=CLOSED) as counter:
        await counter.earn(6_000)
        await counter.pay(10_000)
        before = await counter.balance()
        payout = await sent(counter, method)
        assert (payout.status, payout.failure) == (PayoutStatus.FAILED, PayoutFailure.ACCOUNT_CLOSED)
        assert await counter.balance() == before
        assert (await counter.events())[-1] == "payout.failed"
        assert payout.failure_movement is not None
        back = await counter.core.queries().movement(counter.scope, payout.failure_movement)
        assert back is not None
        assert line_amounts(back.legs).net_minor == payout.total_minor
        await counter.assert_books_hold()


async def test_a_rejected_payout_gives_the_day_back_its_room(counter: Counter) -> None:
    await counter.policy(day_max_minor=1_000, day_count_max=1, cool_off_h=0)
    closed = await counter.account(CLOSED)
    await counter.pay(100_000)
    for _ in range(3):
        assert (await counter.instant(1_000, destination=closed.id)).status is PayoutStatus.FAILED
    assert (await counter.instant(1_000)).status is PayoutStatus.PAID
    await counter.assert_books_hold()


async def test_what_of_an_advance_was_repaid_meanwhile_becomes_available() -> None:
    async with open_counter(number=CLOSED) as counter:
        await counter.pay(10_000)

        async def meanwhile() -> None:
            await counter.repay(3_000)

        counter.bank.meanwhile = meanwhile
        payout = await counter.instant(5_000)
        assert (payout.status, payout.advanced_minor) == (PayoutStatus.FAILED, 5_083)
        balance = await counter.balance()
        assert (balance.get("advance", 0), balance["available"]) == (0, 3_000)


async def test_a_repayment_between_reading_and_committing_is_seen(
    opens: OpenCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decided on the advance that was read, judged on the one that is there: refused, and decided again."""
    async with open_counter(opens=opens, number=CLOSED) as counter:
        await counter.pay(10_000)
        counter.bank.script.append(Fault.ANSWER_LOST)
        payout = await counter.instant(5_000)
        store = counter.core.store()
        read, reads = store.balances, []

        async def overtaken(*arguments: Any) -> Any:
            found = await read(*arguments)
            reads.append(found)
            if len(reads) == 1:
                await counter.repay(3_000)
            return found

        monkeypatch.setattr(store, "balances", overtaken)
        counter.advance(seconds=1)
        await counter.sweep()
        assert len(reads) == 2
        assert (await counter.payout(payout.id)).status is PayoutStatus.FAILED
        balance = await counter.balance()
        assert (balance.get("advance", 0), balance["available"]) == (0, 3_000)


# -- unknown


@pytest.mark.parametrize("method", METHODS)
async def test_a_lost_answer_is_enquired_about(method: PayoutMethod) -> None:
    async with open_counter(number=ANSWER_LOST) as counter:
        await counter.earn(6_000)
        await counter.pay(10_000)
        payout = await sent(counter, method)
        assert payout.status is PayoutStatus.UNKNOWN
        counter.advance(seconds=3)
        await counter.sweep()
        assert (await counter.payout(payout.id)).status is PayoutStatus.PAID
        assert counter.bank.paid(payout.id) == 1
        await counter.assert_books_hold()


@pytest.mark.parametrize("method", METHODS)
async def test_an_order_that_never_arrived_is_sent_again(method: PayoutMethod) -> None:
    async with open_counter(number=ORDER_LOST) as counter:
        await counter.earn(6_000)
        await counter.pay(10_000)
        payout = await sent(counter, method)
        assert payout.status is PayoutStatus.UNKNOWN
        counter.advance(seconds=1)
        await counter.sweep()
        counter.advance(seconds=3)
        await counter.sweep()
        assert (await counter.payout(payout.id)).status is PayoutStatus.PAID
        assert counter.bank.paid(payout.id) == 2
        await counter.assert_books_hold()


@pytest.mark.parametrize("method", METHODS)
async def test_a_payout_that_nobody_tells_of_stays_in_transit_for_ever(method: PayoutMethod) -> None:
    async with open_counter(number=SILENT) as counter:
        await counter.earn(6_000)
        await counter.pay(10_000)
        payout = await sent(counter, method)
        await counter.sweep_until_quiet()
        after = await counter.payout(payout.id)
        assert after.status is PayoutStatus.UNKNOWN
        assert after.tries > 30
        assert await counter.net("in_transit") == 5_000
        await counter.assert_books_hold()


async def test_an_arrival_that_is_not_told_of_is_asked_about(counter: Counter) -> None:
    await counter.earn()
    payout = await sent(counter, PayoutMethod.STANDARD)
    counter.bank._memory.untold.clear()
    counter.advance(hours=1)
    await counter.sweep()
    assert (await counter.payout(payout.id)).status is PayoutStatus.IN_TRANSIT
    counter.advance(seconds=3)
    await counter.sweep()
    assert (await counter.payout(payout.id)).status is PayoutStatus.PAID


@pytest.mark.parametrize("reply", [Fault.ANSWER_LOST, Fault.QUESTION_LOST])
async def test_what_was_accepted_stays_so_when_an_enquiry_is_not_answered(
    counter: Counter, reply: Fault
) -> None:
    await counter.earn()
    payout = await sent(counter, PayoutMethod.STANDARD)
    counter.bank._memory.untold.clear()
    counter.bank.script.extend([reply] * 3)
    counter.advance(hours=2)
    for _ in range(3):
        await counter.sweep()
        assert (await counter.payout(payout.id)).status is PayoutStatus.IN_TRANSIT
        counter.advance(minutes=1)
    await counter.sweep()
    assert (await counter.payout(payout.id)).status is PayoutStatus.PAID


# -- returned after it was paid


@pytest.mark.parametrize("method", METHODS)
async def test_money_that_comes_back_is_the_merchants_again_and_the_fee_stays(
    opens: OpenCore, method: PayoutMethod
) -> None:
    async with open_counter(opens=opens, number=RETURNS) as counter:
        await counter.earn(6_000)
        await counter.pay(10_000)
        payout = await counter.arrived(await counter.pay_out(5_000, method))
        counter.advance(seconds=3)
        await counter.sweep()
        returned = await counter.payout(payout.id)
        assert (returned.status, returned.failure) == (
            PayoutStatus.FAILED,
            PayoutFailure.INCORRECT_ACCOUNT_HOLDER_NAME,
        )
        assert returned.paid_at is not None
        assert returned.failure_movement is not None
        back = await counter.core.queries().movement(counter.scope, returned.failure_movement)
        assert back is not None
        amounts = line_amounts(back.legs)
        assert (amounts.gross_minor, amounts.fee_minor, amounts.tax_minor) == (5_000, 0, 0)
        assert await counter.net("fees/instant_payout") == payout.fee.fee_minor
        assert (await counter.events())[-2:] == ["payout.paid", "payout.failed"]
        assert await counter.bank.notices(10) == ()
        await counter.assert_books_hold()


async def test_money_that_comes_back_repays_the_advance_first() -> None:
    async with open_counter(number=RETURNS) as counter:
        await counter.pay(10_000)
        payout = await counter.instant(5_000)
        own = await counter.net("own_cash")
        counter.advance(seconds=3)
        await counter.sweep()
        balance = await counter.balance()
        assert (balance["advance"], balance.get("available", 0)) == (-83, 0)
        assert await counter.net("own_cash") == own - 5_000
        used = await counter.net("quota/payout/2026-11-23/amount")
        assert used == -payout.amount_minor
        await counter.assert_books_hold()


async def test_money_that_comes_back_after_settlement_is_available() -> None:
    async with open_counter(number=RETURNS) as counter:
        await counter.pay(10_000)
        payout = await counter.instant(5_000)
        await counter.repay(payout.advanced_minor)
        counter.advance(seconds=3)
        await counter.sweep()
        balance = await counter.balance()
        assert (balance.get("advance", 0), balance["available"]) == (0, 5_000)


async def test_a_return_that_is_told_twice_is_booked_once() -> None:
    async with open_counter(number=RETURNS) as counter:
        await counter.earn()
        payout = await counter.instant(5_000)
        counter.advance(seconds=3)
        (notice,) = await counter.bank.notices(10)
        await counter.sweep()
        before = await counter.balance()
        counter.bank._memory.untold[notice.notice] = (counter.clock.now(), notice)
        await counter.sweep()
        assert (await counter.balance(), await counter.bank.notices(10)) == (before, ())
        assert (await counter.payout(payout.id)).status is PayoutStatus.FAILED


async def test_a_return_before_the_arrival_was_told_fails_it_at_once() -> None:
    async with open_counter(number=RETURNS) as counter:
        await counter.earn()
        before = await counter.balance()
        payout = await sent(counter, PayoutMethod.STANDARD)
        del counter.bank._memory.untold[f"{payout.id}.arrived"]
        counter.advance(seconds=6)
        await counter.sweep()
        assert (await counter.payout(payout.id)).status is PayoutStatus.FAILED
        assert await counter.balance() == before
        await counter.assert_books_hold()


async def test_a_notice_about_somebody_elses_payout_is_acknowledged(counter: Counter) -> None:
    await counter.earn()
    payout = await sent(counter, PayoutMethod.STANDARD)
    counter.store.memory.aggregates.pop((counter.scope, payout.id))
    counter.advance(seconds=3)
    assert await counter.sweep() == 1
    assert await counter.bank.notices(10) == ()


# -- closed books


async def test_a_payout_whose_books_were_closed_rests_as_it_is(counter: Counter) -> None:
    await counter.earn()
    payout = await sent(counter, PayoutMethod.STANDARD)
    waiting = await counter.pay_out(1_000)
    await counter.core.place_merchant()(ACTOR, counter.scope, Standing.CLOSED)
    for _ in range(3):
        counter.advance(hours=2)
        await counter.sweep()
        assert await counter.sweep() == 0
    assert (await counter.payout(payout.id)).status is PayoutStatus.IN_TRANSIT
    assert (await counter.payout(waiting.id)).status is PayoutStatus.PENDING
    assert counter.bank.paid(waiting.id) == 0


# -- interruptions


@pytest.mark.parametrize("dies", ["before", "after"])
@pytest.mark.parametrize("method", METHODS)
async def test_a_process_that_died_in_the_middle_of_the_call_leaves_a_payout_that_comes_about(
    counter: Counter, method: PayoutMethod, dies: str
) -> None:
    await counter.earn(6_000)
    await counter.pay(10_000)
    counter.bank.dies = [dies]
    with pytest.raises(LineDown):
        await sent(counter, method)
    (payout,) = await counter.payouts()
    assert payout.status is PayoutStatus.SENT
    counter.advance(seconds=44)
    assert (await counter.payout(payout.id)).status is PayoutStatus.SENT
    for _ in range(3):
        counter.advance(seconds=4)
        await counter.sweep()
    assert (await counter.payout(payout.id)).status is PayoutStatus.PAID
    assert await counter.net("in_transit") == 0
    assert len(counter.bank._memory.orders) == 1
    await counter.assert_books_hold()


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_a_process_that_died_in_the_middle_of_a_recall_leaves_a_reversal_that_comes_about(
    counter: Counter, dies: str
) -> None:
    await counter.earn()
    original = await counter.arrived(await counter.pay_out(5_000))
    counter.bank.dies = [dies]
    with pytest.raises(LineDown):
        await counter.core.reverse_payout()(PLAIN, counter.scope, original.id)
    reversal, _ = await counter.payouts()
    for _ in range(3):
        counter.advance(seconds=45)
        await counter.sweep()
    assert (await counter.payout(reversal.id)).status is PayoutStatus.PAID
    assert await counter.net("available") == 9_807
    await counter.assert_books_hold()


@pytest.mark.parametrize("reversing", [False, True])
async def test_a_repeat_of_an_abandoned_request_continues_it(counter: Counter, reversing: bool) -> None:
    await counter.earn(10_000)
    original = await counter.instant(1_000)
    request = counter.keyed("once")

    async def ask() -> Any:
        if reversing:
            return await counter.core.reverse_payout()(request, counter.scope, original.id)
        return await counter.try_pay_out(4_000, "instant", request=request)

    counter.bank.dies = ["after"]
    with pytest.raises(LineDown):
        await ask()
    assert isinstance((await ask()).failure(), KeyInFlight)
    counter.clock.advance(LEASE)
    reply = (await ask()).unwrap()
    assert (reply.replayed, reply.value.status) == (True, PayoutStatus.PAID)
    assert counter.bank.paid(reply.value.id) == 1
    await counter.assert_books_hold()


class Dead(Exception):
    """The process ends here."""


class DyingStore:
    """A store whose process dies at its n-th commit: before it lands, or after, when nobody hears of it."""

    def __init__(self, store: Store, at: int, *, landed: bool) -> None:
        self._store, self._left, self._landed = store, at, landed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, scope: Scope, changes: Changeset) -> Outcome[Committed, CommitRefused]:
        self._left -= 1
        if self._left != 0:
            return await self._store.commit(scope, changes)
        if self._landed:
            await self._store.commit(scope, changes)
        raise Dead


def dying(counter: Counter, at: int, *, landed: bool) -> Callable[[], None]:
    """Every use case commits through this from now on; call what is answered to live on."""
    commits: Commits = counter.core.commits()
    store = counter.core.store()
    object.__setattr__(commits, "store", DyingStore(store, at, landed=landed))
    return lambda: object.__setattr__(commits, "store", store)


@pytest.mark.parametrize("landed", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("method", "number"),
    [(method, number) for method in METHODS for number in (PAYS, CLOSED, RETURNS, KEEPS)],
)
async def test_a_process_that_dies_at_any_commit_pays_once_or_not_at_all(
    method: PayoutMethod, number: str, at: int, landed: bool
) -> None:
    async with open_counter(number=number) as counter:
        await counter.earn(6_000)
        await counter.pay(10_000)
        before = await counter.balance()
        revive = dying(counter, at, landed=landed)
        try:
            payout = await counter.pay_out(5_000, method)
            for _ in range(3):
                counter.advance(seconds=5)
                await counter.sweep()
            reverse = counter.core.reverse_payout()
            await reverse(PLAIN, counter.scope, payout.id)
        except Dead:
            revive()
        revive()
        for _ in range(20):
            counter.advance(seconds=50)
            await counter.sweep()
        payouts = await counter.payouts()
        assert all(payout.due_at is None for payout in payouts)
        assert len(counter.bank._memory.orders) <= len(payouts)
        if not payouts:
            assert await counter.balance() == before
        await counter.assert_books_hold()


# -- late and racing answers


async def test_a_late_answer_changes_nothing(counter: Counter) -> None:
    await counter.earn()

    async def meanwhile() -> None:
        counter.advance(seconds=45)
        await counter.sweep()

    counter.bank.meanwhile = meanwhile
    payout = await counter.instant(5_000)
    assert payout == await counter.payout(payout.id)
    assert payout.status is PayoutStatus.PAID
    await counter.assert_books_hold()


async def test_a_payout_changed_while_the_bank_is_asked_keeps_both(counter: Counter) -> None:
    await counter.earn()

    async def meanwhile() -> None:
        (asked,) = await counter.payouts()
        await counter.core.update_payout()(PLAIN, counter.scope, asked.id, metadata=(("a", "1"),))

    counter.bank.meanwhile = meanwhile
    payout = await counter.instant(5_000)
    assert (payout.status, payout.metadata) == (PayoutStatus.PAID, (("a", "1"),))


async def test_two_sweepers_send_once(opens: OpenCore) -> None:
    async with open_counter(opens=opens) as counter:
        await counter.earn()
        payout = await counter.pay_out(1_000)
        counter.advance(seconds=5)
        resolve = counter.core.resolve_payout()
        await asyncio.gather(*(resolve(counter.scope, payout.id, ACTOR) for _ in range(5)))
        assert counter.bank.paid(payout.id) == 1
        assert value(await counter.core.update_payout()(PLAIN, counter.scope, payout.id)).status is (
            PayoutStatus.IN_TRANSIT
        )


async def test_a_reversal_that_nobody_knows_about_is_the_only_one(counter: Counter) -> None:
    await counter.earn()
    original = await counter.arrived(await counter.pay_out(1_000))
    counter.bank.script.append(Fault.ANSWER_LOST)
    reverse = counter.core.reverse_payout()
    reversal = value(await reverse(PLAIN, counter.scope, original.id))
    assert reversal.status is PayoutStatus.UNKNOWN
    assert await reverse(PLAIN, counter.scope, original.id) == Failure(NotReversible(reversal.id))
    counter.advance(seconds=3)
    await counter.sweep()
    assert (await counter.payout(reversal.id)).status is PayoutStatus.PAID
