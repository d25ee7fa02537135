"""One core with its acquirer, and everything that can be done to it and seen of it."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from itertools import count
from typing import Any, Final, Protocol

from attrs import define, evolve, field

from fintech.adapters.memory.clock import ManualClock
from fintech.application.commits import Request, RequestKey
from fintech.domain.ids import MerchantId, PaymentId
from fintech.domain.ledger import AccountId, Balances
from fintech.domain.merchants import DEFAULT_FEES, FeePlan, Limits, SchemeFee
from fintech.domain.payment_methods import Method
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.refund import Refund
from fintech.domain.scope import Actor, Face, Scope
from fintech.entrypoints.container import Core
from fintech.ports.queries import PAGE_MAX, Page
from tests.properties.acquirers import LineDown, StoryAcquirer

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


class OpenCore(Protocol):
    """Opens an empty core on a clock and an acquirer, with ids that count: `profiles.testing`, or the same on Postgres.

    Cores that are opened side by side get the same clock and each its own acquirer.
    """

    def __call__(
        self, *, acquirer: StoryAcquirer, clock: ManualClock
    ) -> AbstractAsyncContextManager[Core]: ...


def new_scopes() -> tuple[Scope, ...]:
    """The scopes of a story's merchants."""
    return tuple(Scope(MerchantId(f"acct_{next(_MERCHANTS):024d}"), livemode=False) for _ in TERMS)


@define
class World:
    """Payments are named by their number in the order of their making, so that it is the same in every world."""

    core: Core
    acquirer: StoryAcquirer
    clock: ManualClock
    scopes: tuple[Scope, ...]
    keys: list[str] = field(factory=list)

    async def begin(self) -> None:
        """Onboard the merchants."""
        for scope, terms in zip(self.scopes, TERMS, strict=True):
            onboarded = await self.core.onboard_merchant()(
                ACTOR, scope.merchant, livemode=False, name="Story", **terms
            )
            onboarded.unwrap()

    # -- seeing

    async def payments(self, who: int) -> list[Payment]:
        """A merchant's payments, the oldest first."""
        listed = await self.core.queries().payments(self.scopes[who], _PAGE)
        assert not listed.has_more
        return [*reversed(listed.items)]

    async def refunds(self, who: int) -> list[Refund]:
        """A merchant's refunds, the oldest first."""
        listed = await self.core.queries().refunds(self.scopes[who], _PAGE)
        assert not listed.has_more
        return [*reversed(listed.items)]

    async def books(self, who: int) -> dict[AccountId, Balances]:
        """A merchant's accounts on which there is something."""
        books = await self.core.store().books(self.scopes[who])
        return {account: balances for account, balances in sorted(books.items()) if balances != Balances()}

    async def fees(self, who: int) -> FeePlan:
        """A merchant's price list."""
        merchant = await self.core.store().merchant(self.scopes[who])
        assert merchant is not None
        return merchant.fees

    async def everything(self) -> Any:
        """All that is stored, as far as anybody can tell from outside."""
        seen: list[Any] = []
        for who, scope in enumerate(self.scopes):
            latest = await self.core.queries().events(scope, Page(limit=3))
            seen.append(
                (
                    await self.core.store().merchant(scope),
                    await self.payments(who),
                    await self.refunds(who),
                    await self.books(who),
                    [event.id for event in latest.items],
                    [await self.core.store().claim(scope, key) for key in self.keys],
                )
            )
        return seen

    # -- doing

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
        card = self.core.vault().named(self.scopes[who], name)
        assert card is not None
        return Method(name, card)
