"""``fintech balance``: what a merchant has, and where it is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from fintech.application.balance_settings import load_settings
from fintech.application.commits import NotFound
from fintech.application.payments.asking import books_of
from fintech.domain.business_days import sydney_day
from fintech.domain.chart import Bucket, Limit, bucket_of
from fintech.domain.ids import MerchantId
from fintech.domain.ledger import AccountId, Balances
from fintech.domain.merchants import Merchant
from fintech.domain.money import format_minor
from fintech.domain.outcome import Failure
from fintech.domain.payouts.funds import InstantFunds, instant_funds
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.options import ACCOUNT, data_option, json_option, mode_option
from fintech.entrypoints.cli.printing import Column, print_json, print_table
from fintech.entrypoints.cli.working import granted, work
from fintech.entrypoints.container import Core

_SHOWN = (
    (Bucket.UNSETTLED, "captured, not settled yet"),
    (Bucket.AVAILABLE, "settled"),
    (Bucket.RESERVED, "held back"),
    (Bucket.IN_TRANSIT, "on its way to the bank"),
    (Bucket.ADVANCE, "paid out ahead of settlement, which repays it"),
    (Bucket.RECEIVABLE, "owed to us"),
    (Bucket.HOLDS, "authorised, not captured"),
)


@click.command()
@click.argument("account", type=ACCOUNT)
@mode_option
@data_option
@json_option
def balance(account: MerchantId, livemode: bool, data: Path | None, as_json: bool) -> None:
    """Show what a merchant has, and where. Refunds that are under way are taken off already."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> tuple[Merchant, Mapping[AccountId, Balances], InstantFunds]:
        merchant = await core.store().merchant(scope)
        if merchant is None:
            return granted(Failure(NotFound("merchant", account)))
        now, books = core.clock().now(), await core.store().books(scope)
        policy = (await load_settings(core.store(), scope, now)).instant
        return merchant, books, instant_funds(books_of(merchant), books, policy, sydney_day(now))

    merchant, books, instant = work(data, body)
    amounts = {bucket: _in(bucket, books) for bucket, _ in _SHOWN}
    days = {
        account.code.partition("/")[2]: balances.spendable(Limit.DEBITS_WITHIN_CREDITS)
        for account, balances in sorted(books.items())
        if bucket_of(account.code) is Bucket.UNSETTLED
    }
    days = {day: minor for day, minor in days.items() if minor}
    if as_json:
        print_json(_fields(merchant, amounts, days, instant, livemode=livemode))
        return

    def money(minor: int) -> str:
        return format_minor(minor, merchant.currency)

    rows = []
    for bucket, meaning in _SHOWN:
        rows.append([bucket.value, money(amounts[bucket]), meaning])
        if bucket is Bucket.UNSETTLED:
            rows += [["", money(minor), f"  of {day}"] for day, minor in days.items()]
    rows.append(["", money(instant.gross_minor), "could be had at once, by an instant payout"])
    rows.append(["", money(instant.net_minor), "  of which would arrive, less fee and tax"])
    print_table([Column("bucket"), Column(merchant.currency, right=True), Column("what it is")], rows)


def _in(bucket: Bucket, books: Mapping[AccountId, Balances]) -> int:
    """What stands in a bucket, in minor units; what is pending against it is taken off."""
    total = 0
    for account, balances in books.items():
        if bucket_of(account.code) is not bucket:
            continue
        if bucket in (Bucket.RECEIVABLE, Bucket.ADVANCE):
            total += balances.owed
        elif bucket is Bucket.HOLDS:
            total += balances.debits_pending
        else:
            total += balances.spendable(Limit.DEBITS_WITHIN_CREDITS)
    return total


def _fields(
    merchant: Merchant,
    amounts: Mapping[Bucket, int],
    days: Mapping[str, int],
    instant: InstantFunds,
    *,
    livemode: bool,
) -> dict[str, Any]:
    return {
        "account": merchant.id,
        "livemode": livemode,
        "currency": merchant.currency,
        "unsettled_minor": amounts[Bucket.UNSETTLED],
        "unsettled_by_day_minor": dict(days),
        "available_minor": amounts[Bucket.AVAILABLE],
        "reserved_minor": amounts[Bucket.RESERVED],
        "in_transit_minor": amounts[Bucket.IN_TRANSIT],
        "advanced_minor": amounts[Bucket.ADVANCE],
        "receivable_minor": amounts[Bucket.RECEIVABLE],
        "held_minor": amounts[Bucket.HOLDS],
        "instant_available_minor": instant.gross_minor,
        "instant_net_minor": instant.net_minor,
    }
