"""The sandbox's bank pays by itself: after nine on a business day, once, in test mode only, whoever else is at it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
from attrs import evolve

from fintech.application.settlement import Settled, SettledAll
from fintech.domain.changeset import AccountClosed
from fintech.domain.ids import MerchantId
from fintech.domain.scope import Scope
from fintech.entrypoints.profiles import testing
from fintech.entrypoints.settling import TRIES_MAX, DailySettling
from fintech.ports.errors import StoreUnavailable
from tests.cores import OpenCore, on_postgres
from tests.unit.application.shop import ACTOR, Shop, open_shop

NET = 10_000 - 193


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def opens(request: pytest.FixtureRequest) -> OpenCore:
    """Where the books are."""
    if request.param == "memory":
        return testing
    return on_postgres(request.getfixturevalue("postgres_server"))


@pytest.fixture
async def shop(opens: OpenCore) -> AsyncIterator[Shop]:
    async with open_shop(opens=opens) as shop:
        yield shop


def daily(shop: Shop) -> DailySettling:
    return DailySettling(shop.core.clock(), shop.core.settle_everybody())


async def test_money_comes_after_nine_on_the_next_business_day(shop: Shop) -> None:
    settling = daily(shop)
    shop.advance(days=4)  # Friday noon
    await shop.pay()
    came: list[str] = []
    for _ in range(4 * 24 * 2):
        shop.advance(minutes=30)
        await settling()
        if not came and await shop.net("available"):
            came.append(shop.clock.now().isoformat())
    assert came == ["2026-11-29T22:00:00+00:00"]  # Monday at nine
    assert await shop.net("available") == NET
    await shop.assert_proofs_hold()


async def test_processes_do_it_side_by_side(shop: Shop) -> None:
    await shop.pay()
    shop.advance(days=1)
    await asyncio.gather(*(daily(shop)() for _ in range(4)))
    assert await shop.net("available") == NET
    await daily(shop)()  # one that has just been started
    assert await shop.net("available") == NET
    await shop.assert_proofs_hold()


async def test_live_books_are_left_alone(shop: Shop) -> None:
    asked: list[bool] = []
    everybody = shop.core.settle_everybody()
    queries = shop.core.queries()

    class Watched:
        async def merchants(self, livemode: bool, page: Any) -> Any:
            asked.append(livemode)
            return await queries.merchants(livemode, page)

    watched: Any = Watched()
    await DailySettling(shop.core.clock(), evolve(everybody, queries=watched))()
    assert asked == [False]


class Run:
    """A run over everybody that comes to what is said."""

    def __init__(self, *script: Settled | Exception) -> None:
        self.script = list(script)
        self.through: list[date] = []

    async def __call__(self, _actor: Any, *, through: date, told: Any, **_more: Any) -> SettledAll:
        self.through.append(through)
        said = self.script.pop(0) if self.script else Settled(merchant=MerchantId("acct_x"), settlements=())
        if isinstance(said, Exception):
            raise said
        told(said)
        return SettledAll(merchants=1, settlements=0, troubled=said.why is not None)


def scripted(shop: Shop, run: Any) -> DailySettling:
    return DailySettling(shop.core.clock(), run)


async def test_a_day_is_done_once(shop: Shop) -> None:
    run = Run()
    settling = scripted(shop, run)
    for _ in range(3):
        assert await settling() == 0
    shop.advance(days=1)
    for _ in range(3):
        assert await settling() == 0
    assert run.through == [date(2026, 11, 22), date(2026, 11, 23)]


async def test_a_run_that_fails_is_run_again(shop: Shop) -> None:
    run = Run(StoreUnavailable("away"))
    settling = scripted(shop, run)
    with pytest.raises(StoreUnavailable):
        await settling()
    await settling()
    await settling()
    assert len(run.through) == 2


async def test_a_merchant_whose_settling_breaks_is_tried_again_but_not_all_day(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Settled(merchant=MerchantId("acct_broken"), settlements=(), why=ValueError("private"))
    run = Run(*[broken] * 100)
    settling = scripted(shop, run)
    with caplog.at_level(logging.WARNING):
        for _ in range(TRIES_MAX + 5):
            await settling()
    assert len(run.through) == TRIES_MAX
    (told,) = {(each.message, *map(vars(each).get, ("merchant", "why"))) for each in caplog.records}
    assert told == ("a merchant is not settled", "acct_broken", "ValueError")
    assert "private" not in caplog.text


async def test_a_closed_merchant_is_told_and_not_tried_again(shop: Shop) -> None:
    refused = Settled(
        merchant=MerchantId("acct_x"),
        settlements=(),
        why=AccountClosed(Scope(MerchantId("acct_x"), livemode=False)),
    )
    run = Run(refused, refused)
    settling = scripted(shop, run)
    await settling()
    await settling()
    assert len(run.through) == 1


async def test_an_interrupted_round_is_finished_by_the_next(shop: Shop) -> None:
    for _ in range(3):
        id = shop.core.ids().new(MerchantId)
        await shop.core.onboard_merchant()(ACTOR, id, livemode=False, name="Kiosk")
        await Shop(shop.core, shop.clock, shop.acquirer, Scope(id, livemode=False)).pay()
    await shop.pay()
    shop.clock.advance(timedelta(days=1))
    task = asyncio.create_task(daily(shop)())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    await daily(shop)()
    assert await shop.net("available") == NET
    await shop.assert_proofs_hold()
