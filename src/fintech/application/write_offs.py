"""Write-offs: two people of the back office give up a merchant's debt."""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from fintech.application.commits import Commits, Decision, NotFound, saved
from fintech.application.payments.asking import books_of
from fintech.domain.changeset import CommitRefused
from fintech.domain.chart import Bucket
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, WriteOffId
from fintech.domain.ledger import Balances, Books
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.domain.write_offs import WriteOff, WriteOffRefusal, decided, proposed
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store

#: Why a write-off is not proposed or decided on.
WriteOffRefused: TypeAlias = WriteOffRefusal | NotFound | CommitRefused


@frozen(kw_only=True)
class ProposeWriteOff:
    """One person says that a debt should be given up."""

    store: Store
    ids: IdSource
    commits: Commits

    async def __call__(
        self, actor: Actor, scope: Scope, amount_minor: int, reason: str
    ) -> Outcome[WriteOff, WriteOffRefused]:
        """Refused as `MoreThanOwed`; nothing is booked. The amount is in minor units of the merchant's currency."""

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[WriteOff], WriteOffRefused]:
            merchant = await self.store.merchant(scope)
            if merchant is None:
                return Failure(NotFound("merchant", scope.merchant))
            debt = await _debt(self.store, scope, books_of(merchant))
            outcome = proposed(
                self.ids.new(WriteOffId),
                debt,
                amount_minor=amount_minor,
                currency=merchant.currency,
                reason=reason,
                name=actor.name,
                at=now,
            )
            if isinstance(outcome, Failure):
                return outcome
            made = outcome.unwrap()
            return Success(Decision(value=saved(made), changes=((made, EventType.WRITE_OFF_CREATED),)))

        return await self.commits.land(scope, actor, decide)


@frozen(kw_only=True)
class DecideWriteOff:
    """Another person approves of a write-off, or does not."""

    store: Store
    commits: Commits

    async def __call__(
        self, actor: Actor, scope: Scope, id: WriteOffId, *, approve: bool
    ) -> Outcome[WriteOff, WriteOffRefused]:
        """Refused as `decided` refuses; that no more is given up than is owed is judged again in the commit."""

        async def decide(
            changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[WriteOff], WriteOffRefused]:
            merchant = await self.store.merchant(scope)
            write_off = await self.store.write_off(scope, id)
            if merchant is None or write_off is None:
                return Failure(NotFound("write-off", id))
            books = books_of(merchant)
            debt = await _debt(self.store, scope, books)
            outcome = decided(
                write_off, books, debt, approve=approve, name=actor.name, at=now, changeset=changeset
            )
            if isinstance(outcome, Failure):
                return outcome
            booked = outcome.unwrap()
            return Success(
                Decision(
                    value=saved(booked.write_off),
                    changes=((booked.write_off, EventType.WRITE_OFF_UPDATED),),
                    transfers=booked.transfers,
                )
            )

        return await self.commits.land(scope, actor, decide)


async def _debt(store: Store, scope: Scope, books: Books) -> Balances:
    account = books.account(Bucket.RECEIVABLE.value)
    return (await store.balances(scope, [account]))[account]
