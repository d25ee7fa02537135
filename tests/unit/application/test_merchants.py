"""Merchants: onboarding and standing."""

import asyncio

import pytest

from fintech.application.commits import NotFound
from fintech.application.merchants import MerchantExists
from fintech.domain.changeset import AccountClosed
from fintech.domain.events import EventType
from fintech.domain.ids import MerchantId
from fintech.domain.merchants import DEFAULT_FEES, Limits, Standing, StandingRefused
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Scope
from fintech.ports.queries import Page
from tests.unit.application.shop import ACTOR, Shop

NEW = MerchantId("acct_" + "n" * 24)


async def onboard(shop: Shop, *, livemode: bool = False, **more):
    return await shop.core.onboard_merchant()(ACTOR, NEW, livemode=livemode, name="Stall", **more)


async def test_a_merchant_is_there_once_it_was_onboarded(shop: Shop) -> None:
    merchant = (await onboard(shop, currency=Currency.NZD)).unwrap()
    assert merchant == await shop.core.store().merchant(Scope(NEW, livemode=False))
    assert (merchant.version, merchant.standing, merchant.currency) == (1, Standing.ACTIVE, Currency.NZD)
    assert (merchant.fees, merchant.limits) == (DEFAULT_FEES, Limits())
    (event,) = (await shop.core.queries().events(Scope(NEW, livemode=False), Page())).items
    assert (event.type, event.actor, event.snapshot) == (EventType.ACCOUNT_CREATED, ACTOR, merchant)


async def test_once_in_each_mode(shop: Shop) -> None:
    assert isinstance(await onboard(shop), Success)
    assert await onboard(shop) == Failure(MerchantExists(NEW))
    assert isinstance(await onboard(shop, livemode=True), Success)


async def test_of_racing_onboardings_one_is_done(shop: Shop) -> None:
    outcomes = await asyncio.gather(*(onboard(shop) for _ in range(20)))
    assert sum(isinstance(outcome, Success) for outcome in outcomes) == 1
    assert [each for each in outcomes if isinstance(each, Failure)] == [Failure(MerchantExists(NEW))] * 19


@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.CLOSED])
async def test_a_merchants_standing_changes(shop: Shop, standing: Standing) -> None:
    placed = (await shop.core.place_merchant()(ACTOR, shop.scope, standing)).unwrap()
    assert placed == await shop.core.store().merchant(shop.scope)
    assert (placed.standing, placed.version) == (standing, 2)


async def test_the_table_refuses(shop: Shop) -> None:
    place = shop.core.place_merchant()
    refused = Failure(StandingRefused(Standing.ACTIVE, Standing.ACTIVE))
    assert await place(ACTOR, shop.scope, Standing.ACTIVE) == refused
    nobody = Scope(NEW, livemode=False)
    assert await place(ACTOR, nobody, Standing.CLOSED) == Failure(NotFound("merchant", NEW))


async def test_a_suspended_merchant_goes_on_with_what_it_has(shop: Shop) -> None:
    held, paid = await shop.authorise(), await shop.pay()
    await shop.core.place_merchant()(ACTOR, shop.scope, Standing.SUSPENDED)
    assert isinstance(await shop.capture(held.id), Success)
    assert isinstance(await shop.try_refund(paid.id, 100), Success)
    assert isinstance(await shop.settle(), Success)
    await shop.core.place_merchant()(ACTOR, shop.scope, Standing.ACTIVE)
    assert isinstance(await shop.try_pay(), Success)


async def test_closed_books_are_closed(shop: Shop) -> None:
    held, paid = await shop.authorise(), await shop.pay()
    await shop.core.place_merchant()(ACTOR, shop.scope, Standing.CLOSED)
    closed = Failure(AccountClosed(shop.scope))
    assert await shop.capture(held.id) == closed
    assert await shop.try_refund(paid.id, 100) == closed
    assert await shop.settle() == closed
