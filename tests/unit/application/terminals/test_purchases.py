"""Purchases at a terminal."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from fintech.adapters.simulator.card_acquirer import Fault
from fintech.application.commits import Request
from fintech.application.payments.asking import AcquirerMissing
from fintech.application.terminals.reversals import Reversed
from fintech.domain.cards import CardFault
from fintech.domain.changeset import KeyInFlight, KeyReused
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.merchants import Standing
from fintech.domain.outcome import Failure
from fintech.domain.payments.attempt import AttemptStatus
from fintech.domain.payments.payment import PaymentStatus
from fintech.domain.payments.presentation import presented_method_id
from fintech.domain.payments.refusals import MerchantMayNot
from fintech.domain.scope import Scope
from tests.cores import OpenCore
from tests.unit.application.shop import ACTOR, LineDown
from tests.unit.application.terminals.till import (
    ANSWER_LOST,
    NO_FUNDS,
    QUESTION_LOST,
    VISA,
    Till,
    details,
    open_till,
)


@pytest.fixture
async def till(opens: OpenCore) -> AsyncIterator[Till]:
    async with open_till(opens) as till:
        yield till


async def test_a_purchase_is_captured_and_says_how_it_was_presented(till: Till) -> None:
    payment = await till.buy()
    assert (payment.status, payment.captured_minor) == (PaymentStatus.SUCCEEDED, 10_000)
    assert payment.presented == till.sale(1).presented
    assert payment.attempts[0].method.id == presented_method_id(payment.id)
    assert await till.shop.payment(payment.id) == payment
    await till.shop.assert_proofs_hold()


async def test_a_decline_is_a_payment_that_came_to_nothing(till: Till) -> None:
    payment = await till.buy(card=NO_FUNDS)
    assert payment.status is PaymentStatus.REQUIRES_PAYMENT_METHOD
    assert payment.attempts[0].decline is not None


async def test_a_repeat_is_answered_as_the_first_time_and_done_once(till: Till) -> None:
    first = await till.buy()
    assert await till.buy() == first
    assert len(await till.shop.payments()) == 1
    assert till.shop.acquirer.calls == [first.attempts[0].id]


async def test_a_repeat_that_says_something_else_is_refused(till: Till) -> None:
    await till.buy()
    refused = await till.try_buy(fingerprint=b"other")
    assert refused == Failure(KeyReused("terminal purchase"))


async def test_repeats_that_race_are_one_purchase(till: Till) -> None:
    bought = await asyncio.gather(*(till.buy() for _ in range(8)))
    assert len({payment.id for payment in bought}) == 1
    assert {payment.status for payment in bought} == {PaymentStatus.SUCCEEDED}
    assert len(await till.shop.payments()) == 1
    await till.shop.assert_proofs_hold()


@pytest.mark.parametrize("card", [ANSWER_LOST, QUESTION_LOST])
async def test_without_an_answer_it_is_given_up_at_once(till: Till, card: str) -> None:
    payment = await till.buy(card=card)
    assert payment.status is PaymentStatus.CANCELED
    assert payment.attempts[0].status is AttemptStatus.RELEASED
    await till.shop.sweep_until_quiet()
    assert [each.due for each in (await till.shop.payment(payment.id)).attempts[0].reversals] == [False]
    assert list(till.shop.acquirer.reversals) == [f"{payment.attempts[0].id}.reversal1"]
    assert (await till.buy(card=card)).id == payment.id
    await till.shop.assert_proofs_hold()


async def test_a_process_that_dies_before_it_hears_leaves_it_open_and_a_repeat_continues_it(
    till: Till,
) -> None:
    till.shop.acquirer.dies = ["after"]
    with pytest.raises(LineDown):
        await till.buy()
    till.shop.advance(minutes=2)
    payment = await till.buy()
    assert payment.status is PaymentStatus.SUCCEEDED
    assert len(await till.shop.payments()) == 1


async def test_while_another_process_is_at_it_a_repeat_waits_and_hears_nothing_new(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.shop.acquirer.dies = ["before"]
    with pytest.raises(LineDown):
        await till.buy()
    monkeypatch.setattr("fintech.application.terminals.sales.WAITS_S", (0.0, 0.0))
    outcome = await till.try_buy()
    assert isinstance(outcome.failure(), KeyInFlight)


async def test_a_repeat_on_another_line_hears_the_answer_when_it_is_there(till: Till) -> None:
    repeats: list[asyncio.Task[object]] = []

    async def meanwhile() -> None:
        repeats.append(asyncio.create_task(till.buy()))
        await asyncio.sleep(0.01)

    till.shop.acquirer.meanwhile = meanwhile
    first = await till.buy()
    assert await repeats[0] == first


@pytest.mark.parametrize(
    ("number", "fault"),
    [("4242424242424241", CardFault.INCORRECT_NUMBER), ("4111111111111111", CardFault.TEST_CARD_NEEDED)],
)
async def test_a_card_that_is_none_is_refused_and_leaves_nothing(
    till: Till, number: str, fault: CardFault
) -> None:
    assert await till.try_buy(card=number) == Failure(fault)
    assert await till.shop.payments() == ()
    assert (await till.buy(card=VISA)).status is PaymentStatus.SUCCEEDED, "it has claimed nothing either"


async def test_a_card_that_has_expired_since_was_good_when_the_message_came_first(till: Till) -> None:
    first = await till.buy()
    assert (await till.try_buy(exp_year=2020)).unwrap() == first
    assert isinstance(await till.try_buy(stan=2, exp_year=2020), Failure)


async def test_a_suspended_merchant_sells_nothing_but_its_repeats_are_answered(till: Till) -> None:
    first = await till.buy()
    await till.core.place_merchant()(ACTOR, till.shop.scope, Standing.SUSPENDED)
    assert isinstance((await till.try_buy(stan=2)).failure(), MerchantMayNot)
    assert await till.buy() == first


async def test_simulators_do_not_serve_live_mode(till: Till) -> None:
    scope = Scope(till.shop.scope.merchant, livemode=True)
    request = Request(actor=till.actor, key=till.key(1))
    outcome = await till.core.take_purchase()(request, scope, till.sale(1), details(VISA))
    assert outcome == Failure(AcquirerMissing(livemode=True))


async def test_an_answer_that_comes_late_is_never_believed(opens: OpenCore) -> None:
    async with open_till(opens, script=[Fault.ANSWER_LATE]) as till:
        payment = await till.buy()
        assert payment.status is PaymentStatus.CANCELED
        assert till.shop.acquirer.late
        await till.shop.sweep_until_quiet()
        assert (await till.shop.payment(payment.id)).captured_minor == 0
        await till.shop.assert_proofs_hold()


async def test_a_presented_card_has_its_fingerprint_and_nothing_of_it_is_sealed(till: Till) -> None:
    first, again = await till.buy(1), await till.buy(2)
    prints = {payment.attempts[0].method.card.fingerprint for payment in (first, again)}
    assert len(prints) == 1
    assert None not in prints
    assert await till.core.protected().counts(till.shop.scope) == {}


async def test_without_the_merchants_keys_nothing_is_sold(till: Till) -> None:
    sold = await till.buy(1)
    till.shop.vault.refusing[till.shop.scope] = CustodyReason.REVOKED
    assert await till.try_buy(2) == Failure(CustodyRefused(CustodyReason.REVOKED))
    assert till.shop.acquirer.calls == [sold.attempts[0].id]
    assert await till.buy(1) == sold  # a repeat is told what became of it
    assert await till.reverse(1) is Reversed.UNDONE
