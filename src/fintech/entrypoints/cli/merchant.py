"""``fintech merchant``: opening books, and the merchant's standing."""

from collections.abc import Sequence
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from fintech.application.commits import NotFound
from fintech.domain.abn import Abn
from fintech.domain.business_days import ends_a_day
from fintech.domain.cards import Scheme
from fintech.domain.ids import MerchantId
from fintech.domain.merchants import (
    DEFAULT_FEES,
    DISPUTE_FEE_MAX_MINOR,
    NAME_MAX,
    FeePlan,
    Limits,
    Merchant,
    SchemeFee,
    Standing,
)
from fintech.domain.money import Currency, format_minor
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.options import (
    ABN,
    ACCOUNT,
    AMOUNT,
    FEE,
    TIME,
    actor_of,
    actor_options,
    bounded,
    data_option,
    json_option,
    minor_of,
    mode_option,
)
from fintech.entrypoints.cli.printing import Column, in_sydney, iso, print_facts, print_json, print_table
from fintech.entrypoints.cli.reading import merchants_of
from fintech.entrypoints.cli.working import granted, work
from fintech.entrypoints.container import Core


def _cut_off(_ctx: click.Context, param: click.Parameter, value: time) -> time:
    if not ends_a_day(value):
        raise click.BadParameter("is from 12:00 on, or until 09:00 the next morning", param=param)
    return value


@click.group()
def merchant() -> None:
    """Open, show and place merchants."""


@merchant.command()
@click.option(
    "--name", required=True, callback=bounded(NAME_MAX), help="What customers know the merchant by."
)
@click.option("--abn", type=ABN, help="Its Australian Business Number, which its tax invoices name.")
@click.option("--id", "account", type=ACCOUNT, help="The id that it has in the other mode; else a new one.")
@click.option("--currency", type=click.Choice([each.value for each in Currency]), default=Currency.AUD.value)
@click.option(
    "--fee",
    "fees",
    type=FEE,
    multiple=True,
    help="visa=175+30: 1.75 % and 30 minor units (0.30 AUD, 30 JPY). Repeatable.",
)
@click.option("--fee-returned", is_flag=True, help="A refund gives the fee back, in proportion.")
@click.option(
    "--dispute-fee",
    type=click.IntRange(0, DISPUTE_FEE_MAX_MINOR),
    default=DEFAULT_FEES.dispute_fee_minor,
    show_default=True,
    help="What a chargeback costs, in minor units.",
)
@click.option("--payment-min", type=AMOUNT, default=Decimal("0.50"), show_default=True)
@click.option("--payment-max", type=AMOUNT, default=Decimal("999999.99"), show_default=True)
@click.option("--refund-debt-max", type=AMOUNT, help="How far refunds may take the merchant into debt.")
@click.option(
    "--cut-off",
    type=TIME,
    callback=_cut_off,
    default="00:00",
    show_default=True,
    help="When its days end in Sydney, as its bank counts captures: from 12:00 on, or until 09:00 the next morning.",
)
@mode_option
@data_option
@actor_options("onboarding")
@json_option
def create(
    name: str,
    abn: Abn | None,
    account: MerchantId | None,
    currency: str,
    fees: Sequence[tuple[Scheme | None, SchemeFee]],
    fee_returned: bool,
    dispute_fee: int,
    payment_min: Decimal,
    payment_max: Decimal,
    refund_debt_max: Decimal | None,
    cut_off: time,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Open a merchant's books in one mode.

    Fees that are not given are those of the price list. GST comes on top of a fee.
    """
    kept_in = Currency(currency)
    debt = minor_of(refund_debt_max, kept_in, "--refund-debt-max") if refund_debt_max else 0
    limits = Limits(
        payment_min_minor=minor_of(payment_min, kept_in, "--payment-min"),
        payment_max_minor=minor_of(payment_max, kept_in, "--payment-max"),
        refund_debt_max_minor=debt,
    )

    async def body(core: Core) -> Merchant:
        return granted(
            await core.onboard_merchant()(
                actor_of(acting, why),
                account or core.ids().new(MerchantId),
                livemode=livemode,
                name=name,
                currency=kept_in,
                fees=_plan(fees, returned_on_refund=fee_returned, dispute_fee_minor=dispute_fee),
                limits=limits,
                cut_off=cut_off,
                abn=abn,
            )
        )

    _show(work(data, body), livemode=livemode, as_json=as_json)


@merchant.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Newest first.")
@mode_option
@data_option
@json_option
def list_(limit: int, livemode: bool, data: Path | None, as_json: bool) -> None:
    """List merchants, newest first."""

    async def body(core: Core) -> list[Merchant]:
        return [each async for each in merchants_of(core, livemode=livemode, limit=limit)]

    found = work(data, body)
    if as_json:
        print_json({"merchants": [_fields(each, livemode=livemode) for each in found]})
        return
    columns = [Column("account"), Column("name"), Column("standing"), Column("currency"), Column("since")]
    print_table(
        columns,
        [[each.id, each.name, each.standing, each.currency, in_sydney(each.created_at)] for each in found],
    )


@merchant.command()
@click.argument("account", type=ACCOUNT)
@mode_option
@data_option
@json_option
def show(account: MerchantId, livemode: bool, data: Path | None, as_json: bool) -> None:
    """Show a merchant: its standing, fees and limits."""

    async def body(core: Core) -> Merchant:
        found = await core.store().merchant(Scope(account, livemode))
        return found or granted(Failure(NotFound("merchant", account)))

    _show(work(data, body), livemode=livemode, as_json=as_json)


@merchant.command()
@click.argument("account", type=ACCOUNT)
@mode_option
@data_option
@actor_options(None)
@json_option
def suspend(
    account: MerchantId, livemode: bool, data: Path | None, acting: str, why: str, as_json: bool
) -> None:
    """Let a merchant take no payments; captures, refunds and its books go on."""
    _place(Standing.SUSPENDED, account, livemode, data, acting, why, as_json)


@merchant.command()
@click.argument("account", type=ACCOUNT)
@mode_option
@data_option
@actor_options("reactivated")
@json_option
def reactivate(
    account: MerchantId, livemode: bool, data: Path | None, acting: str, why: str, as_json: bool
) -> None:
    """Let a suspended merchant take payments again."""
    _place(Standing.ACTIVE, account, livemode, data, acting, why, as_json)


def _place(
    standing: Standing,
    account: MerchantId,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    async def body(core: Core) -> Merchant:
        scope = Scope(account, livemode)
        return granted(await core.place_merchant()(actor_of(acting, why), scope, standing))

    _show(work(data, body), livemode=livemode, as_json=as_json)


def _plan(
    fees: Sequence[tuple[Scheme | None, SchemeFee]], *, returned_on_refund: bool, dispute_fee_minor: int
) -> FeePlan:
    """The price list with what was given in its place."""
    given = dict(fees)
    by_scheme: dict[Scheme, SchemeFee] = dict(DEFAULT_FEES.by_scheme)
    by_scheme |= {scheme: fee for scheme, fee in given.items() if scheme is not None}
    return FeePlan(
        standard=given.get(None, DEFAULT_FEES.standard),
        by_scheme=tuple(sorted(by_scheme.items())),
        returned_on_refund=returned_on_refund,
        dispute_fee_minor=dispute_fee_minor,
        dispute_fee_returned_on_win=DEFAULT_FEES.dispute_fee_returned_on_win,
    )


def _show(merchant: Merchant, *, livemode: bool, as_json: bool) -> None:
    if as_json:
        print_json(_fields(merchant, livemode=livemode))
        return

    def money(minor: int) -> str:
        return f"{format_minor(minor, merchant.currency)} {merchant.currency}"

    fees = [("standard", merchant.fees.standard), *merchant.fees.by_scheme]
    print_facts(
        [
            ("account", merchant.id),
            ("mode", "live" if livemode else "test"),
            ("name", merchant.name),
            ("ABN", merchant.abn.spaced if merchant.abn else "none"),
            ("standing", merchant.standing),
            ("since", in_sydney(merchant.created_at)),
            *(
                (f"fee {scheme}", f"{fee.rate_bps / 100:.2f} % + {money(fee.fixed_minor)}")
                for scheme, fee in fees
            ),
            ("fee dispute", _dispute_fee(merchant)),
            ("fees are", "returned on refund" if merchant.fees.returned_on_refund else "kept on refund"),
            (
                "payment",
                f"{money(merchant.limits.payment_min_minor)} to {money(merchant.limits.payment_max_minor)}",
            ),
            ("refund debt", f"at most {money(merchant.limits.refund_debt_max_minor)}"),
            ("days end at", f"{merchant.cut_off:%H:%M} in Sydney"),
        ]
    )


def _dispute_fee(merchant: Merchant) -> str:
    fee = f"{format_minor(merchant.fees.dispute_fee_minor, merchant.currency)} {merchant.currency}"
    return f"{fee}, returned if it is won" if merchant.fees.dispute_fee_returned_on_win else fee


def _fields(merchant: Merchant, *, livemode: bool) -> dict[str, Any]:
    fees = [("standard", merchant.fees.standard), *merchant.fees.by_scheme]
    return {
        "account": merchant.id,
        "livemode": livemode,
        "name": merchant.name,
        "abn": merchant.abn,
        "standing": merchant.standing,
        "currency": merchant.currency,
        "fees": {scheme: {"rate_bps": fee.rate_bps, "fixed_minor": fee.fixed_minor} for scheme, fee in fees},
        "dispute_fee_minor": merchant.fees.dispute_fee_minor,
        "dispute_fee_returned_on_win": merchant.fees.dispute_fee_returned_on_win,
        "fees_returned_on_refund": merchant.fees.returned_on_refund,
        "payment_min_minor": merchant.limits.payment_min_minor,
        "payment_max_minor": merchant.limits.payment_max_minor,
        "refund_debt_max_minor": merchant.limits.refund_debt_max_minor,
        "cut_off": f"{merchant.cut_off:%H:%M}",
        "created_at": iso(merchant.created_at),
        "version": merchant.version,
    }
