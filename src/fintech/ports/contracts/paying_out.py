"""Payouts for contract suites: as the books see them, and what they pay for."""

from fintech.domain.balance_settings import (
    DEFAULT_INSTANT,
    NOTHING_REMITTED,
    BalanceSettings,
    Interval,
    Remitted,
    Schedule,
)
from fintech.domain.chart import Bucket
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import BalanceSettingsId, BankAccountId, ChangesetId, MovementId, PayoutId
from fintech.domain.ledger import Movement, TransferKind
from fintech.domain.lines import line_amounts
from fintech.domain.payouts.payout import Payout, PayoutMethod, PayoutStatus
from fintech.domain.remittances import PayableLine, Remittance, remit
from fintech.ports.contracts.seasons import Season


async def pay_out(season: Season, amount_minor: int, destination: BankAccountId | None = None) -> Payout:
    """Pay an amount out of ``available``, and say for which lines."""
    story, id = season.story, season.story.ids.new(PayoutId)
    changeset = story.ids.new(ChangesetId)
    settings = _settings(season)
    made = remit(
        payable(season, settings.remitted),
        settings.remitted,
        [season.aggregates[each] for each in settings.remitted.recent],
        payout=id,
        total_minor=amount_minor,
        at=season.now,
        changeset=changeset,
    ).unwrap()
    movement = Movement(MovementId.of(changeset, 0), source=id, at=season.now)
    available, in_transit = (
        story.books.account(each.value) for each in (Bucket.AVAILABLE, Bucket.IN_TRANSIT)
    )
    movement.move(TransferKind.PAYOUT, available, in_transit, amount_minor)
    payout = Payout(
        id=id,
        version=0,
        method=PayoutMethod.STANDARD,
        amount_minor=amount_minor,
        currency=story.books.currency,
        status=PayoutStatus.SENT,
        destination=destination or story.ids.new(BankAccountId),
        created_at=season.now,
        movement=movement.id,
        sent_at=season.now,
        remittances=len(made.pages),
    )
    await season.commit(
        (payout, EventType.PAYOUT_CREATED),
        (evolve(settings, remitted=made.remitted), EventType.BALANCE_SETTINGS_UPDATED),
        *((page, EventType.REMITTANCE_CREATED) for page in made.pages),
        transfers=tuple(movement.legs),
        id=changeset,
    )
    kept: Payout = season.aggregates[id]
    return kept


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
