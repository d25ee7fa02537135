"""Settlement: the books are told that the bank has paid, of one merchant or of all."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date, datetime
from typing import Final

from attrs import define, frozen

from fintech.application.commits import Commits, Decision, NotFound, saved
from fintech.application.payments.asking import books_of
from fintech.domain.changeset import Ceiling, CommitRefused, LimitReached, StaleWrite
from fintech.domain.chart import AccountKind, rule_of
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, MerchantId, SettlementId
from fintech.domain.ledger import AccountId, Balances, Books, Transfer
from fintech.domain.moves import net_moves
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.domain.settlement import Settlement, debts_of, settle
from fintech.ports.id_source import IdSource
from fintech.ports.queries import PAGE_MAX, Page, Queries
from fintech.ports.store import Store

#: How many merchants are settled at once; this much is in memory, and a page of merchants.
AT_ONCE: Final = 16
#: How many settlements one merchant takes at most before the next is looked at: twenty years of days, and no loop.
TURNS_MAX: Final = 1_000
#: How often a merchant's settlement may be overtaken by what goes on meanwhile before it is left for another run.
OVERTAKEN_MAX: Final = 10
#: So many merchants in a row that break are no longer their own fault.
BROKEN_MAX: Final = 20


@frozen
class NothingToSettle:
    """Everything up to the day is settled."""


@frozen(kw_only=True)
class SettleMerchant:
    """Settle a merchant's oldest unsettled days, up to a Sydney day; call again until there is nothing left."""

    store: Store
    ids: IdSource
    commits: Commits

    async def __call__(
        self, actor: Actor, scope: Scope, through: date
    ) -> Outcome[Settlement, NothingToSettle | NotFound | CommitRefused]:
        """The settlement that was booked."""
        merchant = await self.store.merchant(scope)
        if merchant is None:
            return Failure(NotFound("merchant", scope.merchant))
        books = books_of(merchant)

        async def decide(
            changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[Settlement], NothingToSettle]:
            balances = await self.store.books(scope)
            booked = settle(
                books, balances, id=self.ids.new(SettlementId), through=through, at=now, changeset=changeset
            )
            if booked is None:
                return Failure(NothingToSettle())
            return Success(
                Decision(
                    value=saved(booked.settlement),
                    changes=((booked.settlement, EventType.SETTLEMENT_CREATED),),
                    transfers=booked.transfers,
                    ceilings=_no_more_than_this(books, booked.transfers, balances),
                )
            )

        return await self.commits.land(scope, actor, decide)


@frozen(kw_only=True)
class Settled:
    """What became of one merchant: its settlements, the oldest days first.

    ``why`` there may be more to come: it was refused, or what it stands on broke. None when nothing is left.
    """

    merchant: MerchantId
    settlements: tuple[Settlement, ...]
    why: NotFound | CommitRefused | Exception | None = None


@frozen(kw_only=True)
class SettleInFull:
    """Settle everything that a merchant has open up to a Sydney day, settlement after settlement.

    Whatever goes wrong is told and not raised: what was settled until then is.
    """

    settle_merchant: SettleMerchant

    async def __call__(self, actor: Actor, scope: Scope, through: date) -> Settled:
        """What became of it."""
        settlements: list[Settlement] = []
        why: NotFound | CommitRefused | Exception | None = None
        overtaken = 0
        while len(settlements) < TURNS_MAX and overtaken < OVERTAKEN_MAX:
            try:
                outcome = await self.settle_merchant(actor, scope, through)
            except Exception as error:  # noqa: BLE001 - one merchant's trouble must not become the others'
                why = error
                break
            if isinstance(outcome, Success):
                settlements.append(outcome.unwrap())
                continue
            refused = outcome.failure()
            why = None if isinstance(refused, NothingToSettle) else refused
            if not isinstance(refused, LimitReached | StaleWrite):
                break
            overtaken += 1
        return Settled(merchant=scope.merchant, settlements=tuple(settlements), why=why)


@frozen(kw_only=True)
class SettledAll:
    """What a run over all merchants came to; ``troubled`` counts merchants with a `Settled.why`."""

    merchants: int
    settlements: int
    troubled: int


@define
class _Run:
    merchants: int = 0
    settlements: int = 0
    troubled: int = 0
    broken_in_a_row: int = 0
    error: Exception | None = None

    def count(self, settled: Settled) -> None:
        self.merchants += 1
        self.settlements += len(settled.settlements)
        self.troubled += settled.why is not None
        if isinstance(settled.why, Exception):
            self.broken_in_a_row += 1
            self.error = settled.why
        else:
            self.broken_in_a_row = 0

    @property
    def hopeless(self) -> bool:
        return self.broken_in_a_row >= BROKEN_MAX


@frozen(kw_only=True)
class SettleEverybody:
    """Settle all merchants of a mode, the newest first; those who have nothing open are just looked at.

    Every settlement is a commit of its own, decided on the balances as they are. So a run that was ended anywhere is
    run again, two runs at once do no harm, and either settles nothing twice. Memory is that of a page of merchants and
    of the few who are being settled, however many there are.
    """

    queries: Queries
    settle_in_full: SettleInFull

    async def __call__(
        self,
        actor: Actor,
        *,
        livemode: bool,
        through: date,
        told: Callable[[Settled], None],
        at_once: int = AT_ONCE,
    ) -> SettledAll:
        """Everything up to a Sydney day. ``told`` is called about each merchant that was looked at.

        A merchant's trouble is told and does not stop the others. Raises the last one's after `BROKEN_MAX` in a row.
        """
        run = _Run()
        merchants = self._merchants(livemode)
        taking = asyncio.Lock()

        async def take() -> MerchantId | None:
            async with taking:
                return None if run.hopeless else await anext(merchants, None)

        async def settler() -> None:
            while (merchant := await take()) is not None:
                settled = await self.settle_in_full(actor, Scope(merchant, livemode), through)
                run.count(settled)
                told(settled)

        try:
            async with asyncio.TaskGroup() as settlers:
                for _ in range(at_once):
                    settlers.create_task(settler())
        except ExceptionGroup as group:
            raise group.exceptions[0] from group
        if run.hopeless and run.error is not None:
            raise run.error
        return SettledAll(merchants=run.merchants, settlements=run.settlements, troubled=run.troubled)

    async def _merchants(self, livemode: bool) -> AsyncIterator[MerchantId]:
        after: MerchantId | None = None
        while True:
            listed = await self.queries.merchants(livemode, Page(limit=PAGE_MAX, after=after))
            for merchant in listed.items:
                yield merchant.id
            if not listed.has_more:
                return
            after = listed.items[-1].id


def _no_more_than_this(
    books: Books, transfers: tuple[Transfer, ...], balances: Mapping[AccountId, Balances]
) -> tuple[Ceiling, ...]:
    """What the assets that it raises, and the merchant's debts, come to if nothing has changed since they were read.

    A settlement that releases nothing touches no account with a limit, so nothing else would refuse the second of two.
    And one that did not know of an advance would leave to the merchant what has to repay it.
    """
    moves = net_moves(transfers)
    raised = [
        account
        for account, move in moves.items()
        if rule_of(account.code).kind is AccountKind.ASSET and move.owed > 0
    ]
    nothing = Balances()
    return tuple(
        Ceiling(account, balances.get(account, nothing).plus(moves.get(account, nothing)).owed)
        for account in dict.fromkeys([*raised, *debts_of(books).values()])
    )
