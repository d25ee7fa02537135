"""The proofs over memory and those over Postgres share no line, and say the same of the same books."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from random import Random

import asyncpg
import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.id_source import CountingIdSource
from fintech.adapters.memory.proofs import MemoryProofs
from fintech.adapters.memory.store import MemoryStore
from fintech.adapters.postgres.database import open_database
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, MovementId
from fintech.domain.ledger import Balances, Movement, Phase, TransferKind
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.refund import Refund
from fintech.domain.write_offs import WriteOff
from fintech.ports.contracts.disputing import quarrel
from fintech.ports.contracts.seasons import Season
from fintech.ports.contracts.trading import trade
from fintech.ports.proofs import Proof, Proofs


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
    for_dispute = Movement(MovementId.of(changeset, 3), source=dispute.id, at=season.now)
    for_dispute.move(TransferKind.RESERVE, available, books.account("reserved"), 5)
    await season.commit(
        (evolve(dispute, amount_minor=dispute.amount_minor + 1), EventType.DISPUTE_UPDATED),
        (evolve(write_off, amount_minor=write_off.amount_minor + 1), EventType.WRITE_OFF_UPDATED),
        (evolve(payment, refunded_minor=0), EventType.PAYMENT_UPDATED),
        (evolve(refund, amount_minor=refund.amount_minor + 1), EventType.REFUND_UPDATED),
        transfers=(*for_payment.legs, *for_refund.legs, *for_nothing.legs, *for_dispute.legs),
        id=changeset,
    )


async def test_they_agree_that_all_is_well(both: list[tuple[Season, Proofs]]) -> None:
    for proof in Proof:
        assert [list(await proofs.check(proof, livemode=False)) for _, proofs in both] == [[], []]


@pytest.mark.parametrize("proof", [Proof.HOLDS, Proof.PAYMENTS, Proof.SAFEGUARDED, Proof.DISPUTES])
async def test_they_agree_on_what_is_wrong(both: list[tuple[Season, Proofs]], proof: Proof) -> None:
    for season, _ in both:
        await spoil(season)
    over_memory, over_postgres = [list(await proofs.check(proof, livemode=False)) for _, proofs in both]
    assert over_memory
    assert over_memory == over_postgres
    faults = {Proof.HOLDS: 1, Proof.PAYMENTS: 7, Proof.SAFEGUARDED: 1, Proof.DISPUTES: 5}
    assert len(over_memory) == faults[proof]


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
