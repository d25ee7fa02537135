"""What proves statements and tax invoices, over memory."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from fintech.domain.business_days import sydney_day
from fintech.domain.chart import BALANCE_BUCKETS, Bucket, bucket_of
from fintech.domain.disputes import booking as disputes
from fintech.domain.ids import MovementId
from fintech.domain.ledger import AccountId, Balances, Phase, Transfer
from fintech.domain.lines import FEE_KINDS, TAX_KINDS, change_of, line_amounts, touches_balance
from fintech.domain.payments import booking as payments
from fintech.domain.tax import TaxCode, rate_bps, taxed_rightly

#: Transfers, each with the merchant in whose books it is.
Transfers: TypeAlias = Iterable[tuple[str, Transfer]]
#: What is compared, by name: as it should be, and as it is.
Sums: TypeAlias = tuple[dict[str, int], dict[str, int]]

_EARNED: Final = (Bucket.FEES, Bucket.GST_PAYABLE)
#: Fees whose tax code is the fee plan's.
_PLANNED: Final = frozenset({payments.FEES_CODE, disputes.FEES_CODE})


def line_sums(accounts: Mapping[AccountId, Balances], transfers: Transfers) -> Sums:
    """Each merchant's balance, and what the lines of its statements add up to."""
    balances: dict[str, int] = defaultdict(int)
    lines: dict[str, int] = defaultdict(int)
    for account, sums in accounts.items():
        if bucket_of(account.code) in BALANCE_BUCKETS:
            balances[f"{account.owner} {account.currency}"] += sums.credits_posted - sums.debits_posted
    for merchant, legs in _movements(transfers):
        if touches_balance(legs):
            lines[f"{merchant} {legs[0].debit.currency}"] += line_amounts(legs).net_minor
    return balances, lines


def monthly_fees(transfers: Transfers) -> Sums:
    """Each month's fees and GST as the accounts of both have them, and as its invoice adds them up from its lines."""
    booked: dict[str, int] = defaultdict(int)
    invoiced: dict[str, int] = defaultdict(int)
    for merchant, legs in _movements(transfers):
        month = f"{sydney_day(legs[0].at):%Y-%m}"
        for leg in legs:
            of_month = f"{merchant} {month} {leg.debit.currency}"
            if leg.phase not in (Phase.POST, Phase.POST_PENDING):
                continue
            for account, sign in ((leg.credit, 1), (leg.debit, -1)):
                if bucket_of(account.code) in _EARNED:
                    booked[f"{of_month} {bucket_of(account.code)}"] += sign * leg.amount_minor
            if touches_balance(legs) and leg.kind in FEE_KINDS:
                invoiced[f"{of_month} {Bucket.FEES}"] -= change_of(leg)
            if touches_balance(legs) and leg.kind in TAX_KINDS:
                invoiced[f"{of_month} {Bucket.GST_PAYABLE}"] -= change_of(leg)
    return booked, invoiced


def wrongly_taxed(transfers: Transfers, codes: Mapping[str, TaxCode]) -> Iterator[tuple[str, object, object]]:
    """Movements that charge a fee whose tax is not its rate's share. ``codes`` are those of merchants' fee plans.

    The code is told by the tax's account; of a fee without tax, by the plan, if it is one of the plan's. What is given
    back may be taxed at the rate of another day.
    """
    for merchant, legs in _movements(transfers):
        amounts = line_amounts(legs)
        if not touches_balance(legs) or amounts.fee_minor >= 0:
            continue
        taxes = [leg.credit.code for leg in legs if bucket_of(leg.credit.code) is Bucket.GST_PAYABLE]
        if taxes:
            code = TaxCode(taxes[0].partition("/")[2])
        elif any(leg.credit.code in _PLANNED for leg in legs):
            code = codes.get(merchant, TaxCode.GST)
        else:
            continue
        day = sydney_day(legs[0].at)
        if not taxed_rightly(-amounts.fee_minor, -amounts.tax_minor, code, day):
            name = f"{legs[0].id.movement_id} {code}"
            yield name, f"{rate_bps(code, day)} bps of {-amounts.fee_minor}", -amounts.tax_minor


def _movements(transfers: Transfers) -> Iterator[tuple[str, list[Transfer]]]:
    """The legs of each movement in their order, with the merchant."""
    movements: dict[tuple[str, MovementId], list[Transfer]] = defaultdict(list)
    for merchant, transfer in transfers:
        movements[merchant, transfer.id.movement_id].append(transfer)
    for (merchant, _), legs in movements.items():
        yield merchant, sorted(legs, key=lambda leg: leg.id)
