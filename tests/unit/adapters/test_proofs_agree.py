"""The proofs over memory and those over Postgres share no line, and say the same of the same books."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from random import Random
from typing import Final

import asyncpg
import pytest
from attrs import evolve as evolve_attrs

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.id_source import CountingIdSource
from fintech.adapters.memory.proofs import MemoryProofs
from fintech.adapters.memory.store import MemoryStore
from fintech.adapters.postgres.database import open_database
from fintech.domain.balance_settings import BalanceSettings
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, MovementId, PayoutId, RemittanceId
from fintech.domain.ledger import Balances, Movement, Phase, TransferKind
from fintech.domain.merchants import Fee
from fintech.domain.payments.payment import Payment
from fintech.domain.payouts.payout import Payout, PayoutStatus
from fintech.domain.refunds.refund import Refund
from fintech.domain.remittances import LATENESS_MAX, Remittance, RemittedLine
from fintech.domain.settlement import Settlement
from fintech.domain.write_offs import WriteOff
from fintech.ports.contracts.disputing import quarrel
from fintech.ports.contracts.paying_out import pay_out, pay_out_every_way, payable
from fintech.ports.contracts.seasons import Season
from fintech.ports.contracts.trading import trade
from fintech.ports.proofs import Proof, Proofs

#: How many discrepancies each proof finds in what `spoil` commits.
WRONG = {
    Proof.HOLDS: 1,
    Proof.PAYMENTS: 8,
    Proof.SAFEGUARDED: 1,
    Proof.STATEMENTS: 1,
    Proof.INVOICES: 4,
}

#: What `spoil_payouts` has done to payouts, a settlement and the merchant's accounts.
WRONG_PAYOUTS: Final = sorted(
    (
        *("payout", "instant_payout_fee", "fee_tax", "payout_paid", "payout_failure", "capture", "quota"),
        *("advanced", "repaid", "cash"),
        "payout_paid",
        *("payout", "cash"),
        *("repaid", "advance_repayment"),
        *("in_transit", "advance", "quota/payout/<day>/amount", "quota/payout/<day>/count"),
        "quota/payout/<day>/count",
    )
)


@pytest.fixture
async def both(postgres_dsn: str) -> AsyncIterator[list[tuple[Season, Proofs]]]:
    """The same season, to the last id, on both."""
    clock = ManualClock()
    async with AsyncExitStack() as closing:
        memory = MemoryStore(clock)
        database = await closing.enter_async_context(open_database(postgres_dsn, clock))
        seasons = []
        for store in (memory, database.store):
            season = await Season.begin(store, CountingIdSource(), ManualClock())
            assert isinstance(season.story.clock, ManualClock)
            await trade(season, Random(7), season.story.clock.advance)
            await season.pay(7_000, manual=True)
            await season.refund((await season.pay(8_000)).id, 3_000)
            await quarrel(season)
            await season.settle()
            await season.pay(20_000)
            await season.settle()
            await pay_out(season, 2_000)
            await pay_out_every_way(season)
            await season.pay(10_000)
            await season.settle()
            season.story.clock.advance(2 * LATENESS_MAX)
            await pay_out(season, 3_000)
            seasons.append(season)
        yield [(seasons[0], MemoryProofs(memory.memory)), (seasons[1], database.proofs)]


async def spoil(season: Season) -> None:
    """Commit what no use case would: the store takes it, since no limit is passed, and the proofs must not."""
    books = season.story.books
    payment, refund = season.all(Payment)[-1], season.all(Refund)[-1]
    dispute, write_off = season.all(Dispute)[-1], season.all(WriteOff)[0]
    changeset = season.story.ids.new(ChangesetId)
    for_payment = Movement(MovementId.of(changeset, 0), source=payment.id, at=season.now)
    cash, available, holds = (books.account(code) for code in ("client_cash", "available", "holds"))
    for_payment.move(TransferKind.CAPTURE, books.account("losses"), available, 10**9)
    for_payment.move(TransferKind.FEE_TAX, cash, books.account("gst_payable/gst"), 17)
    for_payment.move(TransferKind.HOLD, holds, books.account("holds_contra"), 5, phase=Phase.PENDING)
    for_refund = Movement(MovementId.of(changeset, 1), source=refund.id, at=season.now)
    for_refund.move(TransferKind.REFUND, cash, cash, 3, phase=Phase.PENDING)
    for_refund.move(TransferKind.FEE_RETURN, cash, available, 4)
    for_nothing = Movement(MovementId.of(changeset, 2), source="pi_nothing", at=season.now)
    for_nothing.move(TransferKind.HOLD, holds, books.account("holds_contra"), 6, phase=Phase.PENDING)
    for_nothing.move(TransferKind.CAPTURE, cash, available, 8)
    for_dispute = Movement(MovementId.of(changeset, 6), source=dispute.id, at=season.now)
    for_dispute.move(TransferKind.RESERVE, available, books.account("reserved"), 5)
    too_dear = Movement(MovementId.of(changeset, 3), source=payment.id, at=season.now)
    too_dear.move(TransferKind.CAPTURE, cash, available, 10_000)
    too_dear.move(TransferKind.ACQUIRING_FEE, available, books.account("fees/acquiring"), 1_000)
    too_dear.move(TransferKind.FEE_TAX, available, books.account("gst_payable/gst"), 104)
    untaxed = Movement(MovementId.of(changeset, 4), source=payment.id, at=season.now)
    untaxed.move(TransferKind.CAPTURE, cash, available, 10_000)
    untaxed.move(TransferKind.ACQUIRING_FEE, available, books.account("fees/acquiring"), 1_000)
    free = Movement(MovementId.of(changeset, 5), source=payment.id, at=season.now)
    free.move(TransferKind.CAPTURE, cash, available, 10_000)
    free.move(TransferKind.ACQUIRING_FEE, available, books.account("fees/acquiring"), 1_000)
    free.move(TransferKind.FEE_TAX, available, books.account("gst_payable/gst_free"), 9)
    await season.commit(
        (evolve(dispute, amount_minor=dispute.amount_minor + 1), EventType.DISPUTE_UPDATED),
        (evolve(write_off, amount_minor=write_off.amount_minor + 1), EventType.WRITE_OFF_UPDATED),
        (evolve(payment, refunded_minor=0), EventType.PAYMENT_UPDATED),
        (evolve(refund, amount_minor=refund.amount_minor + 1), EventType.REFUND_UPDATED),
        transfers=tuple(
            leg
            for movement in (for_payment, for_refund, for_nothing, too_dear, untaxed, free, for_dispute)
            for leg in movement.legs
        ),
        id=changeset,
    )


async def spoil_remittances(season: Season) -> None:
    """A payout pays twice, for more than a line, for none and for a payout; another for nothing; one is made up."""
    books, id = season.story.books, season.story.ids.new(ChangesetId)
    settings, payouts = season.all(BalanceSettings)[0], season.all(Payout)
    lines = payable(season)
    (first, *_), (*_, last) = [page.lines for page in (season.all(Remittance)[0], season.all(Remittance)[-1])]
    pages = (
        (payouts[0].id, (RemittedLine(first.movement, first.minor), RemittedLine(last.movement, -9))),
        (payouts[1].id, (RemittedLine(MovementId.of(id, 5), 5), RemittedLine(lines[-1].movement, 10**8))),
        (PayoutId("po_nothing"), (RemittedLine(payouts[0].movement or lines[0].movement, 7),)),
    )
    movement = Movement(MovementId.of(id, 0), source=payouts[1].id, at=season.now)
    movement.move(TransferKind.PAYOUT, books.account("available"), books.account("in_transit"), 11)
    await season.commit(
        (
            evolve(settings, remitted=evolve_attrs(settings.remitted, closed=lines[-2].movement)),
            EventType.BALANCE_SETTINGS_UPDATED,
        ),
        *(
            (
                Remittance(
                    id=RemittanceId.of(id, place),
                    version=0,
                    payout=payout,
                    created_at=season.now,
                    lines=paid,
                ),
                EventType.REMITTANCE_CREATED,
            )
            for place, (payout, paid) in enumerate(pages)
        ),
        transfers=tuple(movement.legs),
        id=id,
    )


async def test_they_agree_on_what_payouts_pay_for(both: list[tuple[Season, Proofs]]) -> None:
    for season, _ in both:
        await spoil_remittances(season)
    over_memory, over_postgres = [
        list(await proofs.check(Proof.REMITTED, livemode=False, limit=100)) for _, proofs in both
    ]
    assert over_memory == over_postgres
    said = {found.subject.partition(" ")[2] for found in over_memory}
    assert said == {"", "paid", "closed", "left"}
    assert {found.subject for found in over_memory} >= {
        "po_nothing",
        *(p.id for p in both[0][0].all(Payout)[:2]),
    }


async def spoil_payouts(season: Season) -> None:
    """An open payout says that it is paid, one with an advance that it has none, a settlement that it repaid more; and
    money moves for payouts that did not ask for it."""
    books, id = season.story.books, season.story.ids.new(ChangesetId)
    payouts = season.all(Payout)
    open_ = next(each for each in payouts if each.status is PayoutStatus.UNKNOWN)
    advanced = next(each for each in payouts if each.status is PayoutStatus.PAID and each.advanced_minor)
    reversal = next(each for each in payouts if each.reverses and each.status is PayoutStatus.PAID)
    settlement = next(each for each in season.all(Settlement) if each.advance_repaid_minor)
    available, advance, cash = (books.account(code) for code in ("available", "advance", "client_cash"))
    for_paid = Movement(MovementId.of(id, 0), source=advanced.id, at=season.now)
    for_paid.move(TransferKind.PAYOUT, advance, available, 100)
    for_paid.move(TransferKind.PAYOUT_FAILURE, cash, advance, 3)
    for_paid.move(TransferKind.CAPTURE, cash, available, 5)
    for_paid.move(TransferKind.PAYOUT_PAID, cash, available, 7, phase=Phase.PENDING)
    for_reversal = Movement(MovementId.of(id, 1), source=reversal.id, at=season.now)
    for_reversal.move(TransferKind.PAYOUT, available, books.account("in_transit"), 11)
    for_reversal.move(TransferKind.EARNINGS, books.account("own_cash"), cash, 13)
    for_settlement = Movement(MovementId.of(id, 2), source=settlement.id, at=season.now)
    for_settlement.move(TransferKind.ADVANCE_REPAYMENT, available, advance, 17)
    for_nothing = Movement(MovementId.of(id, 3), source="po_nothing", at=season.now)
    for_nothing.move(TransferKind.QUOTA, books.account("quota/payout/2026-01-01/count"), advance, 19)
    movements = (for_paid, for_reversal, for_settlement, for_nothing)
    await season.commit(
        (evolve(open_, status=PayoutStatus.PAID, paid_at=season.now), EventType.PAYOUT_PAID),
        (
            evolve(advanced, advanced_minor=0, quota_day=None, fee=Fee(1, 0), amount_minor=1),
            EventType.PAYOUT_UPDATED,
        ),
        transfers=tuple(leg for movement in movements for leg in movement.legs),
        id=id,
    )


async def test_they_agree_on_what_payouts_booked(both: list[tuple[Season, Proofs]]) -> None:
    for season, _ in both:
        await spoil_payouts(season)
    over_memory, over_postgres = [
        list(await proofs.check(Proof.PAYOUTS, livemode=False, limit=100)) for _, proofs in both
    ]
    assert over_memory == over_postgres
    said = [found.subject.partition(" ")[2].removeprefix("AUD ") for found in over_memory]
    assert sorted(re.sub(r"\d{4}-\d\d-\d\d", "<day>", each) for each in said) == WRONG_PAYOUTS


async def test_they_agree_that_all_is_well(both: list[tuple[Season, Proofs]]) -> None:
    for proof in Proof:
        assert [list(await proofs.check(proof, livemode=False)) for _, proofs in both] == [[], []]


@pytest.mark.parametrize("proof", list(WRONG))
async def test_they_agree_on_what_is_wrong(both: list[tuple[Season, Proofs]], proof: Proof) -> None:
    for season, _ in both:
        await spoil(season)
    over_memory, over_postgres = [list(await proofs.check(proof, livemode=False)) for _, proofs in both]
    assert over_memory
    assert over_memory == over_postgres
    assert len(over_memory) == WRONG[proof]


@pytest.mark.parametrize("proof", [Proof.BALANCED, Proof.REBUILT])
async def test_they_agree_on_what_no_commit_can_do(
    both: list[tuple[Season, Proofs]], postgres_dsn: str, proof: Proof
) -> None:
    story = both[0][0].story
    assert isinstance(story.store, MemoryStore)
    accounts = story.store.memory.state.accounts
    assert accounts is not None
    key = (False, story.books.account("losses"))
    accounts[key] = accounts.get(key, Balances()).plus(Balances(1, 2, 3, 4))
    connection = await asyncpg.connect(postgres_dsn)
    await connection.execute(
        "insert into book_deltas (merchant_id, livemode, moves) values ($1, false, $2)",
        story.merchant.id,
        '[["losses","AUD",1,2,3,4]]',
    )
    await connection.close()
    over_memory, over_postgres = [list(await proofs.check(proof, livemode=False)) for _, proofs in both]
    assert over_memory
    assert over_memory == over_postgres
