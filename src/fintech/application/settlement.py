"""Settlement: the back office tells the books that the bank has paid."""

from collections.abc import Mapping
from datetime import date, datetime

from attrs import frozen

from fintech.application.commits import Commits, Decision, NotFound, saved
from fintech.application.payments.asking import books_of
from fintech.domain.changeset import CommitRefused
from fintech.domain.chart import AccountKind, rule_of
from fintech.domain.events import EventType
from fintech.domain.guards import Ceiling
from fintech.domain.ids import ChangesetId, SettlementId
from fintech.domain.ledger import AccountId, Balances, Transfer
from fintech.domain.moves import net_moves
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.domain.settlement import Settlement, settle
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store


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
                    ceilings=_no_more_than_this(booked.transfers, balances),
                )
            )

        return await self.commits.land(scope, actor, decide)


def _no_more_than_this(
    transfers: tuple[Transfer, ...], balances: Mapping[AccountId, Balances]
) -> tuple[Ceiling, ...]:
    """What the assets that it raises come to, if nobody else has settled since the balances were read.

    A settlement that releases nothing touches no account with a limit, so nothing else would refuse the second of two.
    """
    return tuple(
        Ceiling(account, balances.get(account, Balances()).plus(move).owed)
        for account, move in net_moves(transfers).items()
        if rule_of(account.code).kind is AccountKind.ASSET and move.owed > 0
    )
