"""One core with its acquirer and its bank, and everything that can be done to it and seen of it."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from itertools import count
from typing import Any, Final, Protocol

from attrs import define, evolve, field

from fintech.adapters.memory.clock import ManualClock
from fintech.application.commits import Request, RequestKey
from fintech.domain.balance_settings import DEFAULT_INSTANT, BalanceSettings, InstantPolicy
from fintech.domain.bank_accounts import BankAccount
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.ids import MerchantId, PaymentId
from fintech.domain.ledger import AccountId, Balances
from fintech.domain.merchants import DEFAULT_FEES, FeePlan, Limits, SchemeFee
from fintech.domain.money import Currency
from fintech.domain.payment_methods import Method
from fintech.domain.payments.payment import Payment
from fintech.domain.payouts.payout import Payout
from fintech.domain.refunds.refund import Refund
from fintech.domain.scope import Actor, Face, Scope
from fintech.domain.write_offs import WriteOff
from fintech.entrypoints.container import Core
from fintech.ports.proofs import Proofs
from fintech.ports.queries import PAGE_MAX, Page, Queries
from fintech.ports.store import Store
from tests.properties.acquirers import LineDown, StoryAcquirer
from tests.properties.banks import StoryBank

ACTOR: Final = Actor("story", Face.EMBEDDED)
_PAGE: Final = Page(limit=PAGE_MAX)

#: What a deed comes to when the process dies in the middle of it.
DIED: Final = "died"
#: Fresh merchants for every story, so that stories may share a database.
_MERCHANTS: Final = count(1)

#: A kiosk on the usual plan that may not owe anything, and a generous shop with fixed fees that may.
TERMS: Final[tuple[dict[str, Any], ...]] = (
    {"fees": DEFAULT_FEES, "limits": Limits(payment_max_minor=50_000)},
    {
        "fees": evolve(
            DEFAULT_FEES, standard=SchemeFee(rate_bps=175, fixed_minor=30), returned_on_refund=True
        ),
        "limits": Limits(payment_max_minor=50_000, refund_debt_max_minor=4_000),
    },
)
#: The kiosk's instant payouts are on the usual terms; the shop's are advanced against everything, and never cool off.
INSTANT: Final[tuple[InstantPolicy, ...]] = (
    DEFAULT_INSTANT,
    evolve(DEFAULT_INSTANT, share_bps=10_000, fee_bps=100, cool_off_h=0, day_count_max=3),
)
#: Test accounts, which everybody has; the first is the default. They pay, are closed, send the money back, lose the
#: answer, lose the order, say nothing, and do not give money back.
NUMBERS: Final = (
    "000123456",
    "111111113",
    "000900011",
    "000900029",
    "000900037",
    "000900045",
    "000900052",
)


class OpenCore(Protocol):
    """Opens an empty core on a clock, an acquirer and a bank, with ids that count: `profiles.testing`, or the same on Postgres.

    Cores that are opened side by side get the same clock, and each its own acquirer and its own bank.
    """

    def __call__(
        self, *, acquirer: StoryAcquirer, bank: StoryBank, clock: ManualClock
    ) -> AbstractAsyncContextManager[Core]: ...


def new_scopes() -> tuple[Scope, ...]:
    """The scopes of a story's merchants."""
    return tuple(Scope(MerchantId(f"acct_{next(_MERCHANTS):024d}"), livemode=False) for _ in TERMS)


@define
class World:
    """Payments are named by their number in the order of their making, so that it is the same in every world."""

    core: Core
    acquirer: StoryAcquirer
    bank: StoryBank
    clock: ManualClock
    scopes: tuple[Scope, ...]
    keys: list[str] = field(factory=list)
    # Asked for once: a step looks at a core a hundred times, and each time a port is asked for it is checked to be one.
    store: Store = field(init=False)
    queries: Queries = field(init=False)
    proofs: Proofs = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.store, self.queries, self.proofs = self.core.store(), self.core.queries(), self.core.proofs()

    async def begin(self) -> None:
        """Onboard the merchants, and give each its bank accounts."""
        for scope, terms, policy in zip(self.scopes, TERMS, INSTANT, strict=True):
            onboarded = await self.core.onboard_merchant()(
                ACTOR, scope.merchant, livemode=False, name="Story", **terms
            )
            onboarded.unwrap()
            for number in NUMBERS:
                (await self.add_account(scope, number)).unwrap()
            (await self.core.change_instant_policy()(ACTOR, scope, policy)).unwrap()

    # -- seeing

    async def payments(self, who: int) -> list[Payment]:
        """A merchant's payments, the oldest first."""
        listed = await self.queries.payments(self.scopes[who], _PAGE)
        assert not listed.has_more
        return [*reversed(listed.items)]

    async def refunds(self, who: int) -> list[Refund]:
        """A merchant's refunds, the oldest first."""
        listed = await self.queries.refunds(self.scopes[who], _PAGE)
        assert not listed.has_more
        return [*reversed(listed.items)]

    async def payouts(self, who: int) -> list[Payout]:
        """A merchant's payouts, the oldest first."""
        listed = await self.queries.payouts(self.scopes[who], _PAGE)
        assert not listed.has_more
        return [*reversed(listed.items)]

    async def disputes(self, who: int) -> list[Dispute]:
        """A merchant's disputes, the oldest first."""
        listed = await self.queries.disputes(self.scopes[who], _PAGE)
        return [*reversed(listed.items)]

    async def write_offs(self, who: int) -> list[WriteOff]:
        """What was proposed to be given up of a merchant's debts, the oldest first."""
        listed = await self.queries.write_offs(self.scopes[who], _PAGE)
        return [*reversed(listed.items)]

    async def accounts(self, who: int) -> dict[str, BankAccount]:
        """A merchant's bank accounts, by their numbers."""
        listed, scope = await self.queries.bank_accounts(self.scopes[who], _PAGE), self.scopes[who]
        opened = [await self.core.open_account()(scope, account.id) for account in listed.items]
        return {each.unwrap().number: account for each, account in zip(opened, listed.items, strict=True)}

    async def settings(self, who: int) -> BalanceSettings:
        """How a merchant is paid out."""
        settings = await self.store.balance_settings(self.scopes[who])
        assert settings is not None
        return settings

    async def books(self, who: int) -> dict[AccountId, Balances]:
        """A merchant's accounts on which there is something."""
        books = await self.store.books(self.scopes[who])
        return {account: balances for account, balances in sorted(books.items()) if balances != Balances()}

    async def fees(self, who: int) -> FeePlan:
        """A merchant's price list."""
        merchant = await self.store.merchant(self.scopes[who])
        assert merchant is not None
        return merchant.fees

    async def everything(self) -> Any:
        """All that is stored, as far as anybody can tell from outside; what is known of keys comes last."""
        seen: list[Any] = []
        for who, scope in enumerate(self.scopes):
            latest = await self.queries.events(scope, Page(limit=3))
            seen.append(
                (
                    await self.store.merchant(scope),
                    await self.payments(who),
                    await self.refunds(who),
                    await self.payouts(who),
                    await self.disputes(who),
                    await self.write_offs(who),
                    await self.accounts(who),
                    await self.settings(who),
                    await self.books(who),
                    [event.id for event in latest.items],
                    [await self.store.claim(scope, key) for key in self.keys],
                )
            )
        return seen

    # -- doing

    async def add_account(self, scope: Scope, number: str) -> Any:
        """A bank account, by what its number does."""
        return await self.core.add_bank_account()(
            Request(actor=ACTOR), scope, holder="Story", bsb="000000", number=number, currency=Currency.AUD
        )

    def request(self, key: str | None) -> Request:
        """A request, under an idempotency key if one is given."""
        if key is None:
            return Request(actor=ACTOR)
        self.keys += [] if key in self.keys else [key]
        return Request(actor=ACTOR, key=RequestKey(key=key, operation="op", fingerprint=key.encode()))

    async def perform(self, deed: "Callable[[World, Request], Awaitable[Any]]", key: str | None) -> Any:
        """Do something; a process that dies in the middle of it is an outcome too."""
        try:
            return await deed(self, self.request(key))
        except LineDown:
            return DIED

    async def number(self, who: int, which: int) -> PaymentId:
        """The id of a payment, by its number."""
        payments = await self.payments(who)
        return payments[which % len(payments)].id if payments else PaymentId("pi_" + "0" * 24)

    def card(self, who: int, name: str) -> Method:
        """A test card."""
        card = self.core.cards().named(self.scopes[who], name)
        assert card is not None
        return Method(name, card)
