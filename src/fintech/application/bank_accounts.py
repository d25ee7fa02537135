"""Bank accounts: where a merchant is paid to, and which of them it is. Holder and number are sealed before anything speaks
of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from fintech.application.balance_settings import load_settings
from fintech.application.commits import Commits, Decision, NotFound, Reply, Request, saved
from fintech.application.fingerprints import Fingerprints
from fintech.application.protection import Protection
from fintech.application.repeats import replied
from fintech.domain.balance_settings import destined
from fintech.domain.bank_accounts import (
    BANK_ACCOUNTS_MAX,
    AccountDetails,
    BankAccount,
    BankAccountFault,
    DefaultAccount,
    account_details,
    details_of,
    new_bank_account,
)
from fintech.domain.changeset import CommitRefused
from fintech.domain.events import Aggregate, EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import BankAccountId, ChangesetId
from fintech.domain.keys.columns import ACCOUNT_HOLDER, ACCOUNT_NUMBER
from fintech.domain.keys.refusals import CustodyRefused
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
    | CustodyRefused
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
    protection: Protection
    fingerprints: Fingerprints
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
        """Refused as `account_details` refuses, in another currency than the books', when there are too many, and where the
        merchant's keys are not to be had."""
        wanted = account_details(holder=holder, bsb=bsb, number=number)
        if isinstance(wanted, Failure):
            return wanted
        if await self.store.merchant(scope) is None:
            return Failure(NotFound("merchant", scope.merchant))
        leased = await self.protection.lease(scope)
        if isinstance(leased, Failure):
            return await replied(self.commits, request, scope, BankAccount, leased)
        lease, id, details = leased.unwrap(), self.ids.new(BankAccountId), wanted.unwrap()
        sealed = details.sealable()
        fingerprint = await self.fingerprints.of_account(lease, sealed[ACCOUNT_NUMBER])
        await self.protection.keep(lease, id, sealed)

        async def decide(_changeset: ChangesetId, now: datetime) -> _Decided:
            if (refused := await self._refused(scope, currency, metadata)) is not None:
                return Failure(refused)
            account = new_bank_account(
                id=id,
                details=details,
                fingerprint=fingerprint,
                currency=currency,
                at=now,
                metadata=metadata,
            )
            settings = await load_settings(self.store, scope, now)
            changes: tuple[tuple[Aggregate, EventType], ...] = ((account, EventType.BANK_ACCOUNT_CREATED),)
            if default or settings.destination is None:
                after = destined(settings, id, now)
                changes = (*changes, (after, EventType.BALANCE_SETTINGS_UPDATED))
            claim = request.claim_and_answer(id, now)
            return Success(Decision(value=saved(account), changes=changes, claim=claim))

        outcome = await self.commits.land(scope, request.actor, decide)
        if isinstance(outcome, Failure):
            await self.protection.forget(scope, ACCOUNT_NUMBER, id)
        return await replied(self.commits, request, scope, BankAccount, outcome)

    async def _refused(
        self, scope: Scope, currency: Currency, metadata: Metadata
    ) -> NotFound | CurrencyNotSupported | TooManyKeys | TooMany | None:
        merchant = await self.store.merchant(scope)
        if merchant is None:
            return NotFound("merchant", scope.merchant)
        if currency is not merchant.currency:
            return CurrencyNotSupported(merchant.currency)
        if len(metadata) > METADATA_KEYS_MAX:
            return TooManyKeys(METADATA_KEYS_MAX)
        listed = await self.queries.bank_accounts(scope, Page(limit=BANK_ACCOUNTS_MAX))
        if len(listed.items) >= BANK_ACCOUNTS_MAX:
            return TooMany("bank_accounts", BANK_ACCOUNTS_MAX)
        return None


@frozen(kw_only=True)
class ReadHolders:
    """Whose some bank accounts are: a page of them takes one question to the store."""

    protection: Protection

    async def __call__(
        self, scope: Scope, accounts: Sequence[BankAccount]
    ) -> Mapping[BankAccountId, Outcome[str, CustodyRefused]]:
        """The holder of each. Refused one by one: no list fails because of a merchant's keys."""
        places = {account.id: ACCOUNT_HOLDER.at(account.id) for account in accounts}
        opened = await self.protection.read(scope, list(places.values()))
        holders: dict[BankAccountId, Outcome[str, CustodyRefused]] = {}
        for id, place in places.items():
            value = opened[place]
            holders[id] = value if isinstance(value, Failure) else Success(value.unwrap().decode())
        return holders


@frozen(kw_only=True)
class OpenAccount:
    """What the bank has to be told of an account."""

    protection: Protection

    async def __call__(self, scope: Scope, id: BankAccountId) -> Outcome[AccountDetails, CustodyRefused]:
        """Its holder, BSB and number."""
        holder, number = ACCOUNT_HOLDER.at(id), ACCOUNT_NUMBER.at(id)
        opened = await self.protection.read(scope, (holder, number))
        values = []
        for place in (holder, number):
            value = opened[place]
            if isinstance(value, Failure):
                return value
            values.append(value.unwrap())
        return Success(details_of(*values))


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
