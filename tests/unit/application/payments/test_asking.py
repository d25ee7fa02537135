"""The call and its outcome: made once, and landed on the payment as it is by then."""

from typing import Any

import pytest

from fintech.adapters.memory.store import MemoryStore
from fintech.application.commits import TRIES_MAX
from fintech.application.payments.asking import event_of
from fintech.domain.changeset import StaleWrite
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.merchants import Standing
from fintech.domain.outcome import Failure
from fintech.domain.payments.attempt import AttemptStatus
from fintech.domain.payments.payment import PaymentStatus
from tests.unit.application.shop import ACTOR, Shop, value


@pytest.fixture
def unlucky(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the store say, from now on and more often than a request would bear, that somebody else was faster."""
    commit = MemoryStore.commit

    async def begin() -> None:
        left = [None] * (3 * TRIES_MAX)

        async def stale(store: MemoryStore, scope: Any, changes: Any) -> Any:
            if left:
                left.pop()
                return Failure(StaleWrite("somebody else's", 1))
            return await commit(store, scope, changes)

        monkeypatch.setattr(MemoryStore, "commit", stale)

    monkeypatch.setattr("random.uniform", lambda low, high: 0)
    return begin


async def test_an_authorisations_outcome_lands_however_often_it_is_overtaken(
    shop: Shop, unlucky: Any
) -> None:
    shop.acquirer.meanwhile = unlucky
    payment = await shop.pay()
    assert payment.status is PaymentStatus.SUCCEEDED
    assert len(shop.acquirer.calls) == 1


async def test_an_increments_outcome_does_too(shop: Shop, unlucky: Any) -> None:
    payment = await shop.authorise(10_000)
    shop.acquirer.meanwhile = unlucky
    assert value(await shop.increment(payment.id, 12_000)).authorised_minor == 12_000
    assert len(shop.acquirer.calls) == 2


async def test_and_a_refunds(shop: Shop, unlucky: Any) -> None:
    payment = await shop.pay(10_000, "pm_card_refundDeclined")
    shop.acquirer.meanwhile = unlucky
    assert (await shop.refund(payment.id, 5_000)).failure is not None
    assert len(shop.acquirer.calls) == 2


async def test_the_intent_is_committed_before_the_call_is_made(shop: Shop) -> None:
    seen: list[Any] = []

    async def look() -> None:
        seen.extend(await shop.payments())

    shop.acquirer.meanwhile = look
    await shop.pay(10_000)
    (during,) = seen
    assert (during.status, during.attempts[0].status) == (PaymentStatus.PROCESSING, AttemptStatus.SENT)


async def test_an_outcome_lands_on_the_payment_as_it_is_by_then(shop: Shop) -> None:
    """The description is changed while the acquirer thinks; neither change is lost."""

    async def describe() -> None:
        (payment,) = await shop.payments()
        value(
            await shop.core.update_payment()(
                shop.keyed("describe"), shop.scope, payment.id, description="Tea for two"
            )
        )

    shop.acquirer.meanwhile = describe
    payment = await shop.pay(10_000)
    assert (payment.status, payment.description) == (PaymentStatus.SUCCEEDED, "Tea for two")
    assert payment == await shop.payment(payment.id)
    assert len(shop.acquirer.calls) == 1


async def test_an_answer_that_comes_after_the_sweeper_changes_nothing(shop: Shop) -> None:
    """Our call took longer than anybody's patience: the attempt was given up, and a late yes is no yes."""

    async def give_up() -> None:
        shop.acquirer._memory.answers.clear()  # as if the question were still on its way
        shop.advance(seconds=45)
        await shop.sweep()

    shop.acquirer.meanwhile = give_up
    payment = await shop.pay(10_000)
    assert payment.status is PaymentStatus.REQUIRES_PAYMENT_METHOD
    assert payment.attempts[0].status is AttemptStatus.RELEASED
    assert [each.original_request for each in shop.acquirer.reversals.values()] == [payment.attempts[0].id]
    assert await shop.net("unsettled/2026-11-23") == 0
    await shop.assert_proofs_hold()


async def test_the_acquirer_is_asked_for_what_was_agreed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    authorise = type(shop.acquirer).authorise

    async def listening(acquirer: Any, scope: Any, authorisation: Any) -> Any:
        asked.append((scope, authorisation))
        return await authorise(acquirer, scope, authorisation)

    monkeypatch.setattr(type(shop.acquirer), "authorise", listening)
    automatic, manual = await shop.pay(10_000), await shop.authorise(7_000)
    assert [(scope, each.request, each.amount_minor, each.capture) for scope, each in asked] == [
        (shop.scope, automatic.attempts[0].id, 10_000, True),
        (shop.scope, manual.attempts[0].id, 7_000, False),
    ]
    assert asked[0][1].card_token == "pm_card_visa"


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (PaymentStatus.SUCCEEDED, EventType.PAYMENT_SUCCEEDED),
        (PaymentStatus.REQUIRES_CAPTURE, EventType.PAYMENT_CAPTURABLE_UPDATED),
        (PaymentStatus.REQUIRES_PAYMENT_METHOD, EventType.PAYMENT_FAILED),
        (PaymentStatus.PROCESSING, EventType.PAYMENT_PROCESSING),
        (PaymentStatus.CANCELED, EventType.PAYMENT_CANCELED),
        (PaymentStatus.REQUIRES_CONFIRMATION, EventType.PAYMENT_UPDATED),
    ],
)
async def test_the_event_says_where_a_payment_has_come_to(
    shop: Shop, status: PaymentStatus, event: EventType
) -> None:
    assert event_of(evolve(await shop.pay(), status=status)) is event


async def close_books(shop: Shop) -> None:
    """The back office closes the merchant while the acquirer thinks."""
    await shop.core.place_merchant()(ACTOR, shop.scope, Standing.CLOSED)


@pytest.mark.parametrize("manual", [True, False])
async def test_a_yes_that_can_no_longer_be_booked_is_given_back(shop: Shop, manual: bool) -> None:
    """Nobody else would ever tell the cardholder's bank: the payment would wait for an answer that it has had."""
    shop.acquirer.meanwhile = lambda: close_books(shop)
    payment = await shop.pay(10_000, manual=manual, request=shop.keyed("k"))
    assert payment.status is PaymentStatus.REQUIRES_PAYMENT_METHOD
    assert payment.attempts[0].status is AttemptStatus.RELEASED
    await shop.sweep()
    assert [each.original_request for each in shop.acquirer.reversals.values()] == [payment.attempts[0].id]
    assert (await shop.payment(payment.id)).due_at is None
    assert (await shop.try_pay(10_000, manual=manual, request=shop.keyed("k"))).unwrap().value == payment
    await shop.assert_proofs_hold()


async def test_so_is_one_that_an_enquiry_finds(shop: Shop) -> None:
    payment = await shop.pay(card="pm_card_answerLost")
    await close_books(shop)
    shop.advance(seconds=1)
    await shop.sweep()
    after = await shop.payment(payment.id)
    assert after.attempts[0].status is AttemptStatus.RELEASED
    assert [each.original_request for each in shop.acquirer.reversals.values()] == [payment.attempts[0].id]


async def test_and_an_increments(shop: Shop) -> None:
    payment = await shop.authorise(10_000)
    shop.acquirer.meanwhile = lambda: close_books(shop)
    after = value(await shop.increment(payment.id, 12_000))
    assert after.authorised_minor == 10_000
    await shop.sweep()
    assert [each.original_request for each in shop.acquirer.reversals.values()] == [
        f"{payment.attempts[0].id}.1"
    ]
