"""Refunds: never more than was captured, never a fee given back twice, and an answer to every question."""

import asyncio

import pytest
from attrs import evolve

from fintech.adapters.simulator.card_acquirer import Fault
from fintech.application.commits import NotFound
from fintech.domain.cards import Decline, DeclineCode
from fintech.domain.changeset import KeyReused
from fintech.domain.events import EventType
from fintech.domain.ids import PaymentId, RefundId
from fintech.domain.merchants import DEFAULT_FEES, Limits
from fintech.domain.metadata import METADATA_KEYS_MAX, TooManyKeys
from fintech.domain.outcome import Failure
from fintech.domain.payments.refusals import AmountTooLarge, AmountTooSmall, WrongStatus
from fintech.domain.refunds.refund import InsufficientFunds, RefundFailure, RefundStatus
from fintech.ports.queries import Page
from tests.unit.application.shop import PLAIN, LineDown, Shop, open_shop, value

GENEROUS = evolve(DEFAULT_FEES, returned_on_refund=True)
DEBT = Limits(refund_debt_max_minor=50_000)


async def fee_kept(shop: Shop) -> tuple[int, int]:
    """What we have kept of fees and of their tax."""
    return await shop.net("fees/acquiring"), await shop.net("gst_payable/gst")


async def test_a_refund_takes_the_money_out_of_the_payments_day(shop: Shop) -> None:
    payment = await shop.pay(10_000)
    refund = await shop.refund(payment.id, 4_000)
    assert refund.status is RefundStatus.SUCCEEDED
    assert (await shop.payment(payment.id)).refunded_minor == 4_000
    assert await shop.net("unsettled/2026-11-23") == 10_000 - 193 - 4_000
    await shop.assert_proofs_hold()


async def test_without_an_amount_all_that_is_left_is_refunded(shop: Shop) -> None:
    payment = await shop.pay(10_000)
    await shop.pay(10_000)
    await shop.refund(payment.id, 4_000)
    assert (await shop.refund(payment.id)).amount_minor == 6_000
    assert await shop.try_refund(payment.id) == Failure(AmountTooSmall(1))


@pytest.mark.parametrize("amount", [10_001, 10**14])
async def test_more_than_was_captured_is_refused(shop: Shop, amount: int) -> None:
    payment = await shop.pay(10_000)
    assert await shop.try_refund(payment.id, amount) == Failure(AmountTooLarge(10_000))


@pytest.mark.parametrize("amount", [0, -1, -10_000])
async def test_nothing_and_less_cannot_be_refunded(shop: Shop, amount: int) -> None:
    payment = await shop.pay(10_000)
    assert await shop.try_refund(payment.id, amount) == Failure(AmountTooSmall(1))


async def test_what_was_not_captured_cannot_be_refunded(shop: Shop) -> None:
    payment = await shop.authorise()
    assert await shop.try_refund(payment.id, 1) == Failure(WrongStatus("requires_capture", "refund"))
    nothing = PaymentId("pi_" + "z" * 24)
    assert await shop.try_refund(nothing, 1) == Failure(NotFound("payment", nothing))


async def test_money_that_is_not_there_is_not_refunded_and_nothing_is_changed(shop: Shop) -> None:
    payment = await shop.pay(10_000)
    before = await shop.core.store().books(shop.scope), await shop.payment(payment.id)
    calls = list(shop.acquirer.calls)
    assert await shop.try_refund(payment.id, 10_000) == Failure(InsufficientFunds(9_807))
    assert (await shop.core.store().books(shop.scope), await shop.payment(payment.id)) == before
    assert shop.acquirer.calls == calls


async def test_a_declined_refund_gives_everything_back(shop: Shop) -> None:
    payment = await shop.pay(10_000, "pm_card_refundDeclined")
    before = await shop.core.store().books(shop.scope)
    refund = await shop.refund(payment.id, 5_000)
    assert (refund.status, refund.failure) == (RefundStatus.FAILED, RefundFailure.DECLINED)
    assert (await shop.payment(payment.id)).refunded_minor == 0
    after = await shop.core.store().books(shop.scope)
    assert {a: b for a, b in after.items() if b != type(b)()} == before
    await shop.assert_proofs_hold()


async def test_an_unknown_refund_is_asked_about_until_somebody_knows(shop: Shop) -> None:
    payment = await shop.pay(10_000)
    shop.acquirer.script.extend([Fault.ANSWER_LOST] * 30)
    refund = await shop.refund(payment.id, 5_000)
    assert refund.status is RefundStatus.UNKNOWN
    for _ in range(29):
        shop.advance(hours=1)
        await shop.sweep()
    assert (await shop.stored_refund(refund)).status is RefundStatus.UNKNOWN
    shop.advance(hours=1)
    await shop.sweep()
    assert (await shop.stored_refund(refund)).status is RefundStatus.SUCCEEDED
    assert shop.acquirer.calls.count(refund.id) == 1
    await shop.assert_proofs_hold()


async def test_a_refund_that_never_arrived_is_sent_again(shop: Shop) -> None:
    payment = await shop.pay(10_000)
    shop.acquirer.script.append(Fault.QUESTION_LOST)
    refund = await shop.refund(payment.id, 5_000)
    shop.advance(seconds=1)
    await shop.sweep()
    assert (await shop.stored_refund(refund)).status is RefundStatus.SUCCEEDED
    assert shop.acquirer.calls.count(refund.id) == 2


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_a_process_that_died_in_the_middle_leaves_a_refund_that_comes_about(
    shop: Shop, dies: str
) -> None:
    payment = await shop.pay(10_000)
    shop.acquirer.dies = [dies]
    with pytest.raises(LineDown):
        await shop.refund(payment.id, 5_000)
    (refund,) = await shop.refunds()
    shop.advance(seconds=44)
    assert await shop.sweep() == 0
    shop.advance(seconds=1)
    assert await shop.sweep() == 1
    assert (await shop.stored_refund(refund)).status is RefundStatus.SUCCEEDED
    assert await shop.net("unsettled/2026-11-23") == 10_000 - 193 - 5_000
    await shop.assert_proofs_hold()


async def test_a_late_answer_changes_nothing(shop: Shop) -> None:
    payment = await shop.pay(10_000)

    async def resolve() -> None:
        shop.advance(seconds=45)
        await shop.sweep()

    shop.acquirer.meanwhile = resolve
    refund = await shop.refund(payment.id, 5_000)
    assert refund == await shop.stored_refund(refund)
    assert refund.version == 2
    await shop.assert_proofs_hold()


# -- the fee


async def test_the_fee_is_kept_unless_the_plan_says_otherwise(shop: Shop) -> None:
    payment = await shop.pay(10_000)
    await shop.pay(10_000)
    await shop.refund(payment.id)
    assert await fee_kept(shop) == (350, 36)


@pytest.mark.parametrize("parts", [(10_000,), (3_333, 3_333, 3_334), (1, 9_999), (5_000, 5_000)])
async def test_refunds_in_parts_give_back_in_all_what_one_refund_would(parts: tuple[int, ...]) -> None:
    async with open_shop(fees=GENEROUS, limits=DEBT) as shop:
        payment = await shop.pay(10_000)
        for part in parts:
            await shop.refund(payment.id, part)
        assert await fee_kept(shop) == (0, 0)
        await shop.assert_proofs_hold()


@pytest.mark.parametrize("parts", [(3_333, 3_333, 3_334), (1, 9_999), (5_000, 5_000), (100,) * 100])
async def test_also_when_they_are_all_open_at_once(parts: tuple[int, ...]) -> None:
    """Their answers come in any order, after all of them were asked for."""
    async with open_shop(fees=GENEROUS, limits=DEBT) as shop:
        payment = await shop.pay(10_000)
        shop.acquirer.script.extend([Fault.ANSWER_LOST] * len(parts))
        for part in parts:
            assert (await shop.refund(payment.id, part)).status is RefundStatus.UNKNOWN
        shop.advance(seconds=1)
        await shop.sweep()
        assert await fee_kept(shop) == (0, 0)
        await shop.assert_proofs_hold()


async def test_a_refund_that_failed_gives_no_fee_back_and_takes_none_from_the_next() -> None:
    async with open_shop(fees=GENEROUS, limits=DEBT) as shop:
        payment = await shop.pay(10_000)
        shop.acquirer.script.extend([Fault.ANSWER_LOST] * 2)
        first = await shop.refund(payment.id, 3_000)
        second = await shop.refund(payment.id, 7_000)
        shop.acquirer._memory.answers[first.id] = Decline(code=DeclineCode.EXPIRED_CARD, scheme_code="54")
        shop.advance(seconds=1)
        await shop.sweep()
        assert (await shop.stored_refund(first)).status is RefundStatus.FAILED
        assert (await shop.stored_refund(second)).status is RefundStatus.SUCCEEDED
        assert sum(await fee_kept(shop)) == 193 - round(193 * 0.7)
        await shop.refund(payment.id, 3_000)
        assert await fee_kept(shop) == (0, 0)


async def test_a_fee_is_given_back_once_however_often_the_refund_comes_back() -> None:
    async with open_shop(fees=GENEROUS, limits=DEBT) as shop:
        payment = await shop.pay(10_000, "pm_card_refundFail")
        for _ in range(3):
            await shop.refund(payment.id)
            assert await fee_kept(shop) == (0, 0)
            await shop.sweep()
            assert (await shop.payment(payment.id)).refunded_minor == 0
        assert await fee_kept(shop) == (0, 0)
        await shop.assert_proofs_hold()


# -- what may be changed of a refund


async def test_metadata_is_merged_and_nothing_else_changes(shop: Shop) -> None:
    payment = await shop.pay(10_000)
    refund = await shop.refund(payment.id, 4_000)
    update = shop.core.update_refund()
    await update(PLAIN, shop.scope, refund.id, metadata=(("a", "1"), ("b", "2")))
    after = value(await update(PLAIN, shop.scope, refund.id, metadata=(("b", ""), ("c", "3"))))
    assert after == evolve(refund, version=refund.version + 2, metadata=(("a", "1"), ("c", "3")))
    assert await shop.stored_refund(refund) == after
    events = (await shop.core.queries().events(shop.scope, Page(limit=2))).items
    assert [(event.type, event.snapshot.version) for event in events] == [
        (EventType.REFUND_UPDATED, refund.version + 2),
        (EventType.REFUND_UPDATED, refund.version + 1),
    ]
    assert value(await update(PLAIN, shop.scope, refund.id, metadata=())).metadata == ()
    assert value(await update(PLAIN, shop.scope, refund.id)).metadata == ()
    await shop.assert_proofs_hold()


async def test_metadata_has_at_most_so_many_keys(shop: Shop) -> None:
    refund = await shop.refund((await shop.pay(10_000)).id, 4_000)
    many = tuple((f"k{n}", "v") for n in range(METADATA_KEYS_MAX + 1))
    refused = await shop.core.update_refund()(PLAIN, shop.scope, refund.id, metadata=many)
    assert refused == Failure(TooManyKeys(METADATA_KEYS_MAX))
    assert await shop.stored_refund(refund) == refund


async def test_a_refund_that_there_is_not_is_not_changed(shop: Shop) -> None:
    nothing = RefundId("re_" + "z" * 24)
    refused = await shop.core.update_refund()(PLAIN, shop.scope, nothing, metadata=(("a", "1"),))
    assert refused == Failure(NotFound("refund", nothing))


async def test_the_same_change_again_is_answered_and_not_made(shop: Shop) -> None:
    refund = await shop.refund((await shop.pay(10_000)).id, 4_000)
    update, request = shop.core.update_refund(), shop.keyed("once")
    first = (await update(request, shop.scope, refund.id, metadata=(("a", "1"),))).unwrap()
    await update(PLAIN, shop.scope, refund.id, metadata=(("a", "2"),))
    again = (await update(request, shop.scope, refund.id, metadata=(("a", "1"),))).unwrap()
    assert (first.replayed, again.replayed, again.value) == (False, True, first.value)
    assert (await shop.stored_refund(refund)).metadata == (("a", "2"),)
    other = await update(shop.keyed("once", b"g"), shop.scope, refund.id, metadata=(("a", "3"),))
    assert other == Failure(KeyReused("op"))


async def test_changes_at_once_are_all_made(shop: Shop) -> None:
    refund = await shop.refund((await shop.pay(10_000)).id, 4_000)
    update = shop.core.update_refund()
    await asyncio.gather(
        *(update(PLAIN, shop.scope, refund.id, metadata=((f"k{n}", "v"),)) for n in range(8))
    )
    assert len((await shop.stored_refund(refund)).metadata) == 8


async def test_a_refund_changed_while_the_acquirer_is_asked_keeps_both(shop: Shop) -> None:
    payment = await shop.pay(10_000)

    async def meanwhile() -> None:
        (sent,) = await shop.refunds()
        await shop.core.update_refund()(PLAIN, shop.scope, sent.id, metadata=(("a", "1"),))

    shop.acquirer.meanwhile = meanwhile
    refund = await shop.refund(payment.id, 4_000)
    assert (refund.status, refund.metadata) == (RefundStatus.SUCCEEDED, (("a", "1"),))
    await shop.assert_proofs_hold()
