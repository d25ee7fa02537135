"""Memory keeps the promise of `Proofs`."""

import pytest
from attrs import evolve

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.proofs import MemoryProofs
from fintech.adapters.memory.store import Memory, MemoryStore
from fintech.domain.chart import Bucket, bucket_of
from fintech.domain.ledger import Balances, TransferKind
from fintech.domain.payments.payment import Payment
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
        match proof:
            case Proof.BALANCED:
                add(store.memory, Bucket.FEES, Balances(credits_posted=1))
            case Proof.REBUILT:
                add(store.memory, Bucket.FEES, Balances(credits_posted=1, debits_posted=1))
            case Proof.HOLDS:
                add(store.memory, Bucket.HOLDS, Balances(debits_pending=1))
            case Proof.SAFEGUARDED:
                add(store.memory, Bucket.AVAILABLE, Balances(credits_posted=10**9))
            case Proof.PAYMENTS:
                change_a_fee(store.memory)
            case Proof.DISPUTES:
                add(store.memory, Bucket.RESERVED, Balances(credits_posted=1))
            case Proof.EVENTS:
                change_a_version(store.memory)

    return planted


def add(memory: Memory, bucket: Bucket, move: Balances) -> None:
    accounts = memory.state.accounts
    assert accounts is not None
    key = next(key for key in accounts if not key[0] and bucket_of(key[1].code) is bucket)
    accounts[key] = accounts[key].plus(move)


def change_a_fee(memory: Memory) -> None:
    key, transfer = next(
        (key, transfer)
        for key, transfer in memory.transfers.items()
        if not key[0].livemode and transfer.kind is TransferKind.ACQUIRING_FEE
    )
    memory.transfers[key] = evolve(transfer, amount_minor=transfer.amount_minor + 1)


def change_a_version(memory: Memory) -> None:
    key, payment = next(
        (key, aggregate)
        for key, aggregate in memory.aggregates.items()
        if not key[0].livemode and isinstance(aggregate, Payment)
    )
    memory.aggregates[key] = evolve(payment, version=payment.version + 1)


class TestMemoryProofs(ProofsContract): ...
