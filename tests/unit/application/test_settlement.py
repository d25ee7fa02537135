"""Settling a merchant: once, whoever else is at it."""

import asyncio
from datetime import date, timedelta

from fintech.application.commits import NotFound
from fintech.application.settlement import NothingToSettle
from fintech.domain.ids import MerchantId
from fintech.domain.merchants import Limits
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Scope
from tests.unit.application.shop import ACTOR, Shop, open_shop, value

TODAY = date(2026, 11, 23)


async def settle_twice_at_once(shop: Shop) -> list[object]:
    """What two runs at the same moment come to; one of them finds nothing."""
    outcomes = await asyncio.gather(shop.settle(), shop.settle())
    settled = [outcome.unwrap() for outcome in outcomes if isinstance(outcome, Success)]
    assert [outcome for outcome in outcomes if isinstance(outcome, Failure)] == [Failure(NothingToSettle())]
    await shop.assert_proofs_hold()
    assert await shop.settle() == Failure(NothingToSettle())
    return settled


async def test_settling_makes_money_available(shop: Shop) -> None:
    await shop.pay(10_000)
    settlement = value(await shop.settle(TODAY))
    assert (settlement.gross_minor, settlement.earned_minor, settlement.version) == (10_000, 193, 1)
    assert await shop.net("available") == 10_000 - 193
    assert await shop.settle(TODAY) == Failure(NothingToSettle())
    await shop.assert_proofs_hold()


async def test_days_after_the_cut_off_wait(shop: Shop) -> None:
    await shop.pay(10_000)
    assert await shop.settle(TODAY - timedelta(days=1)) == Failure(NothingToSettle())


async def test_a_merchant_that_is_not_there(shop: Shop) -> None:
    nobody = Scope(MerchantId("acct_" + "z" * 24), livemode=False)
    outcome = await shop.core.settle_merchant()(ACTOR, nobody, TODAY)
    assert outcome == Failure(NotFound("merchant", nobody.merchant))


async def test_two_runs_at_once_settle_captures_once(shop: Shop) -> None:
    await shop.pay(10_000)
    assert len(await settle_twice_at_once(shop)) == 1


async def test_two_runs_at_once_settle_refunds_of_settled_money_once(shop: Shop) -> None:
    """Nothing but what the bank takes: no account with a limit is touched."""
    payment = await shop.pay(10_000)
    await shop.settle()
    await shop.refund(payment.id, 4_000)
    assert len(await settle_twice_at_once(shop)) == 1
    assert -await shop.net("client_cash") == 10_000 - 193 - 4_000


async def test_two_runs_at_once_settle_what_only_we_have_earned_once(shop: Shop) -> None:
    payment = await shop.pay(10_000)
    await shop.refund(payment.id, 10_000 - 193)
    assert len(await settle_twice_at_once(shop)) == 1
    assert -await shop.net("own_cash") == 193


async def test_two_runs_at_once_repay_debt_once() -> None:
    async with open_shop(limits=Limits(refund_debt_max_minor=500)) as shop:
        payment = await shop.pay(10_000)
        await shop.refund(payment.id, 10_000)
        await shop.pay(10_000)
        assert len(await settle_twice_at_once(shop)) == 1
        assert await shop.net("receivable") == 0


async def test_payments_and_refunds_while_it_settles_are_settled_sooner_or_later(shop: Shop) -> None:
    payments = [await shop.pay(10_000) for _ in range(10)]
    await asyncio.gather(
        *(shop.pay(5_000) for _ in range(10)),
        *(shop.settle() for _ in range(5)),
        *(shop.try_refund(payment.id, 1_000) for payment in payments),
    )
    while isinstance(await shop.settle(), Success):
        await shop.assert_proofs_hold()
    assert await shop.net("unsettled/2026-11-23") == 0
    assert -await shop.net("client_cash") == await shop.net("available")
    await shop.assert_proofs_hold()
