"""The proofs of the books, over memory."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from fintech.adapters.memory.dispute_proofs import dispute_faults
from fintech.adapters.memory.payout_proofs import payout_faults
from fintech.adapters.memory.remittance_proof import Fault, Key, remitted
from fintech.adapters.memory.statement_proofs import line_sums, monthly_fees, wrongly_taxed
from fintech.adapters.memory.store import Memory
from fintech.domain.chart import Bucket, bucket_of
from fintech.domain.events import Aggregate
from fintech.domain.ledger import AccountId, Balances, Phase, Transfer, TransferKind
from fintech.domain.merchants import Merchant
from fintech.domain.moves import net_moves
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.refund import Refund, RefundStatus
from fintech.domain.settlement import Settlement
from fintech.ports.proofs import Discrepancy, Proof, Proofs

_OWED: Final = (Bucket.AVAILABLE, Bucket.RESERVED, Bucket.IN_TRANSIT)
_OPEN: Final = (RefundStatus.SENT, RefundStatus.UNKNOWN)
_REFUND_PENDING: Final = "refund pending"
#: What payments and refunds account for; transfers of other kinds only have to be for something.
_KINDS: Final = (
    TransferKind.CAPTURE,
    TransferKind.ACQUIRING_FEE,
    TransferKind.FEE_TAX,
    TransferKind.REFUND,
    _REFUND_PENDING,
    TransferKind.REFUND_FAILURE,
    TransferKind.FEE_RETURN,
    TransferKind.FEE_TAX_RETURN,
)


class MemoryProofs(Proofs):
    """Checks the memory of a `MemoryStore`."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def check(self, proof: Proof, livemode: bool, limit: int = 20) -> Sequence[Discrepancy]:
        faults = {
            Proof.BALANCED: self._balanced,
            Proof.REBUILT: self._rebuilt,
            Proof.HOLDS: self._holds,
            Proof.PAYMENTS: self._payments,
            Proof.SAFEGUARDED: self._safeguarded,
            Proof.DISPUTES: self._disputes,
            Proof.PAYOUTS: self._payouts,
            Proof.REMITTED: self._remitted,
            Proof.STATEMENTS: self._statements,
            Proof.INVOICES: self._invoices,
            Proof.EVENTS: self._events,
        }[proof](livemode)
        wrong = sorted((str(subject), str(expected), str(found)) for subject, expected, found in faults)
        return [Discrepancy(proof, *each) for each in islice(wrong, limit)]

    def _accounts(self, livemode: bool) -> dict[AccountId, Balances]:
        known = self._memory.state.accounts or {}
        return {account: balances for (mode, account), balances in known.items() if mode is livemode}

    def _transfers(self, livemode: bool) -> Iterator[tuple[str, Transfer]]:
        for (scope, _), transfer in self._memory.transfers.items():
            if scope.livemode is livemode:
                yield scope.merchant, transfer

    def _aggregates(self, livemode: bool) -> Iterator[tuple[Key, Aggregate]]:
        for (scope, id), aggregate in self._memory.aggregates.items():
            if scope.livemode is livemode:
                yield (scope.merchant, id), aggregate

    def _balanced(self, livemode: bool) -> Iterator[Fault]:
        sums: dict[str, Balances] = defaultdict(Balances)
        for account, balances in self._accounts(livemode).items():
            sums[account.currency] = sums[account.currency].plus(balances)
        for currency, total in sums.items():
            if total.debits_posted != total.credits_posted:
                yield f"posted {currency}", total.debits_posted, total.credits_posted
            if total.debits_pending != total.credits_pending:
                yield f"pending {currency}", total.debits_pending, total.credits_pending

    def _rebuilt(self, livemode: bool) -> Iterator[Fault]:
        rebuilt = net_moves(tuple(transfer for _, transfer in self._transfers(livemode)))
        stored = self._accounts(livemode)
        for account in rebuilt.keys() | stored.keys():
            expected, found = rebuilt.get(account, Balances()), stored.get(account, Balances())
            if expected != found:
                yield f"{account.owner} {account.code} {account.currency}", _spelt(expected), _spelt(found)

    def _holds(self, livemode: bool) -> Iterator[Fault]:
        open_: dict[str, int] = defaultdict(int)
        held: dict[str, int] = defaultdict(int)
        for (merchant, _), aggregate in self._aggregates(livemode):
            if isinstance(aggregate, Payment):
                open_[f"{merchant} {aggregate.currency}"] += aggregate.capturable_minor
        for account, balances in self._accounts(livemode).items():
            if bucket_of(account.code) is Bucket.HOLDS:
                held[f"{account.owner} {account.currency}"] += balances.debits_pending
        yield from _differing(open_, held)

    def _payments(self, livemode: bool) -> Iterator[Fault]:
        booked: dict[tuple[Key, str], int] = defaultdict(int)
        unknown: set[Key] = set()
        for merchant, transfer in self._transfers(livemode):
            source = (merchant, transfer.source)
            unknown.add(source)
            if transfer.phase in (Phase.POST, Phase.POST_PENDING):
                booked[source, transfer.kind] += transfer.amount_minor
            if transfer.kind is TransferKind.REFUND and transfer.phase is not Phase.POST:
                sign = 1 if transfer.phase is Phase.PENDING else -1
                booked[source, _REFUND_PENDING] += sign * transfer.amount_minor
        for key, aggregate in self._aggregates(livemode):
            unknown.discard(key)
            if isinstance(aggregate, Payment | Refund | Settlement):
                for kind, expected in _claimed(aggregate).items():
                    if booked[key, kind] != expected:
                        yield f"{key[1]} {kind}", expected, booked[key, kind]
        for _, id in unknown:
            yield id, "what the money moved for", "none"
        yield from self._refunds(livemode)

    def _refunds(self, livemode: bool) -> Iterator[Fault]:
        """What payments say is refunded, and given back of their fee, against their refunds."""
        refunded: dict[Key, int] = defaultdict(int)
        fees: dict[Key, int] = defaultdict(int)
        for (merchant, _), refund in self._aggregates(livemode):
            if isinstance(refund, Refund):
                if refund.status is not RefundStatus.FAILED:
                    refunded[merchant, refund.payment] += refund.amount_minor
                if refund.status is not RefundStatus.FAILED or refund.failure_movement is not None:
                    fees[merchant, refund.payment] += refund.fee.total_minor
        for key, payment in self._aggregates(livemode):
            if isinstance(payment, Payment):
                if payment.refunded_minor != refunded[key]:
                    yield f"{payment.id} refunds", payment.refunded_minor, refunded[key]
                if payment.fee_returned.total_minor != fees[key]:
                    yield f"{payment.id} fee_returned", payment.fee_returned.total_minor, fees[key]

    def _safeguarded(self, livemode: bool) -> Iterator[Fault]:
        owed: dict[str, int] = defaultdict(int)
        cash: dict[str, int] = defaultdict(int)
        for account, balances in self._accounts(livemode).items():
            bucket = bucket_of(account.code)
            if bucket in _OWED:
                owed[account.currency] += balances.credits_posted - balances.debits_posted
            elif bucket is Bucket.CLIENT_CASH:
                cash[account.currency] += balances.debits_posted - balances.credits_posted
        for currency, least in owed.items():
            if cash[currency] < least:
                yield f"client cash {currency}", f">= {least}", cash[currency]

    def _disputes(self, livemode: bool) -> Iterator[Fault]:
        return dispute_faults(
            list(self._aggregates(livemode)), self._transfers(livemode), self._accounts(livemode)
        )

    def _payouts(self, livemode: bool) -> Iterator[Fault]:
        return payout_faults(self._aggregates(livemode), self._transfers(livemode), self._accounts(livemode))

    def _remitted(self, livemode: bool) -> Iterator[Fault]:
        return remitted(self._memory, livemode)

    def _statements(self, livemode: bool) -> Iterator[Fault]:
        return _differing(*line_sums(self._accounts(livemode), self._transfers(livemode)))

    def _invoices(self, livemode: bool) -> Iterator[Fault]:
        yield from _differing(*monthly_fees(self._transfers(livemode)))
        codes = {
            key[0]: each.fees.tax_code
            for key, each in self._aggregates(livemode)
            if isinstance(each, Merchant)
        }
        yield from wrongly_taxed(self._transfers(livemode), codes)

    def _events(self, livemode: bool) -> Iterator[Fault]:
        latest: dict[Key, int] = defaultdict(int)
        for (scope, _), event in self._memory.events.items():
            if scope.livemode is livemode:
                logged: Key = (scope.merchant, event.snapshot.id)
                latest[logged] = max(latest[logged], event.snapshot.version)
        versions = {key: aggregate.version for key, aggregate in self._aggregates(livemode)}
        for key in versions.keys() | latest.keys():
            expected, found = versions.get(key, 0), latest.get(key, 0)
            if expected != found:
                yield key[1], expected, found


def _claimed(aggregate: Payment | Refund | Settlement) -> dict[str, int]:
    """What an aggregate says was booked for it."""
    claimed = dict.fromkeys(_KINDS, 0)
    if isinstance(aggregate, Payment):
        for capture in [capture for attempt in aggregate.attempts for capture in attempt.captures]:
            claimed[TransferKind.CAPTURE] += capture.amount_minor
            claimed[TransferKind.ACQUIRING_FEE] += capture.fee_minor
            claimed[TransferKind.FEE_TAX] += capture.tax_minor
    elif isinstance(aggregate, Refund):
        if aggregate.status in _OPEN:
            claimed[_REFUND_PENDING] = aggregate.amount_minor
        if aggregate.status is RefundStatus.SUCCEEDED or aggregate.failure_movement is not None:
            claimed[TransferKind.REFUND] = aggregate.amount_minor
            claimed[TransferKind.FEE_RETURN] = aggregate.fee.fee_minor
            claimed[TransferKind.FEE_TAX_RETURN] = aggregate.fee.tax_minor
        if aggregate.failure_movement is not None:
            claimed[TransferKind.REFUND_FAILURE] = aggregate.amount_minor
    return claimed


def _differing(expected: dict[str, int], found: dict[str, int]) -> Iterator[Fault]:
    for name in expected.keys() | found.keys():
        if expected.get(name, 0) != found.get(name, 0):
            yield name, expected.get(name, 0), found.get(name, 0)


def _spelt(balances: Balances) -> str:
    return (
        f"debits {balances.debits_posted} + {balances.debits_pending} pending,"
        f" credits {balances.credits_posted} + {balances.credits_pending} pending"
    )
