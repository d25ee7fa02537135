"""Purchases that a terminal approved itself: taken whatever comes."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from fintech.application.terminals.advices import Taken
from fintech.domain.changeset import KeyReused
from fintech.domain.keys.refusals import CustodyReason
from fintech.domain.merchants import Limits, Standing
from fintech.domain.outcome import Failure, Success
from fintech.domain.payments.payment import Payment, PaymentStatus
from tests.cores import OpenCore
from tests.unit.application.shop import ACTOR, LineDown
from tests.unit.application.terminals.till import ANSWER_LOST, NO_FUNDS, VISA, Till, open_till


@pytest.fixture
async def till(opens: OpenCore) -> AsyncIterator[Till]:
    async with open_till(opens, limits=Limits(payment_max_minor=50_000)) as till:
        yield till


async def taken(till: Till, **terms: object) -> Payment:
    payment = (await till.advise(**terms)).unwrap().payment  # type: ignore[arg-type] # as they come
    assert payment is not None
    return payment


async def test_it_is_captured_and_says_that_it_was_off_line(till: Till) -> None:
    payment = await taken(till)
    assert (payment.status, payment.captured_minor) == (PaymentStatus.SUCCEEDED, 10_000)
    assert payment.presented is not None
    assert payment.presented.offline
    await till.shop.assert_proofs_hold()


async def test_an_issuers_no_is_kept_and_the_terminal_is_told_yes(till: Till) -> None:
    payment = await taken(till, card=NO_FUNDS)
    assert payment.status is PaymentStatus.REQUIRES_PAYMENT_METHOD
    assert payment.attempts[0].decline is not None


@pytest.mark.parametrize("number", ["4242424242424241", "4111111111111111", "1"])
async def test_a_card_that_cannot_be_charged_is_a_loss_on_record(till: Till, number: str) -> None:
    payment = await taken(till, card=number)
    assert (payment.status, payment.amount_minor) == (PaymentStatus.CANCELED, 10_000)
    assert await till.shop.payments() == (payment,)


async def test_neither_a_suspension_nor_a_limit_undoes_what_was_sold(till: Till) -> None:
    await till.core.place_merchant()(ACTOR, till.shop.scope, Standing.SUSPENDED)
    payment = await taken(till, amount_minor=60_000)
    assert payment.captured_minor == 60_000
    await till.shop.assert_proofs_hold()


async def test_without_an_answer_it_is_asked_about_until_there_is_one(till: Till) -> None:
    payment = await taken(till, card=ANSWER_LOST)
    assert payment.status is PaymentStatus.PROCESSING
    await till.shop.sweep_until_quiet()
    assert (await till.shop.payment(payment.id)).status is PaymentStatus.SUCCEEDED


async def test_a_repeat_is_known(till: Till) -> None:
    await taken(till)
    assert await till.advise() == Success(Taken(None))
    assert len(await till.shop.payments()) == 1


async def test_repeats_that_race_are_one_sale(till: Till) -> None:
    outcomes = await asyncio.gather(*(till.advise() for _ in range(8)))
    assert all(isinstance(outcome, Success) for outcome in outcomes)
    assert len(await till.shop.payments()) == 1


async def test_another_advice_under_the_same_key_is_refused(till: Till) -> None:
    await taken(till)
    assert await till.advise(fingerprint=b"other") == Failure(KeyReused("terminal advice"))


async def test_once_the_intent_is_written_a_repeat_is_told_yes_whatever_happened_then(till: Till) -> None:
    till.shop.acquirer.dies = ["before"]
    with pytest.raises(LineDown):
        await till.advise()
    assert await till.advise() == Success(Taken(None))
    till.shop.acquirer.dies = []
    (payment,) = await till.shop.payments()
    await till.shop.sweep_until_quiet()
    assert (await till.shop.payment(payment.id)).status is not PaymentStatus.PROCESSING


async def test_an_advice_can_be_given_up_like_any_purchase(till: Till) -> None:
    payment = await taken(till, card=VISA)
    await till.reverse()
    assert (await till.shop.payment(payment.id)).refunded_minor == 10_000


async def test_without_the_merchants_keys_what_was_sold_is_charged_all_the_same(till: Till) -> None:
    known = await taken(till, stan=1)
    till.shop.vault.refusing[till.shop.scope] = CustodyReason.REVOKED
    payment = await taken(till, stan=2)
    assert (payment.status, payment.captured_minor) == (PaymentStatus.SUCCEEDED, 10_000)
    assert known.attempts[0].method.card.fingerprint is not None
    assert payment.attempts[0].method.card.fingerprint is None
