"""The promise of `Queries`, for every adapter's tests."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from fintech.domain.api_keys import ApiKey
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, ChargeId, MerchantId
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.refund import Refund
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.contracts.histories import Story
from fintech.ports.contracts.movements import MovementQueriesContract
from fintech.ports.contracts.paging import Expected, check
from fintech.ports.contracts.payout_queries import PayoutQueriesContract
from fintech.ports.contracts.seasons import NO, Season
from fintech.ports.contracts.trading import trade
from fintech.ports.id_source import IdSource
from fintech.ports.queries import Listed, Page, Queries
from fintech.ports.store import Store

PATIENCE_S = 10.0


async def busy(
    store: Store, ids: IdSource, clock: Clock, chance: Random, advance: Callable[[timedelta], None]
) -> Season:
    """A busy merchant, and neighbours who must never be seen: another one, and its own in live mode."""
    season = await Season.begin(store, ids, clock)
    alike = season.story.merchant.id
    for neighbour in (
        await Season.begin(store, ids, clock),
        await Season.begin(store, ids, clock, livemode=True, id=alike),
    ):
        await trade(neighbour, chance, advance, steps=4)
        await neighbour.present_card()
        await neighbour.cut_key(chance.randbytes(32))
    await trade(season, chance, advance)
    return season


class QueriesContract(MovementQueriesContract, PayoutQueriesContract):
    """Subclass it and provide the fixtures ``store`` (empty), ``queries`` (which read what it commits), ``clock`` (the
    store's), ``ids`` (an `IdSource`) and ``advance`` (moves the clock by a timedelta)."""

    @pytest.fixture(params=range(3))
    def chance(self, request: pytest.FixtureRequest) -> Random:
        return Random(request.param)  # noqa: S311 - chance, not secrecy

    @pytest.fixture
    async def season(
        self,
        store: Store,
        ids: IdSource,
        clock: Clock,
        chance: Random,
        advance: Callable[[timedelta], None],
    ) -> Season:
        return await busy(store, ids, clock, chance, advance)

    async def test_payments(self, queries: Queries, season: Season, chance: Random) -> None:
        payments = season.all(Payment)
        expected: Expected = [(payment.id, payment.created_at) for payment in reversed(payments)]
        await check(chance, lambda page: queries.payments(season.story.scope, page), _id, expected)
        listed = await queries.payments(season.story.scope, Page(limit=100))
        assert list(listed.items) == payments[::-1]

    async def test_charges_are_attempts_one_by_one(
        self, queries: Queries, season: Season, chance: Random
    ) -> None:
        payments = {payment.id: payment for payment in season.all(Payment)}
        retried = await season.pay(4_000, NO)
        for _ in range(5):
            retried = await season.try_card(retried.id, NO)
        payments[retried.id] = retried
        expected: Expected = [
            (attempt.id, attempt.sent_at)
            for _, payment in sorted(payments.items(), reverse=True)
            for attempt in reversed(payment.attempts)
        ]
        scope = season.story.scope
        await check(chance, lambda page: queries.charges(scope, page), _charge_id, expected)
        one = [(id, at) for id, at in expected if ChargeId(id).payment_id == retried.id]
        await check(chance, lambda page: queries.charges(scope, page, retried.id), _charge_id, one)
        listed = await queries.charges(scope, Page(limit=100))
        assert all(payments[payment.id] == payment for payment, _ in listed.items)

    async def test_refunds_of_all_and_of_one_payment(
        self, queries: Queries, season: Season, chance: Random
    ) -> None:
        payment = await season.pay(10_000)
        for amount in (100, 200, 300, 400):
            await season.refund(payment.id, amount)
        refunds = season.all(Refund)
        expected: Expected = [(refund.id, refund.created_at) for refund in reversed(refunds)]
        scope = season.story.scope
        await check(chance, lambda page: queries.refunds(scope, page), _id, expected)
        of_one = {refund.id for refund in refunds if refund.payment == payment.id}
        one = [(id, at) for id, at in expected if id in of_one]
        await check(chance, lambda page: queries.refunds(scope, page, payment.id), _id, one)
        assert list((await queries.refunds(scope, Page(limit=100))).items) == refunds[::-1]

    async def test_payment_methods(self, queries: Queries, season: Season, chance: Random) -> None:
        for _ in range(5):
            await season.present_card()
        methods = season.all(PaymentMethod)
        expected: Expected = [(method.id, method.created_at) for method in reversed(methods)]
        scope = season.story.scope
        await check(chance, lambda page: queries.payment_methods(scope, page), _id, expected)
        assert list((await queries.payment_methods(scope, Page(limit=100))).items) == methods[::-1]

    async def test_events_in_the_order_of_commits(
        self, queries: Queries, store: Store, season: Season, chance: Random
    ) -> None:
        scope = season.story.scope
        await self._out_of_order(season)
        await _listed_up_to(queries, season)
        expected: Expected = [(id, at) for id, at, _ in reversed(season.events)]
        await check(chance, lambda page: queries.events(scope, page), _id, expected)
        for event in (await queries.events(scope, Page(limit=100))).items:
            assert event == await store.event(scope, event.id)

    async def test_events_of_some_types(self, queries: Queries, season: Season, chance: Random) -> None:
        await _listed_up_to(queries, season)
        types = (EventType.PAYMENT_CREATED, EventType.PAYMENT_PROCESSING)
        expected: Expected = [(id, at) for id, at, type in reversed(season.events) if type in types]
        scope = season.story.scope
        await check(chance, lambda page: queries.events(scope, page, types), _id, expected)
        assert (await queries.events(scope, Page(), ["nothing.ever"])).items == ()

    async def test_an_event_of_another_type_is_a_cursor_too(self, queries: Queries, season: Season) -> None:
        await _listed_up_to(queries, season)
        (created, _, _), *_, (last, _, _) = season.events
        assert last != created
        scope, types = season.story.scope, [EventType.ACCOUNT_CREATED]
        assert [event.id for event in (await queries.events(scope, Page(after=last), types)).items] == [
            created
        ]
        assert (await queries.events(scope, Page(before=last), types)).items == ()

    async def test_merchants_of_a_mode(
        self,
        queries: Queries,
        store: Store,
        ids: IdSource,
        clock: Clock,
        advance: Callable[[timedelta], None],
        chance: Random,
    ) -> None:
        stories = []
        for n in range(12):
            stories.append(await Story.begin(store, ids, clock, livemode=n % 3 == 0))
            advance(timedelta(hours=1))
        for livemode in (False, True):
            known = {
                story.merchant.id: story.merchant for story in stories if story.scope.livemode is livemode
            }
            expected: Expected = [(id, known[id].created_at) for id in sorted(known, reverse=True)]
            await check(chance, lambda page: queries.merchants(livemode, page), _id, expected)  # noqa: B023 - called within the round
            listed = await queries.merchants(livemode, Page(limit=100))
            assert list(listed.items) == [known[MerchantId(id)] for id, _ in expected]

    async def test_api_keys_oldest_first(self, queries: Queries, season: Season, chance: Random) -> None:
        await season.cut_key(chance.randbytes(32))
        await season.cut_key(chance.randbytes(32))
        assert list(await queries.api_keys(season.story.scope)) == season.all(ApiKey)

    async def test_nothing_is_an_empty_page(self, queries: Queries, ids: IdSource, clock: Clock) -> None:
        nowhere = Scope(ids.new(MerchantId), livemode=False)
        empty: Listed[Any] = Listed((), has_more=False)
        assert await queries.payments(nowhere, Page()) == empty
        assert await queries.charges(nowhere, Page()) == empty
        assert await queries.refunds(nowhere, Page()) == empty
        assert await queries.payment_methods(nowhere, Page()) == empty
        assert await queries.payouts(nowhere, Page()) == empty
        assert await queries.bank_accounts(nowhere, Page()) == empty
        assert await queries.events(nowhere, Page()) == empty
        assert await queries.movements(nowhere, Page()) == empty
        assert await queries.balance_before(nowhere, clock.now()) == 0
        assert list(await queries.payable_lines(nowhere, None, 10)) == []
        assert list(await queries.lines(nowhere, clock.now() - timedelta(days=1), clock.now(), 10)) == []
        assert list(await queries.api_keys(nowhere)) == []

    async def _out_of_order(self, season: Season) -> None:
        """What was thought of first is committed last, so that ids and commits disagree."""
        numbers = [season.story.ids.new(ChangesetId) for _ in range(4)]
        for number in reversed(numbers):
            await season.commit((season.story.method(), EventType.PAYMENT_METHOD_CREATED), id=number)


async def _listed_up_to(queries: Queries, season: Season) -> None:
    """Wait until the last event is listed: one that was committed may have to wait for another's commit."""
    last = season.events[-1][0]
    async with asyncio.timeout(PATIENCE_S):
        while True:
            newest: Sequence[Any] = (await queries.events(season.story.scope, Page(limit=1))).items
            if newest and newest[0].id == last:
                return
            await asyncio.sleep(0.01)


def _id(item: Any) -> str:
    return str(item.id)


def _charge_id(item: tuple[Payment, ChargeId]) -> str:
    return item[1]
