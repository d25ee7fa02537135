"""The chart of accounts: what is kept in the books, which side makes it grow, and what a request may not make of it."""

from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Final

from attrs import frozen


class AccountKind(StrEnum):
    """Which side makes it grow, and what it is for."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"
    MEMO = "memo"


class Limit(StrEnum):
    """What a request may never make of an account, pending counted against posted."""

    NONE = "none"
    DEBITS_WITHIN_CREDITS = "debits_within_credits"
    CREDITS_WITHIN_DEBITS = "credits_within_debits"


class Bucket(StrEnum):
    """The chart of accounts. A code is a bucket and, for some, what it is kept by: ``unsettled/2026-11-23``."""

    UNSETTLED = "unsettled"
    AVAILABLE = "available"
    RESERVED = "reserved"
    IN_TRANSIT = "in_transit"
    ADVANCE = "advance"
    RECEIVABLE = "receivable"
    HOLDS = "holds"
    HOLDS_CONTRA = "holds_contra"
    SCHEME_RECEIVABLE = "scheme_receivable"
    CLIENT_CASH = "client_cash"
    OWN_CASH = "own_cash"
    FEES = "fees"
    GST_PAYABLE = "gst_payable"
    SCHEME_COSTS = "scheme_costs"
    LOSSES = "losses"
    QUOTA = "quota"
    QUOTA_CONTRA = "quota_contra"


@frozen
class Rule:
    """What a bucket is."""

    kind: AccountKind
    limit: Limit


CHART: Final = {
    Bucket.UNSETTLED: Rule(AccountKind.LIABILITY, Limit.DEBITS_WITHIN_CREDITS),
    Bucket.AVAILABLE: Rule(AccountKind.LIABILITY, Limit.DEBITS_WITHIN_CREDITS),
    Bucket.RESERVED: Rule(AccountKind.LIABILITY, Limit.DEBITS_WITHIN_CREDITS),
    Bucket.IN_TRANSIT: Rule(AccountKind.LIABILITY, Limit.DEBITS_WITHIN_CREDITS),
    Bucket.ADVANCE: Rule(AccountKind.ASSET, Limit.CREDITS_WITHIN_DEBITS),
    Bucket.RECEIVABLE: Rule(AccountKind.ASSET, Limit.CREDITS_WITHIN_DEBITS),
    Bucket.HOLDS: Rule(AccountKind.MEMO, Limit.NONE),
    Bucket.HOLDS_CONTRA: Rule(AccountKind.MEMO, Limit.NONE),
    Bucket.SCHEME_RECEIVABLE: Rule(AccountKind.ASSET, Limit.NONE),
    Bucket.CLIENT_CASH: Rule(AccountKind.ASSET, Limit.NONE),
    Bucket.OWN_CASH: Rule(AccountKind.ASSET, Limit.NONE),
    Bucket.FEES: Rule(AccountKind.INCOME, Limit.NONE),
    Bucket.GST_PAYABLE: Rule(AccountKind.LIABILITY, Limit.NONE),
    Bucket.SCHEME_COSTS: Rule(AccountKind.EXPENSE, Limit.NONE),
    Bucket.LOSSES: Rule(AccountKind.EXPENSE, Limit.NONE),
    Bucket.QUOTA: Rule(AccountKind.MEMO, Limit.NONE),
    Bucket.QUOTA_CONTRA: Rule(AccountKind.MEMO, Limit.NONE),
}

#: What we owe a merchant.
MERCHANT_BUCKETS: Final = frozenset({Bucket.UNSETTLED, Bucket.AVAILABLE, Bucket.RESERVED, Bucket.IN_TRANSIT})
#: A merchant's balance: what we owe it less what it owes us. A credit to any of these raises it, a debit lowers it.
#: A payout leaves the balance when it is made, not when it arrives, so what is in transit is no part of it.
BALANCE_BUCKETS: Final = (MERCHANT_BUCKETS - {Bucket.IN_TRANSIT}) | {Bucket.ADVANCE, Bucket.RECEIVABLE}


@lru_cache(maxsize=1024)
def code_of(bucket: Bucket, *details: str) -> str:
    """The code of an account: its bucket and what it is kept by."""
    return "/".join((bucket.value, *details))


@lru_cache(maxsize=4096)
def bucket_of(code: str) -> Bucket:
    """The bucket of a code. Raises ``ValueError`` for a code outside the chart."""
    return Bucket(code.partition("/")[0])


@lru_cache(maxsize=4096)
def rule_of(code: str) -> Rule:
    """The rule of a code's bucket."""
    return CHART[bucket_of(code)]


@lru_cache(maxsize=4096)
def is_daily(code: str) -> bool:
    """Whether an account is kept by a day, so that there is a new one tomorrow: its code ends in one."""
    return code[-11:-10] == "/" and code[-6:-5] == "-" and code[-3:-2] == "-"


@lru_cache(maxsize=1024)
def unsettled_on(day: date) -> str:
    """What was captured on a Sydney day and not settled since."""
    return f"unsettled/{day.isoformat()}"
