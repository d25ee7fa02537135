"""Memory keeps the promise of `Proofs`."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from attrs import evolve

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.proofs import MemoryProofs
from fintech.adapters.memory.store import Memory, MemoryStore
from fintech.domain.chart import Bucket, bucket_of
from fintech.domain.ledger import PLATFORM, AccountId, Balances, TransferKind
from fintech.domain.money import Currency
from fintech.domain.payments.payment import Payment
from fintech.domain.remittances import Remittance, RemittedLine
from fintech.ports.contracts.proofs import Plant, ProofsContract
from fintech.ports.proofs import Proof


@pytest.fixture
def store(clock: ManualClock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
def proofs(store: MemoryStore) -> MemoryProofs:
    return MemoryProofs(store.memory)


@pytest.fixture
def plant(store: MemoryStore) -> Plant:
    async def planted(proof: Proof) -> None:
        FAULTS[proof](store.memory)

    return planted


def add(memory: Memory, bucket: Bucket, move: Balances) -> None:
    accounts = memory.state.accounts
    assert accounts is not None
    key = next(key for key in accounts if not key[0] and bucket_of(key[1].code) is bucket)
    accounts[key] = accounts[key].plus(move)


def change_one(memory: Memory, wanted: TransferKind, **changes: Any) -> None:
    key, transfer = next(
        (key, transfer)
        for key, transfer in memory.transfers.items()
        if not key[0].livemode and transfer.kind is wanted
    )
    memory.transfers[key] = evolve(transfer, **changes)


def change_a_remittance(memory: Memory) -> None:
    key, page = next(
        (key, aggregate)
        for key, aggregate in memory.aggregates.items()
        if not key[0].livemode and isinstance(aggregate, Remittance)
    )
    first, *others = page.lines
    memory.aggregates[key] = evolve(page, lines=(RemittedLine(first.movement, first.minor - 1), *others))


def change_a_version(memory: Memory) -> None:
    key, payment = next(
        (key, aggregate)
        for key, aggregate in memory.aggregates.items()
        if not key[0].livemode and isinstance(aggregate, Payment)
    )
    memory.aggregates[key] = evolve(payment, version=payment.version + 1)


class TestMemoryProofs(ProofsContract): ...


FAULTS: Final[dict[Proof, Callable[[Memory], None]]] = {
    Proof.BALANCED: lambda memory: add(memory, Bucket.FEES, Balances(credits_posted=1)),
    Proof.REBUILT: lambda memory: add(memory, Bucket.FEES, Balances(credits_posted=1, debits_posted=1)),
    Proof.HOLDS: lambda memory: add(memory, Bucket.HOLDS, Balances(debits_pending=1)),
    Proof.SAFEGUARDED: lambda memory: add(memory, Bucket.AVAILABLE, Balances(credits_posted=10**9)),
    Proof.PAYMENTS: lambda memory: change_one(memory, TransferKind.ACQUIRING_FEE, amount_minor=1_000_000),
    Proof.DISPUTES: lambda memory: add(memory, Bucket.RESERVED, Balances(credits_posted=1)),
    Proof.PAYOUTS: lambda memory: add(memory, Bucket.IN_TRANSIT, Balances(credits_posted=1)),
    Proof.REMITTED: change_a_remittance,
    Proof.STATEMENTS: lambda memory: change_one(memory, TransferKind.CAPTURE, kind=TransferKind.HOLD),
    Proof.INVOICES: lambda memory: change_one(
        memory, TransferKind.FEE_TAX, credit=AccountId(PLATFORM, "fees/acquiring", Currency.AUD)
    ),
    Proof.EVENTS: change_a_version,
}
