"""``fintech payout``: paying merchants out, and what each payout paid for."""

from decimal import Decimal
from pathlib import Path

import click

from fintech.application.commits import NotFound
from fintech.domain.ids import BankAccountId, MerchantId, PayoutId
from fintech.domain.merchants import Merchant
from fintech.domain.money import format_minor
from fintech.domain.outcome import Failure
from fintech.domain.payouts.payout import Payout, PayoutMethod, PayoutStatus
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.explanation import Explained, explained
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    AMOUNT,
    BANK_ACCOUNT,
    PAYOUT,
    actor_options,
    bounded,
    data_option,
    json_option,
    key_option,
    minor_of,
    mode_option,
)
from fintech.entrypoints.cli.payout_printing import facts, fields, part_fields, row
from fintech.entrypoints.cli.printing import Column, in_sydney, print_facts, print_json, print_table
from fintech.entrypoints.cli.reading import all_of
from fintech.entrypoints.cli.working import Refused, granted, request_of, work
from fintech.entrypoints.container import Core
from fintech.ports.queries import Listed, Page

OPERATION = "cli payout"
DESCRIPTION_MAX = 1_000


@click.group()
def payout() -> None:
    """Pay merchants out; show, explain, cancel and reverse payouts."""


@payout.command()
@click.argument("account", type=ACCOUNT)
@click.option(
    "--amount", type=AMOUNT, help="What arrives. Without it, all that can be paid out this way now."
)
@click.option("--instant", is_flag=True, help="At once and for a fee, also ahead of settlement.")
@click.option("--destination", type=BANK_ACCOUNT, help="Without it, the default bank account.")
@click.option(
    "--description",
    callback=lambda ctx, param, value: value and bounded(DESCRIPTION_MAX)(ctx, param, value),
    metavar="TEXT",
    help="What it is for.",
)
@key_option
@mode_option
@data_option
@actor_options(None)
@json_option
def create(
    account: MerchantId,
    amount: Decimal | None,
    instant: bool,
    destination: BankAccountId | None,
    description: str | None,
    idempotency_key: str | None,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Pay a merchant out.

    A standard payout waits for the bank's next window, and can be cancelled until then. An unknown outcome is no
    failure: the sweeper of a running service asks until the bank answers.
    """
    scope = Scope(account, livemode)
    method = PayoutMethod.INSTANT if instant else PayoutMethod.STANDARD

    async def body(core: Core) -> Payout:
        merchant = await _merchant(core, scope)
        minor = None if amount is None else minor_of(amount, merchant.currency, "--amount")
        asked = (minor, method, destination, description)
        made = await core.create_payout()(
            request_of(core, f"{OPERATION} create", asked, acting, why, idempotency_key),
            scope,
            amount_minor=minor,
            method=method,
            destination=destination,
            description=description,
        )
        return granted(made, merchant.currency).value

    _say(work(data, body), as_json=as_json)


@payout.command("list")
@click.argument("account", type=ACCOUNT)
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Newest first.")
@click.option("--after", type=PAYOUT, help="Go on after this payout.")
@click.option(
    "--status",
    "statuses",
    type=click.Choice([each.value for each in PayoutStatus]),
    multiple=True,
    help="Only payouts that are this. Repeatable.",
)
@mode_option
@data_option
@json_option
def list_(
    account: MerchantId,
    limit: int,
    after: PayoutId | None,
    statuses: tuple[str, ...],
    livemode: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """List a merchant's payouts, newest first."""
    scope, wanted = Scope(account, livemode), [PayoutStatus(each) for each in statuses]

    async def body(core: Core) -> list[Payout]:
        async def read(page: Page) -> Listed[Payout]:
            return await core.queries().payouts(scope, page, wanted)

        await _merchant(core, scope)
        return [each async for each in all_of(read, lambda payout: payout.id, Page(after=after), limit)]

    payouts = work(data, body)
    if as_json:
        print_json({"payouts": [fields(each) for each in payouts]})
        return
    columns = [Column("payout"), Column("at"), Column("method"), Column("status")]
    columns += [Column("amount", right=True), Column("fee", right=True), Column("to")]
    print_table(columns, [row(each) for each in payouts])


@payout.command()
@click.argument("account", type=ACCOUNT)
@click.argument("payout_id", type=PAYOUT, metavar="PAYOUT")
@mode_option
@data_option
@json_option
def show(account: MerchantId, payout_id: PayoutId, livemode: bool, data: Path | None, as_json: bool) -> None:
    """Show a payout."""
    scope = Scope(account, livemode)
    found = work(data, lambda core: _payout(core, scope, payout_id))
    if as_json:
        print_json(fields(found))
        return
    print_facts(facts(found))


@payout.command()
@click.argument("account", type=ACCOUNT)
@click.argument("payout_id", type=PAYOUT, metavar="PAYOUT")
@mode_option
@data_option
@json_option
def explain(
    account: MerchantId, payout_id: PayoutId, livemode: bool, data: Path | None, as_json: bool
) -> None:
    """List what a payout paid for, line by line, to the cent."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> Explained:
        return await explained(core, scope, await _payout(core, scope, payout_id))

    made = work(data, body)
    if as_json:
        print_json(
            {
                **fields(made.payout),
                "total_minor": made.total_minor,
                "lines": [part_fields(part) for part in made.parts],
            }
        )
        return

    def money(minor: int) -> str:
        return format_minor(minor, made.payout.currency)

    rows = [
        [in_sydney(part.at), part.kind, part.source, money(part.net_minor), money(part.paid_minor)]
        for part in made.parts
    ]
    rows += [["", "in all", "", "", money(made.total_minor)]]
    rows += [["", "arrives", "", "", money(made.payout.amount_minor)]]
    rows += [["", "fee and GST", "", "", money(made.payout.fee.total_minor)]]
    columns = [Column("at"), Column("kind"), Column("source"), Column("net", right=True)]
    print_table(
        [*columns, Column("paid", right=True)], rows, title=f"{made.payout.id}, {made.payout.currency}"
    )


@payout.command()
@click.argument("account", type=ACCOUNT)
@click.argument("payout_id", type=PAYOUT, metavar="PAYOUT")
@key_option
@mode_option
@data_option
@actor_options(None)
@json_option
def cancel(
    account: MerchantId,
    payout_id: PayoutId,
    idempotency_key: str | None,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Cancel a payout that waits for the bank's window; the money is available again."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> Payout:
        request = request_of(core, f"{OPERATION} cancel", (payout_id,), acting, why, idempotency_key)
        return granted(await core.cancel_payout()(request, scope, payout_id)).value

    _say(work(data, body), as_json=as_json)


@payout.command()
@click.argument("account", type=ACCOUNT)
@click.argument("payout_id", type=PAYOUT, metavar="PAYOUT")
@key_option
@mode_option
@data_option
@actor_options(None)
@json_option
def reverse(
    account: MerchantId,
    payout_id: PayoutId,
    idempotency_key: str | None,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Ask the bank to bring a paid payout back: another payout, which does that."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> Payout:
        request = request_of(core, f"{OPERATION} reverse", (payout_id,), acting, why, idempotency_key)
        return granted(await core.reverse_payout()(request, scope, payout_id)).value

    _say(work(data, body), as_json=as_json)


async def _merchant(core: Core, scope: Scope) -> Merchant:
    merchant = await core.store().merchant(scope)
    return merchant or granted(Failure(NotFound("merchant", scope.merchant)))


async def _payout(core: Core, scope: Scope, id: PayoutId) -> Payout:
    payout = await core.store().payout(scope, id)
    return payout or granted(Failure(NotFound("payout", id)))


def _say(payout: Payout, *, as_json: bool) -> None:
    if as_json:
        print_json(fields(payout))
    else:
        _, _, method, status, amount, _, destination = row(payout)
        print(f"{payout.id}  {amount} {payout.currency}  {method}  {status}  to {destination}")
    if payout.status is PayoutStatus.FAILED:
        raise Refused(f"the payout failed: {payout.failure}")
