"""What merchants hear when they ask again: the answer of the first time, or to wait, and nothing is done twice."""

import pytest

from fintech.adapters.simulator.card_acquirer import Fault
from fintech.application.commits import LEASE, Reply
from fintech.domain.changeset import KeyInFlight, KeyReused
from fintech.domain.ids import MerchantId
from fintech.domain.outcome import Failure, Success
from fintech.domain.payments.payment import PaymentStatus
from fintech.domain.payments.refusals import (
    AmountTooLarge,
    WrongStatus,
)
from fintech.domain.refunds.refund import RefundStatus
from fintech.domain.scope import Scope
from fintech.ports.queries import Page
from tests.unit.application.shop import ACTOR, LineDown, Shop, value


async def stored_keys(shop: Shop) -> set[str]:
    return {key for _, key in shop.store.memory.state.claims}


async def test_a_repeat_is_answered_as_the_first_time(shop: Shop) -> None:
    request = shop.keyed("k")
    first = await shop.try_pay(request=request)
    again = await shop.try_pay(request=request)
    assert first == Success(Reply(value(first)))
    assert again == Success(Reply(value(first), replayed=True))
    assert len(shop.acquirer.calls) == 1


async def test_also_when_the_payment_has_moved_on_since(shop: Shop) -> None:
    """What is replayed is the version that the request came to, not what the payment is now."""
    created = shop.keyed("create")
    first = value(await shop.try_pay(request=created, manual=True))
    captured = shop.keyed("capture", operation="capture")
    taken = value(await shop.capture(first.id, 4_000, final=False, request=captured))
    raised = await shop.increment(first.id, 12_000, shop.keyed("increment"))
    assert raised == Failure(WrongStatus("requires_capture", "increment"))
    await shop.cancel(first.id)
    await shop.refund(first.id, 1_000)
    assert (await shop.try_pay(request=created, manual=True)).unwrap() == Reply(first, replayed=True)
    assert (await shop.capture(first.id, 4_000, final=False, request=captured)).unwrap() == Reply(
        taken, replayed=True
    )


async def test_every_verb_can_be_repeated(shop: Shop) -> None:
    payment = value(await shop.try_pay(confirm=False, manual=True))
    id = payment.id
    steps = [
        lambda: shop.core.update_payment()(shop.keyed("u"), shop.scope, id, description="x"),
        lambda: shop.confirm(id, request=shop.keyed("c")),
        lambda: shop.increment(id, 11_000, shop.keyed("i")),
        lambda: shop.capture(id, 6_000, request=shop.keyed("p"), final=False),
        lambda: shop.try_refund(id, 500, shop.keyed("r")),
        lambda: shop.cancel(id, shop.keyed("x")),
    ]
    first = [value(await step()) for step in steps]
    books = await shop.core.store().books(shop.scope)
    calls = list(shop.acquirer.calls)
    for step, outcome in zip(steps, first, strict=True):
        assert (await step()).unwrap() == Reply(outcome, replayed=True)
    assert shop.acquirer.calls == calls
    assert await shop.core.store().books(shop.scope) == books


async def test_a_no_is_replayed_too(shop: Shop) -> None:
    request = shop.keyed("k")
    first = await shop.pay(card="pm_card_chargeDeclined", request=request)
    again = await shop.try_pay(card="pm_card_chargeDeclined", request=request)
    assert again.unwrap() == Reply(first, replayed=True)
    assert shop.store.memory.state.claims[shop.scope, "k"].refusal == "declined"
    assert len(shop.acquirer.calls) == 1


async def test_a_declined_confirmation_is_not_confirmed_again(shop: Shop) -> None:
    """The payment is alive and could be confirmed; but this request had its answer."""
    payment = value(await shop.try_pay(confirm=False))
    request = shop.keyed("k")
    first = value(await shop.confirm(payment.id, "pm_card_chargeDeclined", request))
    again = await shop.confirm(payment.id, "pm_card_chargeDeclined", request)
    assert again.unwrap() == Reply(first, replayed=True)
    assert len(shop.acquirer.calls) == 1
    assert (
        value(await shop.confirm(payment.id, request=shop.keyed("other"))).status is PaymentStatus.SUCCEEDED
    )


async def test_the_same_key_for_something_else_is_reused(shop: Shop) -> None:
    payment = await shop.pay(request=shop.keyed("k"))
    reused = Failure(KeyReused("op"))
    assert await shop.try_pay(request=shop.keyed("k", b"other")) == reused
    assert await shop.capture(payment.id, request=shop.keyed("k", operation="capture")) == reused
    assert await shop.try_refund(payment.id, 1, shop.keyed("k", operation="refund")) == reused
    assert (await shop.payment(payment.id)).refunded_minor == 0


async def test_a_refused_request_burns_no_key(shop: Shop) -> None:
    payment = await shop.authorise(10_000)
    request = shop.keyed("k")
    assert await shop.capture(payment.id, 10_001, request=request) == Failure(AmountTooLarge(10_000))
    assert await stored_keys(shop) == set()
    assert value(await shop.capture(payment.id, 10_000, request=request)).captured_minor == 10_000


async def test_a_repeat_before_the_answer_is_told_to_wait(shop: Shop) -> None:
    request = shop.keyed("k")
    heard = []

    async def repeat() -> None:
        heard.append(await shop.try_pay(request=request))

    shop.acquirer.meanwhile = repeat
    payment = await shop.pay(request=request)
    assert heard == [Failure(KeyInFlight(payment.id, shop.clock.now() + LEASE))]
    assert len(shop.acquirer.calls) == 1


async def test_the_repeat_of_an_unknown_outcome_hears_what_the_first_heard(shop: Shop) -> None:
    request = shop.keyed("k")
    shop.acquirer.script.append(Fault.ANSWER_LOST)
    first = await shop.pay(request=request)
    assert first.status is PaymentStatus.PROCESSING
    shop.advance(seconds=1)
    await shop.sweep()
    assert (await shop.payment(first.id)).status is PaymentStatus.SUCCEEDED
    assert (await shop.try_pay(request=request)).unwrap() == Reply(first, replayed=True)


@pytest.mark.parametrize(
    ("dies", "status"),
    [("before", PaymentStatus.REQUIRES_PAYMENT_METHOD), ("after", PaymentStatus.SUCCEEDED)],
)
async def test_an_abandoned_request_is_continued_and_never_run_again(
    shop: Shop, dies: str, status: PaymentStatus
) -> None:
    request = shop.keyed("k")
    shop.acquirer.dies = [dies]
    with pytest.raises(LineDown):
        await shop.pay(request=request)
    for _ in range(2):
        shop.advance(seconds=29.9)
        assert isinstance((await shop.try_pay(request=request)).failure(), KeyInFlight)
    shop.advance(seconds=0.2)
    continued = (await shop.try_pay(request=request)).unwrap()
    assert continued.replayed
    assert continued.value.status is status
    asked = [call for call in shop.acquirer.calls if call == continued.value.attempts[0].id]
    assert len(asked) == (0 if dies == "before" else 1)
    assert len((await shop.core.queries().payments(shop.scope, Page())).items) == 1
    again = (await shop.try_pay(request=request)).unwrap()
    assert again.value.id == continued.value.id
    await shop.assert_proofs_hold()


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_an_abandoned_refund_is_continued_and_given_once(shop: Shop, dies: str) -> None:
    payment = await shop.pay(10_000)
    request = shop.keyed("k")
    shop.acquirer.dies = [dies]
    with pytest.raises(LineDown):
        await shop.try_refund(payment.id, 5_000, request)
    assert isinstance((await shop.try_refund(payment.id, 5_000, request)).failure(), KeyInFlight)
    shop.clock.advance(LEASE)
    continued = (await shop.try_refund(payment.id, 5_000, request)).unwrap()
    assert (continued.replayed, continued.value.status) == (True, RefundStatus.SUCCEEDED)
    assert (await shop.payment(payment.id)).refunded_minor == 5_000
    assert await shop.net("unsettled/2026-11-23") == 10_000 - 193 - 5_000
    await shop.assert_proofs_hold()


async def test_an_abandoned_increment_is_continued(shop: Shop) -> None:
    payment = await shop.authorise(10_000)
    request = shop.keyed("k")
    shop.acquirer.dies = ["after"]
    with pytest.raises(LineDown):
        await shop.increment(payment.id, 12_000, request)
    shop.clock.advance(LEASE)
    continued = (await shop.increment(payment.id, 12_000, request)).unwrap()
    assert (continued.replayed, continued.value.authorised_minor) == (True, 12_000)
    await shop.assert_proofs_hold()


async def test_keys_of_other_merchants_are_other_keys(shop: Shop) -> None:
    first = await shop.pay(request=shop.keyed("k"))
    other = MerchantId("acct_" + "n" * 24)
    await shop.core.onboard_merchant()(ACTOR, other, livemode=False, name="Other")
    shop.scope = Scope(other, livemode=False)
    assert (await shop.pay(request=shop.keyed("k", b"other"))).id != first.id


@pytest.mark.parametrize(
    "fault", [Fault.ANSWER_LATE, Fault.QUESTION_DOUBLED, Fault.ANSWER_LOST, Fault.QUESTION_LOST]
)
@pytest.mark.parametrize("manual", [True, False])
async def test_whatever_the_line_does_the_customer_pays_once_or_not_at_all(
    shop: Shop, fault: Fault, manual: bool
) -> None:
    shop.acquirer.script.append(fault)
    payment = await shop.pay(10_000, manual=manual)
    shop.advance(seconds=1)
    await shop.sweep()
    after = await shop.payment(payment.id)
    attempt = after.attempts[0]
    if fault is Fault.QUESTION_LOST:
        assert after.status is PaymentStatus.REQUIRES_PAYMENT_METHOD
        assert attempt.id in shop.acquirer._memory.reversed_requests
    else:
        assert after.authorised_minor == 10_000
        assert not shop.acquirer._memory.reversed_requests
    assert shop.acquirer.calls.count(attempt.id) == 1
    await shop.assert_proofs_hold()
