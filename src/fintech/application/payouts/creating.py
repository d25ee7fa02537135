"""Payouts as they are made: asked for, addressed, paid for by lines, and sent at once where the bank takes them now."""

from datetime import datetime
from typing import TypeAlias, assert_never

from attrs import evolve as evolve_attrs
from attrs import frozen

from fintech.application.balance_settings import load_settings
from fintech.application.commits import Commits, Decision, NotFound, Request, saved
from fintech.application.payments.asking import books_of
from fintech.application.payouts.asking import BankMissing, PayoutAsking, PayoutRefusal
from fintech.application.payouts.remitting import RemitLines, Remitting
from fintech.application.payouts.repeats import PayoutAnswered, PayoutRepeats
from fintech.domain.balance_settings import BalanceSettings
from fintech.domain.bank_accounts import AccountDetails, BankAccount
from fintech.domain.business_days import sydney_day
from fintech.domain.changeset import Answer, Claim
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import BankAccountId, ChangesetId, PayoutId
from fintech.domain.merchants import Merchant
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.refusals import AmountTooLarge
from fintech.domain.payouts.funds import quota_accounts
from fintech.domain.payouts.making import Asked, BookedPayout, payout_made
from fintech.domain.payouts.payout import Payout, PayoutMethod, PayoutStatus
from fintech.domain.payouts.refusals import BalanceInsufficient, DestinationMissing, NotDue
from fintech.domain.payouts.schedule import scheduled
from fintech.domain.remittances import LinesMissing, PayoutsTooFrequent, RemittanceRefusal, TooManyLines
from fintech.domain.scope import Scope
from fintech.ports.id_source import IdSource
from fintech.ports.payout_bank import PayoutBank
from fintech.ports.store import Store


@frozen
class _Making:
    """A payout that is made, and where it goes if it is sent at once."""

    payout: Payout
    details: AccountDetails | None = None


_Made: TypeAlias = Outcome[Decision[_Making], PayoutRefusal]


@frozen(kw_only=True)
class CreatePayout:
    """Pay a merchant out."""

    store: Store
    ids: IdSource
    bank: PayoutBank
    commits: Commits
    remit: RemitLines
    asking: PayoutAsking
    repeats: PayoutRepeats

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        *,
        amount_minor: int | None,
        method: PayoutMethod,
        destination: BankAccountId | None = None,
        description: str | None = None,
        statement_descriptor: str | None = None,
        metadata: Metadata = (),
        automatic: bool = False,
    ) -> PayoutAnswered:
        """Without an amount, all that there is to be paid this way; without a destination, the default account.

        Refused as `payout_made` refuses, and as custody refuses when it is to be sent at once and the bank cannot be told
        where; a standard payout waits then. ``automatic`` is the schedule's: refused as `NotDue` unless it is due, and what
        is due next is saved with it.
        """
        if not self.bank.serves(scope):
            return Failure(BankMissing(scope.livemode))
        asked = Asked(
            amount_minor=amount_minor,
            method=method,
            description=description,
            statement_descriptor=statement_descriptor,
            metadata=metadata,
            automatic=automatic,
        )

        async def decide(changeset: ChangesetId, now: datetime) -> _Made:
            decided = await self._decide(request, scope, asked, destination, changeset, now)
            some = _some(asked, decided)
            return await self._decide(request, scope, some, destination, changeset, now) if some else decided

        made: Outcome[_Making, PayoutRefusal] = await self.commits.land(scope, request.actor, decide)
        if isinstance(made, Failure):
            return await self.repeats.reply(request, scope, made)
        making = made.unwrap()
        outcome: Outcome[Payout, PayoutRefusal] = Success(making.payout)
        if making.payout.status is PayoutStatus.SENT:
            outcome = await self.asking.send(request, scope, making.payout, making.details)
        return await self.repeats.reply(request, scope, outcome)

    async def _decide(
        self,
        request: Request,
        scope: Scope,
        asked: Asked,
        destination: BankAccountId | None,
        changeset: ChangesetId,
        now: datetime,
    ) -> _Made:
        settings = await load_settings(self.store, scope, now)
        if asked.automatic and (settings.due_at is None or settings.due_at > now):
            return Failure(NotDue())
        loaded = await self._load(scope, settings, destination)
        if isinstance(loaded, Failure):
            return loaded
        merchant, account = loaded.unwrap()
        sending = await self.asking.sending(scope, asked.method, account.id, now)
        if isinstance(sending, Failure):
            return sending
        send_at, details = sending.unwrap()
        made = payout_made(
            merchant,
            settings,
            await self.store.books(scope, quota_accounts(books_of(merchant), sydney_day(now))),
            account,
            asked,
            id=self.ids.new(PayoutId),
            send_at=send_at,
            at=now,
            changeset=changeset,
        )
        if isinstance(made, Failure):
            return made
        booked = made.unwrap()
        remitted = await self.remit(scope, settings, booked.payout, changeset, now)
        if isinstance(remitted, Failure):
            return Failure(_less(booked.payout, remitted.failure()))
        remitting = remitted.unwrap()
        after = scheduled(remitting.settings, now) if asked.automatic else remitting.settings
        return Success(_decision(request, booked, Remitting(after, remitting.pages), details, now))

    async def _load(
        self, scope: Scope, settings: BalanceSettings, destination: BankAccountId | None
    ) -> Outcome[tuple[Merchant, BankAccount], NotFound | DestinationMissing]:
        merchant = await self.store.merchant(scope)
        if merchant is None:
            return Failure(NotFound("merchant", scope.merchant))
        id = destination or settings.destination
        if id is None:
            return Failure(DestinationMissing())
        account = await self.store.bank_account(scope, id)
        if account is None or account.removed_at is not None:
            return Failure(NotFound("bank_account", id))
        return Success((merchant, account))


def _decision(
    request: Request,
    booked: BookedPayout,
    remitting: Remitting,
    details: AccountDetails | None,
    now: datetime,
) -> Decision[_Making]:
    payout = evolve(booked.payout, remittances=len(remitting.pages))
    return Decision(
        value=_Making(saved(payout), details),
        changes=(
            (payout, EventType.PAYOUT_CREATED),
            (remitting.settings, EventType.BALANCE_SETTINGS_UPDATED),
            *((page, EventType.REMITTANCE_CREATED) for page in remitting.pages),
        ),
        transfers=booked.transfers,
        ceilings=booked.ceilings,
        backing=booked.backing,
        claim=_claim(request, payout, now),
    )


def _claim(request: Request, payout: Payout, now: datetime) -> Claim | Answer | None:
    """A payout that waits for the bank's window is all that was asked for; one that is sent now is answered later."""
    claim = request.claim if payout.status is PayoutStatus.SENT else request.claim_and_answer
    return claim(payout.id, now)


def _some(asked: Asked, decided: _Made) -> Asked | None:
    """As much as one payout can pay for, where all is asked for and that is more lines than one may have."""
    refused = decided.failure() if isinstance(decided, Failure) else None
    if (
        asked.amount_minor is None
        and asked.method is PayoutMethod.STANDARD
        and isinstance(refused, AmountTooLarge)
    ):
        return evolve_attrs(asked, amount_minor=refused.most_minor)
    return None


def _less(
    payout: Payout, refused: RemittanceRefusal
) -> BalanceInsufficient | AmountTooLarge | PayoutsTooFrequent:
    """Why a payout that the books would bear is not made: what it could pay for is less, and the fee stays what it is."""
    match refused:
        case LinesMissing(short_minor=short):
            return BalanceInsufficient(max(payout.amount_minor - short, 0))
        case TooManyLines(most_minor=most):
            return AmountTooLarge(max(payout.amount_minor - (payout.total_minor - most), 0))
        case PayoutsTooFrequent():
            return refused
        case _:
            assert_never(refused)
