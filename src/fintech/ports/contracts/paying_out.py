"""Payouts for contract suites: as the books see them, and what they pay for."""

from datetime import timedelta
from typing import Final

from fintech.domain.balance_settings import (
    DEFAULT_INSTANT,
    NOTHING_REMITTED,
    BalanceSettings,
    Interval,
    Remitted,
    Schedule,
)
from fintech.domain.bank_accounts import BankAccount
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import BalanceSettingsId, BankAccountId, ChangesetId, PayoutId
from fintech.domain.ledger import TransferKind
from fintech.domain.lines import line_amounts
from fintech.domain.payouts.funds import funds_of
from fintech.domain.payouts.lifecycle import (
    advance_account,
    payout_answered,
    payout_canceled,
    payout_returned,
    reversal_failed,
    reversal_sent,
)
from fintech.domain.payouts.making import Asked, BookedPayout, payout_made
from fintech.domain.payouts.payout import Payout, PayoutFailure, PayoutMethod, PayoutStatus
from fintech.domain.payouts.replies import Paid, PayReply, Rejected, Unknown
from fintech.domain.remittances import PayableLine, Remittance, remit
from fintech.ports.contracts.seasons import Season

PAID: Final = Paid(reference="bank-ref")
REJECTED: Final = Rejected(PayoutFailure.NO_ACCOUNT)

_HEARD: Final = {PayoutStatus.PAID: EventType.PAYOUT_PAID, PayoutStatus.FAILED: EventType.PAYOUT_FAILED}


async def pay_out(season: Season, amount_minor: int, destination: BankAccountId | None = None) -> Payout:
    """Pay an amount out of ``available``, and say for which lines."""
    story = season.story
    destination = destination or story.ids.new(BankAccountId)
    return await _make(season, Asked(amount_minor=amount_minor, method=PayoutMethod.STANDARD), destination)


async def pay_out_instantly(season: Season, amount_minor: int, *, waits: bool = False) -> Payout:
    """Pay an amount out ahead of settlement, as far as ``available`` falls short; ``waits`` for the bank's window."""
    asked = Asked(amount_minor=amount_minor, method=PayoutMethod.INSTANT)
    return await _make(season, asked, season.story.ids.new(BankAccountId), waits=waits)


async def hear(season: Season, payout: Payout, reply: PayReply) -> Payout:
    """The bank answers."""
    story, changeset = season.story, season.story.ids.new(ChangesetId)
    known: Payout = season.aggregates[payout.id]
    advanced = await _advanced(season)
    booked = payout_answered(known, story.books, advanced, reply, season.now, changeset).unwrap()
    return await _take(season, booked, _HEARD.get(booked.payout.status, EventType.PAYOUT_UPDATED), changeset)


async def bring_back(season: Season, payout: Payout) -> Payout:
    """The money comes back after it was paid."""
    story, changeset = season.story, season.story.ids.new(ChangesetId)
    failure, advanced = PayoutFailure.ACCOUNT_CLOSED, await _advanced(season)
    booked = payout_returned(payout, story.books, advanced, failure, season.now, changeset).unwrap()
    return await _take(season, booked, EventType.PAYOUT_FAILED, changeset)


async def cancel(season: Season, payout: Payout) -> Payout:
    """The merchant takes it back in time."""
    changeset = season.story.ids.new(ChangesetId)
    booked = payout_canceled(
        payout, season.story.books, await _advanced(season), season.now, changeset
    ).unwrap()
    return await _take(season, booked, EventType.PAYOUT_CANCELED, changeset)


async def reverse(season: Season, payout: Payout) -> Payout:
    """Ask the bank for a paid payout back; what it says is to be heard."""
    asked = reversal_sent(payout, id=season.story.ids.new(PayoutId), at=season.now).unwrap()
    await season.commit(
        (asked.reversal, EventType.PAYOUT_CREATED), (asked.original, EventType.PAYOUT_UPDATED)
    )
    reversal: Payout = season.aggregates[asked.reversal.id]
    return reversal


async def pay_out_every_way(season: Season) -> None:
    """Payouts of every end, with and without an advance, which settlement repays but for the last one's.

    70.00 have to be available, and no debt in the way.
    """
    await season.pay(60_000)
    for number in range(2):
        paid = await hear(season, await pay_out(season, 1_500), PAID)
        await hear(season, await reverse(season, paid), REJECTED if number else PAID)
    standard = await hear(season, await pay_out(season, 1_000), PAID)
    await hear(season, await pay_out(season, 1_000), REJECTED)
    await hear(season, await pay_out_instantly(season, 500), PAID)
    await hear(season, await pay_out_instantly(season, await _available(season) + 2_000), PAID)
    await hear(season, await pay_out_instantly(season, 1_000), REJECTED)
    await cancel(season, await pay_out_instantly(season, 1_100, waits=True))
    returned = await hear(season, await pay_out_instantly(season, 1_200), PAID)
    late = await hear(season, await pay_out_instantly(season, 1_300), PAID)
    await bring_back(season, returned)
    await season.settle()
    await bring_back(season, late)
    await hear(season, await pay_out(season, 100), Unknown("no answer"))
    await season.pay(20_000)
    await pay_out_instantly(season, await _available(season) + 1_400)
    await bring_back(season, standard)


def payable(season: Season, remitted: Remitted = NOTHING_REMITTED) -> list[PayableLine]:
    """The lines that payouts pay for, oldest first."""
    return [
        PayableLine(id, line_amounts(legs).net_minor, legs[0].at)
        for id, legs in sorted(season.lines.items())
        if legs[0].kind is not TransferKind.PAYOUT and (remitted.closed is None or id > remitted.closed)
    ]


def pages_of(season: Season, payout: Payout) -> list[Remittance]:
    """What a payout pays for."""
    return [page for page in season.all(Remittance) if page.payout == payout.id]


async def _make(season: Season, asked: Asked, destination: BankAccountId, *, waits: bool = False) -> Payout:
    story, changeset, settings = season.story, season.story.ids.new(ChangesetId), _settings(season)
    account = BankAccount(
        id=destination,
        version=0,
        bsb="062000",
        last4="5678",
        fingerprint="of the season",
        currency=story.books.currency,
        created_at=season.now - timedelta(hours=settings.instant.cool_off_h),
    )
    booked = payout_made(
        story.merchant,
        settings,
        await story.store.books(story.scope),
        account,
        asked,
        id=story.ids.new(PayoutId),
        send_at=season.now + timedelta(hours=waits),
        at=season.now,
        changeset=changeset,
    ).unwrap()
    made = remit(
        payable(season, settings.remitted),
        settings.remitted,
        [season.aggregates[each] for each in settings.remitted.recent],
        payout=booked.payout.id,
        total_minor=booked.payout.total_minor,
        at=season.now,
        changeset=changeset,
    ).unwrap()
    await season.commit(
        (evolve(booked.payout, remittances=len(made.pages)), EventType.PAYOUT_CREATED),
        (evolve(settings, remitted=made.remitted), EventType.BALANCE_SETTINGS_UPDATED),
        *((page, EventType.REMITTANCE_CREATED) for page in made.pages),
        transfers=booked.transfers,
        id=changeset,
    )
    kept: Payout = season.aggregates[booked.payout.id]
    return kept


async def _take(season: Season, booked: BookedPayout, event: EventType, changeset: ChangesetId) -> Payout:
    """Commit what became of a payout; a reversal that failed frees the payout that it was of."""
    payout, changes = booked.payout, [(booked.payout, event)]
    if payout.reverses is not None and payout.status is PayoutStatus.FAILED:
        freed = reversal_failed(season.aggregates[payout.reverses], payout.id)
        changes += [(freed, EventType.PAYOUT_UPDATED)] if freed else []
    await season.commit(*changes, transfers=booked.transfers, id=changeset)
    kept: Payout = season.aggregates[payout.id]
    return kept


async def _available(season: Season) -> int:
    return funds_of(season.story.books, await season.story.store.books(season.story.scope)).available_minor


async def _advanced(season: Season) -> int:
    account = advance_account(season.story.books)
    return (await season.story.store.balances(season.story.scope, [account]))[account].owed


def _settings(season: Season) -> BalanceSettings:
    id = BalanceSettingsId.of(season.story.merchant.id)
    known = season.aggregates.get(id)
    if isinstance(known, BalanceSettings):
        return known
    return BalanceSettings(
        id=id,
        version=0,
        created_at=season.now,
        instant=DEFAULT_INSTANT,
        schedule=Schedule(interval=Interval.MANUAL),
        minimum_minor=0,
        remitted=NOTHING_REMITTED,
    )
