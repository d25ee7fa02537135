"""A shop that is paid out: it has a bank account, and a bank that can be told to misbehave."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.simulator.card_acquirer import Fault
from fintech.adapters.simulator.payout_bank import SimulatedPayoutBank
from fintech.domain.balance_settings import DEFAULT_INSTANT, InstantPolicy
from fintech.domain.bank_accounts import BankAccount
from fintech.domain.changeset import Change, Changeset
from fintech.domain.chart import Limit
from fintech.domain.events import EventType
from fintech.domain.ids import BankAccountId, ChangesetId, MerchantId, MovementId, PayoutId
from fintech.domain.ledger import AccountId, Movement, TransferKind
from fintech.domain.money import Currency
from fintech.domain.outcome import Success
from fintech.domain.payouts.payout import Payout, PayoutMethod
from fintech.domain.payouts.replies import EnquiryReply, PayReply
from fintech.domain.scope import Scope
from fintech.entrypoints.profiles import testing
from fintech.ports.payout_bank import PayoutOrder, RecallOrder
from fintech.ports.queries import Page
from tests.cores import OpenCore
from tests.unit.application.shop import ACTOR, MERCHANT, PLAIN, FickleAcquirer, LineDown, Shop, value
from tests.vaults import ScriptedVault

#: Test accounts by what they do.
PAYS, CLOSED, RETURNS, ANSWER_LOST, ORDER_LOST, SILENT, KEEPS = (
    "000123456",
    "111111113",
    "000900011",
    "000900029",
    "000900037",
    "000900045",
    "000900052",
)


class FickleBank(SimulatedPayoutBank):
    """The simulator, with a hand in it: as `FickleAcquirer`."""

    def __init__(self, clock: ManualClock, *, script: Iterable[Fault | None] = ()) -> None:
        super().__init__(clock, script=script, answer_timeout_s=0)
        self.dies: list[str] = []
        self.meanwhile: Any = None

    async def pay(self, scope: Scope, order: PayoutOrder) -> PayReply:
        reply: PayReply = await self._around(super().pay(scope, order))
        return reply

    async def recall(self, scope: Scope, order: RecallOrder) -> PayReply:
        reply: PayReply = await self._around(super().recall(scope, order))
        return reply

    async def enquire(self, scope: Scope, request: str) -> EnquiryReply:
        reply: EnquiryReply = await self._around(super().enquire(scope, request))
        return reply

    async def _around(self, call: Any) -> Any:
        dies = self.dies.pop(0) if self.dies else None
        if dies == "before":
            call.close()
            raise LineDown
        answer = await call
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        if dies == "after":
            raise LineDown
        return answer

    def paid(self, id: PayoutId) -> int:
        """How often the bank heard of a payout."""
        return self.calls.count(id)


class Counter(Shop):
    """Short words for what tests of payouts do all day."""

    bank: FickleBank

    async def account(self, number: str = PAYS, **more: Any) -> BankAccount:
        """A bank account that must not be refused."""
        account: BankAccount = value(
            await self.core.add_bank_account()(
                PLAIN,
                self.scope,
                **{"holder": "Kiosk", "bsb": "000000", "currency": Currency.AUD, "number": number, **more},
            )
        )
        return account

    async def try_pay_out(
        self, amount_minor: int | None = None, method: str = "standard", **more: Any
    ) -> Any:
        """Ask for a payout."""
        request = more.pop("request", PLAIN)
        return await self.core.create_payout()(
            request, self.scope, amount_minor=amount_minor, method=PayoutMethod(method), **more
        )

    async def pay_out(self, amount_minor: int | None = None, method: str = "standard", **more: Any) -> Payout:
        """A payout that must not be refused."""
        payout: Payout = value(await self.try_pay_out(amount_minor, method, **more))
        return payout

    async def instant(self, amount_minor: int | None = None, **more: Any) -> Payout:
        """An instant one."""
        return await self.pay_out(amount_minor, "instant", **more)

    async def arrived(self, payout: Payout) -> Payout:
        """Let it be sent, let it arrive, and let the bank say so."""
        self.advance(seconds=5)
        await self.sweep()
        self.advance(seconds=3)
        await self.sweep()
        return await self.payout(payout.id)

    async def payout(self, id: PayoutId) -> Payout:
        """A payout as it is stored."""
        payout = await self.core.store().payout(self.scope, id)
        assert payout is not None
        return payout

    async def payouts(self) -> tuple[Payout, ...]:
        """All payouts, the newest first."""
        return (await self.core.queries().payouts(self.scope, Page(limit=100))).items

    async def events(self, limit: int = 100) -> list[str]:
        """The types of what happened, the oldest first."""
        listed = await self.core.queries().events(self.scope, Page(limit=limit))
        return [event.type.value for event in reversed(listed.items)]

    async def balance(self) -> dict[str, int]:
        """What the merchant has and owes: credits less debits, by bucket, without those that have nothing on them."""
        found: dict[str, int] = {}
        for account, balances in (await self.core.store().books(self.scope)).items():
            bucket = account.code.partition("/")[0]
            found[bucket] = found.get(bucket, 0) + balances.credits_posted - balances.debits_posted
        return {bucket: minor for bucket, minor in found.items() if minor}

    async def policy(self, **changes: Any) -> None:
        """Change the terms of instant payouts."""
        members = {each: getattr(DEFAULT_INSTANT, each) for each in InstantPolicy.__annotations__}
        value(
            await self.core.change_instant_policy()(
                ACTOR, self.scope, InstantPolicy(**{**members, **changes})
            )
        )

    async def earn(self, amount_minor: int = 10_000) -> None:
        """Money that may be paid out: a sale that was settled."""
        await self.pay(amount_minor)
        await self.settle()

    async def owe(self, amount_minor: int) -> None:
        """The merchant owes us money, as a chargeback would have it."""
        owed = self.books.account("receivable")
        await self._move(TransferKind.DISPUTE, owed, self.books.account("own_cash"), amount_minor)

    async def reserve(self, amount_minor: int) -> None:
        """Available money is held back."""
        available, reserved = self.books.account("available"), self.books.account("reserved")
        await self._move(TransferKind.RESERVE, available, reserved, amount_minor)

    async def repay(self, amount_minor: int) -> None:
        """Settlement repays so much of what was advanced."""
        (day,) = [
            account
            for account, balance in (await self.core.store().books(self.scope)).items()
            if account.code.startswith("unsettled/") and balance.spendable(Limit.DEBITS_WITHIN_CREDITS)
        ]
        await self._move(TransferKind.ADVANCE_REPAYMENT, day, self.books.account("advance"), amount_minor)

    async def _move(self, kind: TransferKind, debit: AccountId, credit: AccountId, amount_minor: int) -> None:
        """Book what no use case of this noun books, for a payment that stands for whatever it was."""
        payment = await self.pay(50)
        changeset = self.core.ids().new(ChangesetId)
        movement = Movement(MovementId.of(changeset, 0), source=payment.id, at=self.clock.now())
        movement.move(kind, debit, credit, amount_minor)
        changes = Changeset(
            id=changeset,
            at=self.clock.now(),
            actor=ACTOR,
            changes=(Change(payment, EventType.PAYMENT_UPDATED),),
            transfers=tuple(movement.legs),
        )
        assert isinstance(await self.core.store().commit(self.scope, changes), Success)

    async def assert_books_hold(self) -> None:
        """The proofs hold, and what is in transit is what payouts have open."""
        await self.assert_proofs_hold()
        open_minor = sum(payout.in_transit_minor for payout in await self.payouts())
        assert await self.net("in_transit") == open_minor


#: An account that there is not.
NOWHERE = BankAccountId("ba_" + "z" * 24)


@asynccontextmanager
async def open_counter(
    *, opens: OpenCore = testing, clock: ManualClock | None = None, number: str | None = PAYS, **terms: Any
) -> AsyncIterator[Counter]:
    """A shop with a bank account (with ``number`` None: without one), on the given kind of core."""
    clock = clock or ManualClock()
    acquirer, bank, vault = FickleAcquirer(), FickleBank(clock), ScriptedVault()
    async with opens(acquirer=acquirer, bank=bank, clock=clock, key_vault=vault) as core:
        await core.onboard_merchant()(ACTOR, MERCHANT, livemode=False, name="Kiosk", **terms)
        counter = Counter(core, clock, acquirer, Scope(MerchantId(MERCHANT), livemode=False), vault)
        counter.bank = bank
        if number is not None:
            await counter.account(number)
        yield counter
