"""The proofs of the books, over memory."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

from fintech.adapters.memory.store import Memory
from fintech.domain.ledger import Balances, Bucket, Phase, Transfer, TransferKind, bucket_of, net_moves
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.refund import Refund, RefundStatus
from fintech.ports.proofs import Discrepancy, Proof, Proofs

_OWED = (Bucket.AVAILABLE, Bucket.RESERVED, Bucket.IN_TRANSIT)


class MemoryProofs(Proofs):
    """Checks the memory of a `MemoryStore`."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def check(self, proof: Proof, livemode: bool, limit: int = 20) -> Sequence[Discrepancy]:
        found = {
            Proof.BALANCED: self._balanced,
            Proof.REBUILT: self._rebuilt,
            Proof.HOLDS: self._holds,
            Proof.PAYMENTS: self._payments,
            Proof.SAFEGUARDED: self._safeguarded,
            Proof.EVENTS: self._events,
        }[proof](livemode)
        return [Discrepancy(proof, *each) for each in islice(found, limit)]

    def _accounts(self, livemode: bool) -> dict[str, Balances]:
        known = self._memory.state.accounts or {}
        return {
            f"{account.owner} {account.code} {account.currency}": balances
            for (mode, account), balances in known.items()
            if mode is livemode
        }

    def _transfers(self, livemode: bool) -> list[Transfer]:
        return [
            transfer for (scope, _), transfer in self._memory.transfers.items() if scope.livemode is livemode
        ]

    def _balanced(self, livemode: bool) -> Iterator[tuple[str, str, str]]:
        sums: dict[str, Balances] = defaultdict(Balances)
        for name, balances in self._accounts(livemode).items():
            currency = name.rpartition(" ")[2]
            sums[currency] = sums[currency].plus(balances)
        for currency, total in sums.items():
            if total.debits_posted != total.credits_posted:
                yield f"posted {currency}", str(total.debits_posted), str(total.credits_posted)
            if total.debits_pending != total.credits_pending:
                yield f"pending {currency}", str(total.debits_pending), str(total.credits_pending)

    def _rebuilt(self, livemode: bool) -> Iterator[tuple[str, str, str]]:
        rebuilt = {
            f"{account.owner} {account.code} {account.currency}": balances
            for account, balances in net_moves(tuple(self._transfers(livemode))).items()
        }
        stored = self._accounts(livemode)
        for name in sorted(rebuilt.keys() | stored.keys()):
            expected, found = rebuilt.get(name, Balances()), stored.get(name, Balances())
            if expected != found:
                yield name, str(expected), str(found)

    def _holds(self, livemode: bool) -> Iterator[tuple[str, str, str]]:
        open_: dict[str, int] = defaultdict(int)
        held: dict[str, int] = defaultdict(int)
        for (scope, _), aggregate in self._memory.aggregates.items():
            if scope.livemode is livemode and isinstance(aggregate, Payment):
                open_[f"{scope.merchant} {aggregate.currency}"] += aggregate.capturable_minor
        for name, balances in self._accounts(livemode).items():
            owner, code, currency = name.split(" ")
            if bucket_of(code) is Bucket.HOLDS:
                held[f"{owner} {currency}"] += balances.debits_pending
        for name in sorted(open_.keys() | held.keys()):
            if open_[name] != held[name]:
                yield name, str(open_[name]), str(held[name])

    def _payments(self, livemode: bool) -> Iterator[tuple[str, str, str]]:
        booked: dict[tuple[str, str], int] = defaultdict(int)
        for transfer in self._transfers(livemode):
            if transfer.phase in (Phase.POST, Phase.POST_PENDING):
                booked[transfer.source, transfer.kind] += transfer.amount_minor
        for (scope, _), aggregate in self._memory.aggregates.items():
            if scope.livemode is not livemode:
                continue
            for kind, expected in _claimed(aggregate):
                found = booked.pop((aggregate.id, kind), 0)
                if found != expected:
                    yield f"{aggregate.id} {kind}", str(expected), str(found)
        for (source, kind), found in booked.items():
            if kind in _CLAIMED and found:
                yield f"{source} {kind}", "0", str(found)

    def _safeguarded(self, livemode: bool) -> Iterator[tuple[str, str, str]]:
        owed: dict[str, int] = defaultdict(int)
        cash: dict[str, int] = defaultdict(int)
        for name, balances in self._accounts(livemode).items():
            _, code, currency = name.split(" ")
            bucket = bucket_of(code)
            if bucket in _OWED:
                owed[currency] += balances.credits_posted - balances.debits_posted
            elif bucket is Bucket.CLIENT_CASH:
                cash[currency] += balances.debits_posted - balances.credits_posted
        for currency in sorted(owed):
            if cash[currency] < owed[currency]:
                yield f"client cash {currency}", f">= {owed[currency]}", str(cash[currency])

    def _events(self, livemode: bool) -> Iterator[tuple[str, str, str]]:
        latest: dict[str, int] = defaultdict(int)
        for (scope, _), event in self._memory.events.items():
            if scope.livemode is livemode:
                # A merchant has one id in both modes; the mode tells them apart.
                latest[event.snapshot.id] = max(latest[event.snapshot.id], event.snapshot.version)
        for (scope, id), aggregate in self._memory.aggregates.items():
            if scope.livemode is livemode and latest[id] != aggregate.version:
                yield id, str(aggregate.version), str(latest[id])


_CLAIMED = (TransferKind.CAPTURE, TransferKind.ACQUIRING_FEE, TransferKind.FEE_TAX, TransferKind.REFUND)


def _claimed(aggregate: object) -> list[tuple[TransferKind, int]]:
    """What an aggregate says was booked for it."""
    if isinstance(aggregate, Payment):
        captures = [capture for attempt in aggregate.attempts for capture in attempt.captures]
        return [
            (TransferKind.CAPTURE, sum(capture.amount_minor for capture in captures)),
            (TransferKind.ACQUIRING_FEE, sum(capture.fee_minor for capture in captures)),
            (TransferKind.FEE_TAX, sum(capture.tax_minor for capture in captures)),
        ]
    if isinstance(aggregate, Refund):
        posted = aggregate.status is RefundStatus.SUCCEEDED or aggregate.failure_movement is not None
        return [(TransferKind.REFUND, aggregate.amount_minor if posted else 0)]
    return []
