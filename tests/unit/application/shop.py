"""A merchant with a till, an acquirer that can be told to misbehave, and a clock that stands still."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.store import MemoryStore
from fintech.adapters.simulator.card_acquirer import Fault, SimulatedAcquirer
from fintech.application.commits import Reply, Request, RequestKey
from fintech.domain.cards import (
    AuthorisationReply,
    Decline,
    DeclineCode,
    EnquiryReply,
)
from fintech.domain.ids import MerchantId, PaymentId
from fintech.domain.ledger import Balances, Books
from fintech.domain.money import Currency
from fintech.domain.outcome import Success
from fintech.domain.payment_methods import Method
from fintech.domain.payments.payment import CaptureMethod, Payment
from fintech.domain.refunds.refund import Refund
from fintech.domain.scope import Actor, Face, Scope
from fintech.entrypoints.container import Core
from fintech.entrypoints.profiles import testing
from fintech.ports.card_acquirer import Authorisation, FollowUp, Reversal
from fintech.ports.proofs import Proof
from fintech.ports.queries import Page
from tests.cores import OpenCore
from tests.vaults import ScriptedVault

ACTOR = Actor("till", Face.EMBEDDED)
PLAIN = Request(actor=ACTOR)
MERCHANT = MerchantId("acct_" + "m" * 24)


class LineDown(Exception):
    """An acquirer that breaks its promise never to raise: or the process, dying in the middle of a call."""


class FickleAcquirer(SimulatedAcquirer):
    """The simulator, with a hand in it.

    ``dies`` names what the next calls raise after: ``"before"`` the question is sent, or ``"after"`` it was answered.
    ``meanwhile`` is awaited in the middle of the next call. ``reversals`` remembers what it was told to forget, and
    keeps the promise of the port to the letter: the same request again is answered as the first time and done once.
    """

    def __init__(self, *, script: Iterable[Fault | None] = ()) -> None:
        super().__init__(script=script, answer_timeout_s=0)
        self.dies: list[str] = []
        self.meanwhile: Any = None
        self.declines: set[str] = set()
        self.reversals: dict[str, Reversal] = {}

    async def authorise(self, scope: Scope, authorisation: Authorisation) -> AuthorisationReply:
        return await self._around(super().authorise(scope, authorisation))

    async def increment(self, scope: Scope, increment: FollowUp) -> AuthorisationReply:
        if increment.request in self.declines:
            self._memory.answers[increment.request] = Decline(
                code=DeclineCode.INSUFFICIENT_FUNDS, scheme_code="51"
            )
        return await self._around(super().increment(scope, increment))

    async def refund(self, scope: Scope, refund: FollowUp) -> AuthorisationReply:
        return await self._around(super().refund(scope, refund))

    async def enquire(self, scope: Scope, request: str) -> EnquiryReply:
        return await self._around(super().enquire(scope, request))

    async def reverse(self, scope: Scope, reversal: Reversal) -> bool:
        if not (self.script and self.script[0] is Fault.QUESTION_LOST):
            self.reversals.setdefault(reversal.request, reversal)
        return await super().reverse(scope, reversal)

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


class Shop:
    """Short words for what tests do all day."""

    def __init__(
        self,
        core: Core,
        clock: ManualClock,
        acquirer: FickleAcquirer,
        scope: Scope,
        vault: ScriptedVault | None = None,
    ) -> None:
        self.core = core
        self.vault = vault or ScriptedVault()
        self.clock = clock
        self.acquirer = acquirer
        self.scope = scope
        self.books = Books.of(scope.merchant, Currency.AUD)

    def card(self, name: str = "pm_card_visa") -> Method:
        """A test card."""
        card = self.core.cards().named(self.scope, name)
        assert card is not None
        return Method(name, card)

    def keyed(self, key: str, fingerprint: bytes = b"f", operation: str = "op") -> Request:
        """A request under an idempotency key."""
        return Request(actor=ACTOR, key=RequestKey(key=key, operation=operation, fingerprint=fingerprint))

    async def try_pay(
        self,
        amount_minor: int = 10_000,
        card: str | None = "pm_card_visa",
        *,
        request: Request = PLAIN,
        manual: bool = False,
        confirm: bool = True,
    ) -> Any:
        """Create a payment, confirmed at once if nothing else is said."""
        return await self.core.create_payment()(
            request,
            self.scope,
            amount_minor=amount_minor,
            currency=Currency.AUD,
            method=self.card(card) if card else None,
            capture_method=CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC,
            confirm=confirm,
        )

    async def pay(self, amount_minor: int = 10_000, card: str = "pm_card_visa", **more: Any) -> Payment:
        """A payment that must not be refused."""
        return value(await self.try_pay(amount_minor, card, **more))

    async def authorise(self, amount_minor: int = 10_000) -> Payment:
        """A payment that waits to be captured."""
        return await self.pay(amount_minor, manual=True)

    async def capture(self, id: PaymentId, amount_minor: int | None = None, **more: Any) -> Any:
        """Capture."""
        request = more.pop("request", PLAIN)
        return await self.core.capture_payment()(request, self.scope, id, amount_minor=amount_minor, **more)

    async def cancel(self, id: PaymentId, request: Request = PLAIN) -> Any:
        """Cancel."""
        return await self.core.cancel_payment()(request, self.scope, id)

    async def increment(self, id: PaymentId, amount_minor: int, request: Request = PLAIN) -> Any:
        """Increment."""
        return await self.core.increment_authorisation()(request, self.scope, id, amount_minor)

    async def confirm(self, id: PaymentId, card: str = "pm_card_visa", request: Request = PLAIN) -> Any:
        """Confirm."""
        return await self.core.confirm_payment()(request, self.scope, id, self.card(card))

    async def try_refund(
        self, id: PaymentId, amount_minor: int | None = None, request: Request = PLAIN
    ) -> Any:
        """Refund."""
        return await self.core.create_refund()(request, self.scope, id, amount_minor=amount_minor)

    async def refund(self, id: PaymentId, amount_minor: int | None = None) -> Refund:
        """A refund that must not be refused."""
        refund: Refund = value(await self.try_refund(id, amount_minor))
        return refund

    async def settle(self, through: date = date(2030, 1, 1)) -> Any:
        """Settle."""
        return await self.core.settle_merchant()(ACTOR, self.scope, through)

    async def sweep(self) -> int:
        """One round of the sweeper."""
        return await self.core.sweep()()

    def advance(self, **by: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(**by))

    async def sweep_until_quiet(self) -> None:
        """Let time pass and sweep until there is nothing left to do."""
        for _ in range(60):
            self.advance(hours=1)
            await self.sweep()

    async def payment(self, id: PaymentId) -> Payment:
        """A payment as it is stored."""
        payment = await self.core.store().payment(self.scope, id)
        assert payment is not None
        return payment

    async def stored_refund(self, refund: Refund) -> Refund:
        """A refund as it is stored."""
        found = await self.core.store().refund(self.scope, refund.id)
        assert found is not None
        return found

    async def net(self, code: str) -> int:
        """Credits less debits that are posted on an account."""
        account = self.books.account(code)
        balance: Balances = (await self.core.store().balances(self.scope, [account]))[account]
        return balance.credits_posted - balance.debits_posted

    async def assert_proofs_hold(self) -> None:
        """Everything that must be true of the books is."""
        for proof in Proof:
            assert list(await self.core.proofs().check(proof, livemode=False)) == []

    async def payments(self) -> tuple[Payment, ...]:
        """All payments, the newest first."""
        return (await self.core.queries().payments(self.scope, Page(limit=100))).items

    async def refunds(self) -> tuple[Refund, ...]:
        """All refunds, the newest first."""
        return (await self.core.queries().refunds(self.scope, Page(limit=100))).items

    @property
    def store(self) -> MemoryStore:
        """The store, to look inside."""
        store = self.core.store()
        assert isinstance(store, MemoryStore)
        return store


def value(outcome: Any) -> Any:
    """What a request that must not be refused came to."""
    assert isinstance(outcome, Success), outcome
    reply = outcome.unwrap()
    return reply.value if isinstance(reply, Reply) else reply


@asynccontextmanager
async def open_shop(
    script: Iterable[Fault | None] = (), opens: OpenCore = testing, **terms: Any
) -> AsyncIterator[Shop]:
    """A shop whose merchant trades on the given terms (fees, limits), on the given kind of core."""
    clock = ManualClock()
    acquirer, vault = FickleAcquirer(script=script), ScriptedVault()
    async with opens(acquirer=acquirer, clock=clock, key_vault=vault) as core:
        await core.onboard_merchant()(ACTOR, MERCHANT, livemode=False, name="Kiosk", **terms)
        yield Shop(core, clock, acquirer, Scope(MERCHANT, livemode=False), vault)
