"""The sweeper: looks after everything whose time has come."""

import asyncio
from datetime import timedelta
from typing import Final

from attrs import frozen

from fintech.application.commits import NotFound
from fintech.application.disputes.resolving import HeedDispute, ResolveDispute
from fintech.application.payments.resolving import ResolvePayment
from fintech.application.payouts.resolving import HeedPayoutNotice, ResolvePayout
from fintech.application.payouts.schedule import PayOnSchedule
from fintech.application.refunds.asking import RefundRefusal
from fintech.application.refunds.resolving import ResolveRefund, ReturnRefund
from fintech.domain.disputes.facts import NoNews
from fintech.domain.ids import ChargeId, DisputeId, PaymentId, PayoutId, RefundId
from fintech.domain.outcome import Success
from fintech.domain.payouts.refusals import PayoutWrongStatus
from fintech.domain.refunds.refund import RefundOver, RefundStatus
from fintech.domain.scope import Actor, Face, Scope
from fintech.ports.card_acquirer import CardAcquirer, DisputeNotice, Notice
from fintech.ports.clock import Clock
from fintech.ports.payout_bank import PayoutBank, PayoutNotice
from fintech.ports.store import Due, Store

#: How many things one round takes, and how many of them at once.
ROUND_MAX: Final = 100
AT_ONCE_MAX: Final = 10
LEASE: Final = timedelta(seconds=30)
SWEEPER: Final = Actor("sweeper", Face.WORKER, "its time has come")


@frozen(kw_only=True)
class Sweep:
    """One round over what is due: unknown outcomes, expired authorisations, reversals, payouts that are to be sent,
    scheduled ones, responses to disputes, and what the acquirer and the bank have to say."""

    store: Store
    clock: Clock
    acquirer: CardAcquirer
    resolve_payment: ResolvePayment
    resolve_refund: ResolveRefund
    return_refund: ReturnRefund
    bank: PayoutBank
    resolve_payout: ResolvePayout
    heed_payout_notice: HeedPayoutNotice
    pay_on_schedule: PayOnSchedule
    resolve_dispute: ResolveDispute
    heed_dispute: HeedDispute

    async def __call__(self) -> int:
        """How many things were looked at; `ROUND_MAX` or more says that another round is worth it at once."""
        now = self.clock.now()
        payments = await self.store.claim_due(Due.PAYMENTS, now, ROUND_MAX, LEASE)
        refunds = await self.store.claim_due(Due.REFUNDS, now, ROUND_MAX, LEASE)
        payouts = await self.store.claim_due(Due.PAYOUTS, now, ROUND_MAX, LEASE)
        schedules = await self.store.claim_due(Due.BALANCE_SETTINGS, now, ROUND_MAX, LEASE)
        disputes = await self.store.claim_due(Due.DISPUTES, now, ROUND_MAX, LEASE)
        places = asyncio.Semaphore(AT_ONCE_MAX)

        async def payment(scope: Scope, id: str) -> None:
            async with places:
                await self.resolve_payment(scope, PaymentId(id), SWEEPER)

        async def refund(scope: Scope, id: str) -> None:
            async with places:
                await self.resolve_refund(scope, RefundId(id), SWEEPER)

        async def payout(scope: Scope, id: str) -> None:
            async with places:
                await self.resolve_payout(scope, PayoutId(id), SWEEPER)

        async def schedule(scope: Scope) -> None:
            async with places:
                await self.pay_on_schedule(scope, SWEEPER)

        async def dispute(scope: Scope, id: str) -> None:
            async with places:
                await self.resolve_dispute(scope, DisputeId(id), SWEEPER)

        results = await asyncio.gather(
            *(payment(scope, id) for scope, id in payments),
            *(refund(scope, id) for scope, id in refunds),
            *(payout(scope, id) for scope, id in payouts),
            *(schedule(scope) for scope, _ in schedules),
            *(dispute(scope, id) for scope, id in disputes),
            return_exceptions=True,
        )
        notices = await self.acquirer.notices(ROUND_MAX)
        for notice in notices:
            results += await asyncio.gather(self._heed(notice), return_exceptions=True)
        bank_notices = await self.bank.notices(ROUND_MAX)
        for told in bank_notices:
            results += await asyncio.gather(self._heed_bank(told), return_exceptions=True)
        broken = [result for result in results if isinstance(result, BaseException)]
        if broken:
            raise broken[0]
        due = len(payments) + len(refunds) + len(payouts) + len(schedules) + len(disputes)
        return due + len(notices) + len(bank_notices)

    async def _heed(self, notice: Notice) -> None:
        """Do what a notice says and acknowledge it; one that is about what is not known yet is told again next time."""
        if isinstance(notice, DisputeNotice):
            charge = ChargeId(notice.charge_request)
            left = await self.heed_dispute(notice.scope, charge, notice.news, SWEEPER)
            heeded = isinstance(left, NoNews | NotFound)
        else:
            id = RefundId(notice.refund_request)
            returned = await self.return_refund(notice.scope, id, notice.failure, SWEEPER)
            heeded = isinstance(returned, Success) or _nothing_to_do(returned.failure())
        if heeded:
            await self.acquirer.acknowledge(notice.notice)

    async def _heed_bank(self, notice: PayoutNotice) -> None:
        """The same for the bank; what a payout is past, it is past for good."""
        heeded = await self.heed_payout_notice(notice, SWEEPER)
        if isinstance(heeded, Success) or isinstance(heeded.failure(), NotFound | PayoutWrongStatus):
            await self.bank.acknowledge(notice.notice)


def _nothing_to_do(refused: RefundRefusal) -> bool:
    """Whether a notice was heeded before, or is about a refund that is not in these books."""
    return isinstance(refused, NotFound) or refused == RefundOver(RefundStatus.FAILED)
