"""Bank accounts: where a merchant is paid to, and which of them it is."""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from fintech.application.balance_settings import load_settings
from fintech.application.commits import Commits, Decision, NotFound, Reply, Request, saved
from fintech.application.repeats import replied
from fintech.domain.balance_settings import destined
from fintech.domain.bank_accounts import (
    BANK_ACCOUNTS_MAX,
    BankAccount,
    BankAccountFault,
    DefaultAccount,
    new_bank_account,
)
from fintech.domain.changeset import CommitRefused
from fintech.domain.events import Aggregate, EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import BankAccountId, ChangesetId
from fintech.domain.metadata import METADATA_KEYS_MAX, Metadata, TooManyKeys
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.refusals import CurrencyNotSupported, TooMany
from fintech.domain.scope import Scope
from fintech.ports.id_source import IdSource
from fintech.ports.queries import Page, Queries
from fintech.ports.store import Store

#: Why a request about a bank account is not done.
BankAccountRefusal: TypeAlias = (
    BankAccountFault
    | DefaultAccount
    | CurrencyNotSupported
    | TooMany
    | TooManyKeys
    | NotFound
    | CommitRefused
)
BankAccountAnswered: TypeAlias = Outcome[Reply[BankAccount], BankAccountRefusal]
_Decided: TypeAlias = Outcome[Decision[BankAccount], BankAccountRefusal]


@frozen(kw_only=True)
class AddBankAccount:
    """Add a bank account. A merchant's first one is its default, whatever is said."""

    store: Store
    queries: Queries
    ids: IdSource
    commits: Commits

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        *,
        holder: str,
        bsb: str,
        number: str,
        currency: Currency,
        default: bool | None = None,
        metadata: Metadata = (),
    ) -> BankAccountAnswered:
        """Refused as `new_bank_account` refuses, in another currency than the books', and when there are too many."""

        async def decide(_changeset: ChangesetId, now: datetime) -> _Decided:
            merchant = await self.store.merchant(scope)
            if merchant is None:
                return Failure(NotFound("merchant", scope.merchant))
            if currency is not merchant.currency:
                return Failure(CurrencyNotSupported(merchant.currency))
            if len(metadata) > METADATA_KEYS_MAX:
                return Failure(TooManyKeys(METADATA_KEYS_MAX))
            listed = await self.queries.bank_accounts(scope, Page(limit=BANK_ACCOUNTS_MAX))
            if len(listed.items) >= BANK_ACCOUNTS_MAX:
                return Failure(TooMany("bank_accounts", BANK_ACCOUNTS_MAX))
            making = new_bank_account(
                id=self.ids.new(BankAccountId),
                holder=holder,
                bsb=bsb,
                number=number,
                currency=currency,
                at=now,
                metadata=metadata,
            )
            if isinstance(making, Failure):
                return making
            account = making.unwrap()
            settings = await load_settings(self.store, scope, now)
            changes: tuple[tuple[Aggregate, EventType], ...] = ((account, EventType.BANK_ACCOUNT_CREATED),)
            if default or settings.destination is None:
                after = destined(settings, account.id, now)
                changes = (*changes, (after, EventType.BALANCE_SETTINGS_UPDATED))
            claim = request.claim_and_answer(account.id, now)
            return Success(Decision(value=saved(account), changes=changes, claim=claim))

        return await replied(
            self.commits, request, scope, BankAccount, await self.commits.land(scope, request.actor, decide)
        )


@frozen(kw_only=True)
class UpdateBankAccount:
    """Make an account the default, or change what is hung on it; its details stay what they are."""

    store: Store
    commits: Commits

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        id: BankAccountId,
        *,
        default: bool | None = None,
        metadata: Metadata | None = None,
    ) -> BankAccountAnswered:
        """A default is handed on, never given up: ``default=False`` is refused for it as `DefaultAccount`."""

        async def decide(_changeset: ChangesetId, now: datetime) -> _Decided:
            account = await self.store.bank_account(scope, id)
            if account is None or account.removed_at is not None:
                return Failure(NotFound("bank_account", id))
            settings = await load_settings(self.store, scope, now)
            if default is False and settings.destination == id:
                return Failure(DefaultAccount())
            updating = account.updated(metadata)
            if isinstance(updating, Failure):
                return updating
            after = updating.unwrap()
            changes: tuple[tuple[Aggregate, EventType], ...] = ((after, EventType.BANK_ACCOUNT_UPDATED),)
            if default and settings.destination != id:
                changes = (*changes, (destined(settings, id, now), EventType.BALANCE_SETTINGS_UPDATED))
            claim = request.claim_and_answer(id, now)
            return Success(Decision(value=saved(after), changes=changes, claim=claim))

        return await replied(
            self.commits, request, scope, BankAccount, await self.commits.land(scope, request.actor, decide)
        )


@frozen(kw_only=True)
class RemoveBankAccount:
    """Remove a bank account. Payouts that are on their way to it still arrive.

    The default is never removed, not even as the only one: another takes its place first, which starts the cool-off of
    instant payouts. Otherwise removing and adding would be a way around it.
    """

    store: Store
    commits: Commits

    async def __call__(self, request: Request, scope: Scope, id: BankAccountId) -> BankAccountAnswered:
        """Refused as `DefaultAccount` for the default."""

        async def decide(_changeset: ChangesetId, now: datetime) -> _Decided:
            account = await self.store.bank_account(scope, id)
            if account is None or account.removed_at is not None:
                return Failure(NotFound("bank_account", id))
            settings = await load_settings(self.store, scope, now)
            if settings.destination == id:
                return Failure(DefaultAccount())
            after = evolve(account, removed_at=now)
            return Success(
                Decision(
                    value=saved(after),
                    changes=((after, EventType.BANK_ACCOUNT_DELETED),),
                    claim=request.claim_and_answer(id, now),
                )
            )

        return await replied(
            self.commits, request, scope, BankAccount, await self.commits.land(scope, request.actor, decide)
        )
