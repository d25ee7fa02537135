"""The promise of `PayoutBank`, for every adapter's tests."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from fintech.domain.ids import PayoutId
from fintech.domain.money import Currency
from fintech.domain.payouts.payout import PayoutMethod
from fintech.domain.payouts.replies import Accepted, NeverSeen, Paid, PayReply, Rejected, Unknown
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.id_source import IdSource
from fintech.ports.payout_bank import (
    ArrivalNotice,
    PayoutBank,
    PayoutNotice,
    PayoutOrder,
    RecallOrder,
    ReturnNotice,
)

ANSWER_PATIENCE_S = 30.0
NOTICES_MAX = 100
#: By then whatever was accepted has arrived, and whatever comes back has come back.
LONG = timedelta(days=10)

#: Moves the bank's clock on.
Advance = Callable[[timedelta], None]


class PayoutBankContract:
    """Subclass it and provide the fixtures ``bank``, ``clock`` (the bank's), ``advance`` (moves it by a timedelta),
    ``ids`` (an `IdSource`), ``scope`` (one that it serves), ``unserved`` (one that it does not), and numbers of test
    accounts: ``paying_account``, ``closed_account`` (rejected), ``lost_answer_account`` (paid, but the answer never
    arrives), ``lost_order_account`` (the first order never arrives), ``returning_account`` (paid, and it comes back) and
    ``keeping_account`` (paid, and a recall is rejected)."""

    async def test_it_knows_whom_it_serves(self, bank: PayoutBank, scope: Scope, unserved: Scope) -> None:
        assert bank.serves(scope)
        assert not bank.serves(unserved)

    async def test_it_does_nothing_for_whom_it_does_not_serve(
        self, bank: PayoutBank, unserved: Scope, ids: IdSource, paying_account: str
    ) -> None:
        for method in PayoutMethod:
            reply = await paid(bank, unserved, ordered(ids, paying_account, method))
            assert isinstance(reply, Rejected)

    @pytest.mark.parametrize("method", PayoutMethod)
    async def test_a_window_is_never_in_the_past(
        self, bank: PayoutBank, clock: Clock, method: PayoutMethod
    ) -> None:
        window = bank.next_window(method, clock.now())
        assert window >= clock.now()
        assert window.utcoffset() == timedelta()
        assert bank.next_window(method, window) >= window

    @pytest.mark.parametrize("method", PayoutMethod)
    async def test_the_same_order_is_answered_as_the_first_time_and_done_once(
        self, bank: PayoutBank, scope: Scope, ids: IdSource, paying_account: str, method: PayoutMethod
    ) -> None:
        order = ordered(ids, paying_account, method)
        first = await paid(bank, scope, order)
        assert isinstance(first, Accepted | Paid)
        many = await asyncio.gather(*(paid(bank, scope, order) for _ in range(5)))
        assert many == [first] * 5
        assert await bank.enquire(scope, order.request) == first

    async def test_what_was_accepted_arrives_and_that_is_told_until_it_is_acknowledged(
        self, bank: PayoutBank, scope: Scope, ids: IdSource, paying_account: str, advance: Advance
    ) -> None:
        orders = [ordered(ids, paying_account) for _ in range(3)]
        replies = [await paid(bank, scope, order) for order in orders]
        assert await told(bank, orders) == []
        advance(LONG)
        notices = await told(bank, orders)
        assert [notice.request for notice in notices] == [order.request for order in orders]
        for notice, reply in zip(notices, replies, strict=True):
            assert isinstance(notice, ArrivalNotice)
            assert isinstance(reply, Accepted)
            assert (notice.scope, notice.reference) == (scope, reply.reference)
            assert await bank.enquire(scope, notice.request) == Paid(reference=reply.reference)
        assert await told(bank, orders) == notices
        assert len(await bank.notices(1)) == 1
        for notice in notices:
            await bank.acknowledge(notice.notice)
            await bank.acknowledge(notice.notice)
        assert await told(bank, orders) == []
        assert await paid(bank, scope, orders[0]) == await bank.enquire(scope, orders[0].request)
        assert await told(bank, orders) == []

    @pytest.mark.parametrize("method", PayoutMethod)
    async def test_a_rejection_is_a_value_and_stays_one(
        self,
        bank: PayoutBank,
        scope: Scope,
        ids: IdSource,
        closed_account: str,
        advance: Advance,
        method: PayoutMethod,
    ) -> None:
        order = ordered(ids, closed_account, method)
        reply = await paid(bank, scope, order)
        assert isinstance(reply, Rejected)
        advance(LONG)
        assert await paid(bank, scope, order) == reply
        assert await bank.enquire(scope, order.request) == reply
        assert await told(bank, [order]) == []

    async def test_no_answer_in_time_is_unknown_and_an_enquiry_tells(
        self, bank: PayoutBank, scope: Scope, ids: IdSource, lost_answer_account: str
    ) -> None:
        order = ordered(ids, lost_answer_account)
        assert isinstance(await paid(bank, scope, order), Unknown)
        assert isinstance(await bank.enquire(scope, order.request), Accepted | Paid)

    async def test_what_never_arrived_is_unknown_and_may_be_sent_again(
        self, bank: PayoutBank, scope: Scope, ids: IdSource, lost_order_account: str
    ) -> None:
        order = ordered(ids, lost_order_account)
        assert isinstance(await paid(bank, scope, order), Unknown)
        assert await bank.enquire(scope, order.request) == NeverSeen()
        assert isinstance(await paid(bank, scope, order), Accepted | Paid)
        assert isinstance(await bank.enquire(scope, order.request), Accepted | Paid)

    @pytest.mark.parametrize("method", PayoutMethod)
    async def test_money_that_comes_back_is_told_of_after_it_arrived(
        self,
        bank: PayoutBank,
        scope: Scope,
        ids: IdSource,
        returning_account: str,
        advance: Advance,
        method: PayoutMethod,
    ) -> None:
        order = ordered(ids, returning_account, method)
        assert isinstance(await paid(bank, scope, order), Accepted | Paid)
        advance(LONG)
        *before, last = await told(bank, [order])
        assert all(isinstance(notice, ArrivalNotice) for notice in before)
        assert isinstance(last, ReturnNotice)
        assert (last.scope, last.request) == (scope, order.request)
        for notice in (*before, last):
            await bank.acknowledge(notice.notice)
        assert isinstance(await paid(bank, scope, order), Paid)
        assert await told(bank, [order]) == []

    async def test_a_recall_brings_back_what_was_paid_once(
        self, bank: PayoutBank, scope: Scope, ids: IdSource, paying_account: str, advance: Advance
    ) -> None:
        recall = recalled(ids, await self._arrived(bank, scope, ids, paying_account, advance))
        first = await bank.recall(scope, recall)
        assert isinstance(first, Accepted | Paid)
        assert await bank.recall(scope, recall) == first
        advance(LONG)
        assert isinstance(await bank.enquire(scope, recall.request), Paid)
        assert (
            isinstance(first, Paid)
            or [
                notice.request
                for notice in await bank.notices(NOTICES_MAX)
                if isinstance(notice, ArrivalNotice)
            ].count(recall.request)
            == 1
        )

    async def test_a_recall_may_be_rejected(
        self, bank: PayoutBank, scope: Scope, ids: IdSource, keeping_account: str, advance: Advance
    ) -> None:
        recall = recalled(ids, await self._arrived(bank, scope, ids, keeping_account, advance))
        assert isinstance(await bank.recall(scope, recall), Rejected)
        assert isinstance(await bank.enquire(scope, recall.request), Rejected)

    async def test_what_it_never_paid_is_not_brought_back(
        self, bank: PayoutBank, scope: Scope, ids: IdSource, paying_account: str
    ) -> None:
        assert isinstance(await bank.recall(scope, recalled(ids, ordered(ids, paying_account))), Rejected)

    async def _arrived(
        self, bank: PayoutBank, scope: Scope, ids: IdSource, account: str, advance: Advance
    ) -> PayoutOrder:
        order = ordered(ids, account)
        assert isinstance(await paid(bank, scope, order), Accepted | Paid)
        advance(LONG)
        for notice in await told(bank, [order]):
            await bank.acknowledge(notice.notice)
        return order


def ordered(ids: IdSource, number: str, method: PayoutMethod = PayoutMethod.STANDARD) -> PayoutOrder:
    """A new order to pay to an account."""
    return PayoutOrder(
        request=ids.new(PayoutId),
        method=method,
        holder="Contract & Sons",
        bsb="000000",
        number=number,
        amount_minor=1_234,
        currency=Currency.AUD,
    )


def recalled(ids: IdSource, order: PayoutOrder) -> RecallOrder:
    """A new order to bring another's money back."""
    return RecallOrder(
        request=ids.new(PayoutId),
        original_request=order.request,
        reference=None,
        amount_minor=order.amount_minor,
        currency=order.currency,
    )


async def paid(bank: PayoutBank, scope: Scope, order: PayoutOrder) -> PayReply:
    """The answer, which comes in bounded time."""
    async with asyncio.timeout(ANSWER_PATIENCE_S):
        return await bank.pay(scope, order)


async def told(bank: PayoutBank, orders: list[PayoutOrder]) -> list[PayoutNotice]:
    """What the bank has to say of some orders."""
    requests = {order.request for order in orders}
    return [notice for notice in await bank.notices(NOTICES_MAX) if notice.request in requests]
