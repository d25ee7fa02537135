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
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, MovementId
from fintech.domain.ledger import Balances, Movement, Phase, TransferKind
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.refund import Refund
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
            seasons.append(season)
        yield [(seasons[0], MemoryProofs(memory.memory)), (seasons[1], database.proofs)]


async def spoil(season: Season) -> None:
    """Commit what no use case would: the store takes it, since no limit is passed, and the proofs must not."""
    books = season.story.books
    payment, refund = season.all(Payment)[-1], season.all(Refund)[-1]
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
        (evolve(payment, refunded_minor=0), EventType.PAYMENT_UPDATED),
        (evolve(refund, amount_minor=refund.amount_minor + 1), EventType.REFUND_UPDATED),
        transfers=tuple(
            leg
            for movement in (for_payment, for_refund, for_nothing, too_dear, untaxed, free)
            for leg in movement.legs
        ),
        id=changeset,
    )


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
