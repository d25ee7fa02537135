"""The promise of `Queries`, for every adapter's tests."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

import pytest

from fintech.domain.api_keys import ApiKey
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, ChargeId, MerchantId, MovementId
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.refund import Refund
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.contracts.histories import Story
from fintech.ports.contracts.seasons import NO, Season
from fintech.ports.contracts.trading import trade
from fintech.ports.id_source import IdSource
from fintech.ports.queries import Listed, Page, Queries
from fintech.ports.store import Store

T = TypeVar("T")
#: A list's ids with the moments that it can be filtered by, newest first.
Expected = list[tuple[str, datetime]]
List = Callable[[Page], Awaitable[Listed[T]]]

PATIENCE_S = 10.0


def page_of(expected: Expected, page: Page) -> tuple[list[str], bool]:
    """What a page shows of a list, by counting places in it."""
    ids = [id for id, _ in expected]
    first = 0 if page.after is None else ids.index(page.after) + 1
    last = len(ids) if page.before is None else ids.index(page.before)
    shown = [
        id
        for id, at in expected[first:last]
        if (page.created_from is None or at >= page.created_from)
        and (page.created_until is None or at < page.created_until)
    ]
    nearest = shown[: page.limit] if page.before is None else shown[-page.limit :]
    return nearest, len(shown) > page.limit


def chance_page(chance: Random, expected: Expected) -> Page:
    """Any page of a list."""
    places = sorted(chance.choices(range(len(expected)), k=2))
    moments = sorted(at for _, at in chance.choices(expected, k=2))
    return Page(
        limit=chance.choice((1, 2, 3, 10, 100)),
        after=expected[places[0]][0] if chance.random() < 0.4 else None,
        before=expected[places[1]][0] if chance.random() < 0.4 else None,
        created_from=moments[0] if chance.random() < 0.3 else None,
        created_until=moments[1] if chance.random() < 0.3 else None,
    )


async def walked(
    wanted: List[T], id_of: Callable[[T], str], limit: int, start: str | None = None
) -> list[str]:
    """The ids of a whole list, page by page: from the newest to the oldest, or from ``start`` to the newest."""
    found: list[str] = []
    cursor, more = start, True
    while more:
        page = Page(limit=limit, after=cursor) if start is None else Page(limit=limit, before=cursor)
        listed = await wanted(page)
        ids = [id_of(item) for item in listed.items]
        assert len(ids) <= limit
        assert ids, "a page that was promised is empty"
        assert not set(found).intersection(ids), "an item is listed twice"
        found = [*found, *ids] if start is None else [*ids, *found]
        cursor, more = (ids[-1] if start is None else ids[0]), listed.has_more
    return found


async def check(chance: Random, wanted: List[T], id_of: Callable[[T], str], expected: Expected) -> None:
    """A list is what it should be: whole, in pages of any size both ways, and on any page."""
    ids = [id for id, _ in expected]
    assert len(ids) > 3, "too little happened to tell"
    for limit in (1, 3, len(ids), 100):
        assert await walked(wanted, id_of, limit) == ids
        assert await walked(wanted, id_of, limit, start=ids[-1]) == ids[:-1]
    for _ in range(30):
        page = chance_page(chance, expected)
        listed = await wanted(page)
        assert ([id_of(item) for item in listed.items], listed.has_more) == page_of(expected, page), page


class QueriesContract:
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

    async def test_movements_count_whole_movements(
        self, queries: Queries, season: Season, chance: Random
    ) -> None:
        for amount in (1_000, 2_000, 3_000, 4_000):
            await season.pay(amount)
        expected: Expected = [(id, legs[0].at) for id, legs in sorted(season.lines.items(), reverse=True)]
        scope = season.story.scope
        await check(chance, lambda page: queries.movements(scope, page), _id, expected)
        for line in (await queries.movements(scope, Page(limit=100))).items:
            assert list(line.legs) == season.lines[line.id]
            assert await queries.movement(scope, line.id) == line

    async def test_a_movement_that_is_no_line_of_the_balance_is_not_listed(
        self, queries: Queries, season: Season, ids: IdSource
    ) -> None:
        await season.pay(1_000, manual=True)
        other = Scope(season.story.scope.merchant, livemode=True)
        for id in season.movements.keys() - season.lines.keys():
            assert await queries.movement(season.story.scope, id) is None
        for id in season.lines:
            assert await queries.movement(other, id) is None
        unheard = MovementId.of(ids.new(ChangesetId), 0)
        assert await queries.movement(season.story.scope, unheard) is None

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

    async def test_nothing_is_an_empty_page(self, queries: Queries, ids: IdSource) -> None:
        nowhere = Scope(ids.new(MerchantId), livemode=False)
        empty: Listed[Any] = Listed((), has_more=False)
        assert await queries.payments(nowhere, Page()) == empty
        assert await queries.charges(nowhere, Page()) == empty
        assert await queries.refunds(nowhere, Page()) == empty
        assert await queries.payment_methods(nowhere, Page()) == empty
        assert await queries.events(nowhere, Page()) == empty
        assert await queries.movements(nowhere, Page()) == empty
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
