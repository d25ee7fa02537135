"""The proof of payouts, over memory."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from fintech.domain.chart import Bucket, bucket_of, code_of
from fintech.domain.events import Aggregate
from fintech.domain.ledger import AccountId, Balances, Phase, Transfer, TransferKind
from fintech.domain.payouts.payout import Payout, PayoutStatus
from fintech.domain.settlement import Settlement

#: Whose it is and what it is called.
Key: TypeAlias = tuple[str, str]
#: Subject, expected, found.
Fault: TypeAlias = tuple[str, object, object]

_BACK: Final = (PayoutStatus.FAILED, PayoutStatus.CANCELED)
_OWED: Final = (Bucket.AVAILABLE, Bucket.IN_TRANSIT)
_ADVANCED: Final = "advanced"
_REPAID: Final = "repaid"
#: What the bank has less of than is owed by what was booked: nothing.
_CASH: Final = "cash"
#: What no document has a number for: own cash evens out `_CASH`, and what a payout repays is what was owed by then.
_UNSAID: Final = (TransferKind.OWN_FUNDS, TransferKind.EARNINGS, TransferKind.ADVANCE_REPAYMENT, _REPAID)


def payout_faults(
    aggregates: Iterable[tuple[Key, Aggregate]],
    transfers: Iterable[tuple[str, Transfer]],
    accounts: Mapping[AccountId, Balances],
) -> Iterator[Fault]:
    """What payouts say was booked, and settlements of advances, against the transfers and the accounts."""
    booked = _booked(transfers)
    due: Counter[str] = Counter()
    for key, aggregate in aggregates:
        if isinstance(aggregate, Payout):
            repaid = booked[key][_REPAID]
            sums = {name: minor for name, minor in booked[key].items() if name not in _UNSAID}
            yield from _differing(f"{key[1]} ", _claimed(aggregate), sums)
            most = aggregate.advanced_minor if _is_back(aggregate) else 0
            if repaid > most:
                yield f"{key[1]} {_REPAID}", f"<= {most}", repaid
            for name, minor in _due(aggregate).items():
                due[f"{key[0]} {aggregate.currency} {name}"] += minor
            due[f"{key[0]} {aggregate.currency} {Bucket.ADVANCE}"] -= repaid
        elif isinstance(aggregate, Settlement):
            repaid = aggregate.advance_repaid_minor
            due[f"{key[0]} {aggregate.currency} {Bucket.ADVANCE}"] -= repaid
            # the advance falls, and as much comes back into our cash
            claimed = {_REPAID: repaid, TransferKind.ADVANCE_REPAYMENT: 2 * repaid}
            yield from _differing(f"{key[1]} ", claimed, {name: booked[key][name] for name in claimed})
    yield from _differing("", due, _standing(accounts))


def _booked(transfers: Iterable[tuple[str, Transfer]]) -> dict[Key, Counter[str]]:
    """What was moved for each thing, by kind; what of it was an advance, or repaid one; what no cash covers."""
    booked: dict[Key, Counter[str]] = defaultdict(Counter)
    for merchant, transfer in transfers:
        if transfer.phase not in (Phase.POST, Phase.POST_PENDING):
            continue
        sums, minor = booked[merchant, transfer.source], transfer.amount_minor
        came, went = bucket_of(transfer.credit.code), bucket_of(transfer.debit.code)
        sums[transfer.kind] += minor
        sums[_ADVANCED] += minor * (went is Bucket.ADVANCE)
        sums[_REPAID] += minor * (came is Bucket.ADVANCE)
        sums[_CASH] += minor * ((came in _OWED) - (went in _OWED))
        sums[_CASH] += minor * ((came is Bucket.CLIENT_CASH) - (went is Bucket.CLIENT_CASH))
    return booked


def _is_back(payout: Payout) -> bool:
    """Whether its money is in the balance again: a reversal's was never out of it."""
    return payout.reverses is None and payout.status in _BACK


def _is_undone(payout: Payout) -> bool:
    """Whether it is as if it had never been made: its fee was returned, and it does not count under its day."""
    return _is_back(payout) and payout.paid_at is None


def _claimed(payout: Payout) -> dict[str, int]:
    """What a payout says was booked for it; nothing of any other kind was."""
    undone, reversal = _is_undone(payout), payout.reverses is not None
    paid = payout.amount_minor if payout.paid_at is not None else 0
    back = payout.amount_minor if _is_back(payout) else 0
    counted = 0 if payout.quota_day is None else payout.amount_minor + 1
    return {
        TransferKind.PAYOUT: 0 if reversal else payout.amount_minor,
        TransferKind.INSTANT_PAYOUT_FEE: payout.fee.fee_minor,
        TransferKind.FEE_TAX: payout.fee.tax_minor,
        TransferKind.PAYOUT_PAID: 0 if reversal else paid,
        TransferKind.PAYOUT_REVERSAL: paid if reversal else 0,
        TransferKind.PAYOUT_FAILURE: back if payout.status is PayoutStatus.FAILED else 0,
        TransferKind.PAYOUT_CANCEL: back if payout.status is PayoutStatus.CANCELED else 0,
        TransferKind.FEE_RETURN: payout.fee.fee_minor if undone else 0,
        TransferKind.FEE_TAX_RETURN: payout.fee.tax_minor if undone else 0,
        TransferKind.QUOTA: counted * (1 + undone),
        _ADVANCED: payout.advanced_minor,
        _CASH: 0,
    }


def _due(payout: Payout) -> dict[str, int]:
    """What the accounts have to have for it, but for what was repaid of its advance."""
    due: dict[str, int] = {
        Bucket.IN_TRANSIT: payout.in_transit_minor,
        Bucket.ADVANCE: payout.advanced_minor,
    }
    if payout.quota_day is not None and not _is_undone(payout):
        day = payout.quota_day.isoformat()
        due[code_of(Bucket.QUOTA, "payout", day, "amount")] = payout.amount_minor
        due[code_of(Bucket.QUOTA, "payout", day, "count")] = 1
    return due


def _standing(accounts: Mapping[AccountId, Balances]) -> Counter[str]:
    """What is in transit, advanced and counted under days, by merchant and currency."""
    standing: Counter[str] = Counter()
    for account, balances in accounts.items():
        bucket, posted = bucket_of(account.code), balances.debits_posted - balances.credits_posted
        if bucket in (Bucket.IN_TRANSIT, Bucket.ADVANCE, Bucket.QUOTA):
            name = account.code if bucket is Bucket.QUOTA else bucket
            sign = -1 if bucket is Bucket.IN_TRANSIT else 1
            standing[f"{account.owner} {account.currency} {name}"] += sign * posted
    return standing


def _differing(prefix: str, expected: Mapping[str, int], found: Mapping[str, int]) -> Iterator[Fault]:
    for name in expected.keys() | found.keys():
        if expected.get(name, 0) != found.get(name, 0):
            yield f"{prefix}{name}", expected.get(name, 0), found.get(name, 0)
