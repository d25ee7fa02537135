"""The proof of disputes and write-offs, over memory."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from fintech.domain.chart import Bucket, bucket_of
from fintech.domain.disputes.dispute import STANDING, Dispute
from fintech.domain.events import Aggregate
from fintech.domain.ledger import AccountId, Balances, Transfer, TransferKind
from fintech.domain.payments.payment import Payment
from fintech.domain.write_offs import WriteOff, WriteOffStatus

#: Whose it is and what it is called.
Key: TypeAlias = tuple[str, str]
#: Subject, expected, found.
Fault: TypeAlias = tuple[str, object, object]


def dispute_faults(
    aggregates: Iterable[tuple[Key, Aggregate]],
    transfers: Iterable[tuple[str, Transfer]],
    accounts: Mapping[AccountId, Balances],
) -> Iterator[Fault]:
    """What disputes and write-offs say was booked, against the transfers, their payments and ``reserved``."""
    booked = _booked(transfers)
    reserved: Counter[str] = Counter()
    standing: dict[Key, list[int]] = defaultdict(list)
    payments: list[tuple[Key, Payment]] = []
    for key, aggregate in aggregates:
        if isinstance(aggregate, Dispute | WriteOff):
            for name, expected in _claimed(aggregate).items():
                if booked[key][name] != expected:
                    yield f"{key[1]} {name}", expected, booked[key][name]
        if isinstance(aggregate, Dispute):
            reserved[f"{key[0]} {aggregate.currency}"] += aggregate.reserved_minor
            taken = aggregate.amount_minor if aggregate.status in STANDING else 0
            standing[key[0], aggregate.payment].append(taken)
        elif isinstance(aggregate, Payment):
            payments.append((key, aggregate))
    for key, payment in payments:
        if payment.disputed_minor != sum(standing[key]):
            yield f"{payment.id} disputed_minor", payment.disputed_minor, sum(standing[key])
        if len(payment.disputes) != len(standing[key]):
            yield f"{payment.id} disputes", len(payment.disputes), len(standing[key])
    yield from _reserves(reserved, accounts)


def _booked(transfers: Iterable[tuple[str, Transfer]]) -> dict[Key, Counter[str]]:
    """What was moved for each thing, by kind, and what it left in ``reserved``."""
    booked: dict[Key, Counter[str]] = defaultdict(Counter)
    for merchant, transfer in transfers:
        sums = booked[merchant, transfer.source]
        sums[transfer.kind] += transfer.amount_minor
        came, went = (
            bucket_of(account.code) is Bucket.RESERVED for account in (transfer.credit, transfer.debit)
        )
        sums["reserved"] += (came - went) * transfer.amount_minor
    return booked


def _reserves(reserved: Counter[str], accounts: Mapping[AccountId, Balances]) -> Iterator[Fault]:
    kept: Counter[str] = Counter()
    for account, balances in accounts.items():
        if bucket_of(account.code) is Bucket.RESERVED:
            kept[f"{account.owner} {account.currency}"] += balances.credits_posted - balances.debits_posted
    for name in reserved.keys() | kept.keys():
        if reserved[name] != kept[name]:
            yield f"{name} reserved", reserved[name], kept[name]


def _claimed(aggregate: Dispute | WriteOff) -> dict[str, int]:
    """What an aggregate says was booked for it."""
    if isinstance(aggregate, WriteOff):
        approved = aggregate.status is WriteOffStatus.APPROVED
        return {TransferKind.WRITE_OFF: aggregate.amount_minor if approved else 0}
    taken, returned = bool(aggregate.withdrawal), bool(aggregate.reinstatement)
    return {
        TransferKind.DISPUTE: aggregate.amount_minor if taken else 0,
        TransferKind.DISPUTE_FEE: aggregate.fee.fee_minor if taken else 0,
        TransferKind.FEE_TAX: aggregate.fee.tax_minor if taken else 0,
        TransferKind.DISPUTE_REVERSAL: aggregate.amount_minor if returned else 0,
        TransferKind.DISPUTE_FEE_RETURN: aggregate.fee.fee_minor if aggregate.fee_returned else 0,
        TransferKind.FEE_TAX_RETURN: aggregate.fee.tax_minor if aggregate.fee_returned else 0,
        "reserved": aggregate.reserved_minor,
    }
