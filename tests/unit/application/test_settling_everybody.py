"""Settling everybody: whoever is due, once, whatever happens to one of them or to the run; in memory and on Postgres."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from fintech.application.commits import Decision
from fintech.application.settlement import AT_ONCE, BROKEN_MAX, NothingToSettle, Settled, SettledAll
from fintech.domain.changeset import AccountClosed, LimitReached
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, MerchantId, MovementId
from fintech.domain.ledger import Books, Movement, TransferKind
from fintech.domain.merchants import Standing
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.domain.settlement import Settlement
from fintech.entrypoints.container import Core
from fintech.entrypoints.profiles import testing
from fintech.ports.errors import StoreUnavailable
from fintech.ports.queries import PAGE_MAX, Page
from tests.cores import OpenCore, on_postgres
from tests.unit.application.shop import ACTOR, Shop, open_shop

TODAY = date(2026, 11, 23)
SALE = 10_000
NET = 10_000 - 193


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def opens(request: pytest.FixtureRequest) -> OpenCore:
    """Where the books are."""
    if request.param == "memory":
        return testing
    return on_postgres(request.getfixturevalue("postgres_server"))


@pytest.fixture
async def street(opens: OpenCore) -> AsyncIterator["Street"]:
    async with open_shop(opens=opens) as shop:
        street = Street(shop)
        await street.open(11)
        yield street


class Street:
    """Shops side by side, each with a sale today; and what runs over all of them told."""

    def __init__(self, shop: Shop) -> None:
        self.core: Core = shop.core
        self.shop = shop
        self.shops: list[Shop] = []
        self.told: list[Settled] = []

    async def open(self, count: int) -> None:
        """So many more shops."""
        for _ in range(count):
            id = self.core.ids().new(MerchantId)
            await self.core.onboard_merchant()(ACTOR, id, livemode=False, name="Kiosk")
            scope = Scope(id, livemode=False)
            self.shops.append(Shop(self.core, self.shop.clock, self.shop.acquirer, scope))
        await asyncio.gather(*(shop.pay(SALE) for shop in self.shops[-count:]))

    async def settle(self, through: date = TODAY, **more: Any) -> SettledAll:
        """One run."""
        self.told.clear()
        everybody = evolve(self.core.settle_everybody(), **more.pop("changed", {}))
        told: Callable[[Settled], None] = more.pop("told", self.told.append)
        return await everybody(ACTOR, livemode=False, through=through, told=told, **more)

    async def assert_all_settled(self) -> None:
        """Each has what it is due, and had it once."""
        for shop in self.shops:
            assert await shop.net("available") == NET
        await self.shop.assert_proofs_hold()


async def test_everybody_who_is_due_is_settled_once(street: Street) -> None:
    later = street.shops[0]
    later.advance(days=1)
    await later.pay(700)
    ran = await street.settle()
    assert ran == SettledAll(merchants=12, settlements=11, troubled=0)
    assert {each.merchant for each in street.told} == {
        street.shop.scope.merchant,
        *(each.scope.merchant for each in street.shops),
    }
    assert [len(each.settlements) for each in street.told if each.merchant == later.scope.merchant] == [1]
    await street.assert_all_settled()
    assert await later.net("unsettled/2026-11-24") == 700 - 13
    assert await street.settle() == SettledAll(merchants=12, settlements=0, troubled=0)


async def test_more_merchants_than_a_page_has(street: Street) -> None:
    await street.open(PAGE_MAX)
    assert await street.settle() == SettledAll(merchants=12 + PAGE_MAX, settlements=11 + PAGE_MAX, troubled=0)
    assert len({each.merchant for each in street.told}) == 12 + PAGE_MAX
    await street.assert_all_settled()


async def test_the_other_mode_is_left_alone(street: Street) -> None:
    live = Scope(street.shop.scope.merchant, livemode=True)
    await street.core.onboard_merchant()(ACTOR, live.merchant, livemode=True, name="Kiosk")
    everybody = street.core.settle_everybody()
    ran = await everybody(ACTOR, livemode=True, through=TODAY, told=street.told.append)
    assert ran == SettledAll(merchants=1, settlements=0, troubled=0)


async def test_a_merchants_many_days_are_settled_one_after_the_other(street: Street) -> None:
    shop = street.shop
    for _ in range(20):
        await shop.pay(SALE)
        shop.advance(days=1)
    await street.settle(TODAY + timedelta(days=19))
    (whole,) = [each for each in street.told if each.merchant == shop.scope.merchant]
    assert [each.gross_minor for each in whole.settlements] == [8 * SALE, 8 * SALE, 4 * SALE]


async def test_one_merchants_refusal_does_not_stop_the_others(street: Street) -> None:
    closed = street.shops.pop(5)
    await street.core.place_merchant()(ACTOR, closed.scope, Standing.CLOSED)
    assert await street.settle() == SettledAll(merchants=12, settlements=10, troubled=1)
    assert [each.why for each in street.told if each.why] == [AccountClosed(closed.scope)]
    await street.assert_all_settled()


class Broken:
    """Settles as it should, but for some: ``breaks`` says by what a merchant's settling is ended."""

    def __init__(self, street: Street, breaks: Callable[[Scope], Exception | None]) -> None:
        self.settle_in_full = street.core.settle_in_full()
        self.settle_merchant = self.settle_in_full.settle_merchant
        self.breaks = breaks
        self.at_once = self.most_at_once = 0

    @property
    def changed(self) -> dict[str, Any]:
        """What a run has to use instead."""
        instead: Any = self
        return {"settle_in_full": evolve(self.settle_in_full, settle_merchant=instead)}

    async def __call__(self, actor: Actor, scope: Scope, through: date) -> Outcome[Settlement, Any]:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            if error := self.breaks(scope):
                raise error
            return await self.settle_merchant(actor, scope, through)
        finally:
            self.at_once -= 1


async def test_one_merchants_breakage_does_not_stop_the_others(street: Street) -> None:
    unlucky = street.shops[3].scope
    error = ValueError("a row that makes no sense")
    broken = Broken(street, lambda scope: error if scope == unlucky else None)
    assert await street.settle(changed=broken.changed) == SettledAll(merchants=12, settlements=10, troubled=1)
    assert [(each.merchant, each.why) for each in street.told if each.why] == [(unlucky.merchant, error)]
    await street.settle()
    await street.assert_all_settled()


async def test_when_everybody_breaks_it_is_given_up(street: Street) -> None:
    await street.open(BROKEN_MAX + 10)
    broken = Broken(street, lambda _: StoreUnavailable("away"))
    with pytest.raises(StoreUnavailable, match="away"):
        await street.settle(changed=broken.changed)
    assert BROKEN_MAX <= len(street.told) < BROKEN_MAX + AT_ONCE
    await street.settle()
    await street.assert_all_settled()


async def test_only_so_many_at_once(street: Street) -> None:
    for at_once in (1, 3):
        watched = Broken(street, lambda _: None)
        await street.settle(TODAY - timedelta(days=1), changed=watched.changed, at_once=at_once)
        assert watched.most_at_once == at_once


async def test_merchants_are_read_a_page_at_a_time(street: Street) -> None:
    await street.open(PAGE_MAX)
    read, told = [], 0
    queries = street.core.queries()

    class Watched:
        async def merchants(self, livemode: bool, page: Page) -> Any:
            read.append(told)
            assert page.limit == PAGE_MAX
            return await queries.merchants(livemode, page)

    def tell(_settled: Settled) -> None:
        nonlocal told
        told += 1

    await street.settle(changed={"queries": Watched()}, told=tell)
    assert len(read) == 2
    assert read[1] >= PAGE_MAX - AT_ONCE


@pytest.mark.parametrize("after", [0, 1, 4, 10])
async def test_a_run_that_was_ended_anywhere_is_run_again(street: Street, after: int) -> None:
    asked = after

    def tell(_settled: Settled) -> None:
        nonlocal after
        after -= 1
        if after < 0:
            raise KeyError("cut")

    with pytest.raises(KeyError, match="cut"):
        await street.settle(told=tell, at_once=3)
    await street.shop.assert_proofs_hold()
    again = await street.settle()
    assert again.settlements <= 11 - max(asked - 1, 0)
    await street.assert_all_settled()


async def test_two_runs_at_once_settle_nothing_twice(street: Street) -> None:
    first, second = await asyncio.gather(street.settle(), street.settle())
    assert first.settlements + second.settlements == 11
    assert first.troubled + second.troubled == 0
    await street.assert_all_settled()


async def test_a_merchant_who_is_overtaken_is_tried_again_but_not_for_ever(street: Street) -> None:
    account = Books.of(street.shop.scope.merchant, Currency.AUD).account("advance")
    refusals = [LimitReached(account, 0)] * 3

    class Overtaken(Broken):
        async def __call__(self, actor: Actor, scope: Scope, through: date) -> Outcome[Settlement, Any]:
            if scope == street.shops[0].scope and refusals:
                return Failure(refusals.pop())
            return await super().__call__(actor, scope, through)

    ran = await street.settle(changed=Overtaken(street, lambda _: None).changed)
    assert (ran.settlements, ran.troubled) == (11, 0)
    refusals.extend([LimitReached(account, 0)] * 1_000)
    ran = await street.settle(changed=Overtaken(street, lambda _: None).changed)
    assert (ran.settlements, ran.troubled, len(refusals)) == (0, 1, 990)


async def test_an_advance_taken_while_it_settles_is_repaid_by_it(street: Street) -> None:
    """The balances were read before the advance was booked: the commit is refused, and decided again."""
    shop = street.shops[0]
    merchant = street.core.settle_merchant()
    store = street.core.store()

    class Behind:
        """A store on which an advance is taken just after the books were read for the first time."""

        read = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        async def books(self, scope: Scope) -> Any:
            books = await store.books(scope)
            self.read += 1
            if self.read == 1:
                await lend(shop, 150)
            return books

    behind: Any = Behind()
    outcome = await evolve(merchant, store=behind)(ACTOR, shop.scope, TODAY)
    assert isinstance(outcome, Success)
    assert (behind.read, outcome.unwrap().advance_repaid_minor) == (2, 150)
    assert (await shop.net("advance"), await shop.net("available")) == (0, NET - 150)
    assert await shop.settle(TODAY) == Failure(NothingToSettle())


async def lend(shop: Shop, amount_minor: int) -> None:
    """What the fee of an instant payout does to the books when nothing is available: it touches no cash."""

    async def decide(changeset: ChangesetId, now: datetime) -> Outcome[Decision[None], Any]:
        merchant = await shop.core.store().merchant(shop.scope)
        assert merchant is not None
        movement = Movement(MovementId.of(changeset, 0), source=merchant.id, at=now)
        advance, fees = shop.books.account("advance"), shop.books.account("fees/instant_payout")
        movement.move(TransferKind.INSTANT_PAYOUT_FEE, advance, fees, amount_minor)
        changes = ((merchant, EventType.ACCOUNT_UPDATED),)
        return Success(Decision(value=None, changes=changes, transfers=tuple(movement.legs)))

    assert isinstance(await shop.core.commits().land(shop.scope, ACTOR, decide), Success)
