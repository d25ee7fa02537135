"""Settlement: the back office tells the books that the bank has paid."""

from datetime import date, datetime

from attrs import frozen

from fintech.application.commits import Commits, Decision, NotFound, saved
from fintech.application.payments.asking import books_of
from fintech.domain.changeset import CommitRefused
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, SettlementId
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
                )
            )

        return await self.commits.land(scope, actor, decide)
