"""``fintech bank-account``: where merchants are paid to."""

from pathlib import Path
from typing import Any

import click

from fintech.application.balance_settings import load_settings
from fintech.application.commits import NotFound
from fintech.domain.bank_accounts import HOLDER_MAX, BankAccount
from fintech.domain.ids import BankAccountId, MerchantId
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    BANK_ACCOUNT,
    actor_options,
    bounded,
    data_option,
    json_option,
    mode_option,
)
from fintech.entrypoints.cli.printing import Column, in_sydney, iso, print_json, print_table
from fintech.entrypoints.cli.reading import all_of
from fintech.entrypoints.cli.working import granted, request_of, work
from fintech.entrypoints.container import Core
from fintech.ports.queries import Listed, Page

OPERATION = "cli bank-account"


@click.group("bank-account")
def bank_account() -> None:
    """Add, list and remove bank accounts. The whole number is never shown."""


@bank_account.command()
@click.argument("account", type=ACCOUNT)
@click.option("--holder", required=True, callback=bounded(HOLDER_MAX), help="Whose account it is.")
@click.option("--bsb", required=True, help="Six digits, as in 062000 or 062-000.")
@click.option(
    "--number",
    prompt="Account number",
    hide_input=True,
    help="Up to nine digits. Asked for if not given, so that it stands in no history.",
)
@click.option("--default", "default", is_flag=True, help="Pay to it from now on; the first one in any case.")
@mode_option
@data_option
@actor_options(None)
@json_option
def add(
    account: MerchantId,
    holder: str,
    bsb: str,
    number: str,
    default: bool,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Add a bank account. A new default stops instant payouts for a while."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> tuple[BankAccount, bool]:
        merchant = await core.store().merchant(scope)
        if merchant is None:
            return granted(Failure(NotFound("merchant", account)))
        added = await core.add_bank_account()(
            request_of(core, f"{OPERATION} add", (), acting, why, None),
            scope,
            holder=holder,
            bsb=bsb,
            number=number.strip(),
            currency=merchant.currency,
            default=default or None,
        )
        made = granted(added).value
        return made, made.id == await _default(core, scope)

    made, is_default = work(data, body)
    if as_json:
        print_json(_fields(made, default=is_default))
    else:
        print("  ".join(_row(made, default=is_default)).rstrip())


@bank_account.command("list")
@click.argument("account", type=ACCOUNT)
@mode_option
@data_option
@json_option
def list_(account: MerchantId, livemode: bool, data: Path | None, as_json: bool) -> None:
    """List a merchant's bank accounts, newest first."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> tuple[list[BankAccount], BankAccountId | None]:
        async def read(page: Page) -> Listed[BankAccount]:
            return await core.queries().bank_accounts(scope, page)

        if await core.store().merchant(scope) is None:
            granted(Failure(NotFound("merchant", account)))
        found = [each async for each in all_of(read, lambda each: each.id, Page())]
        return found, await _default(core, scope)

    found, default = work(data, body)
    if as_json:
        print_json({"bank_accounts": [_fields(each, default=each.id == default) for each in found]})
        return
    columns = [Column("bank account"), Column("added"), Column("BSB"), Column("number"), Column("")]
    print_table(columns, [_row(each, default=each.id == default) for each in found])


@bank_account.command()
@click.argument("account", type=ACCOUNT)
@click.argument("bank_account_id", type=BANK_ACCOUNT, metavar="BANK_ACCOUNT")
@mode_option
@data_option
@actor_options(None)
@json_option
def prefer(
    account: MerchantId,
    bank_account_id: BankAccountId,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Make a bank account the default, which stops instant payouts for a while."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> BankAccount:
        request = request_of(core, f"{OPERATION} prefer", (), acting, why, None)
        return granted(await core.update_bank_account()(request, scope, bank_account_id, default=True)).value

    made = work(data, body)
    if as_json:
        print_json(_fields(made, default=True))
    else:
        print("  ".join(_row(made, default=True)))


@bank_account.command()
@click.argument("account", type=ACCOUNT)
@click.argument("bank_account_id", type=BANK_ACCOUNT, metavar="BANK_ACCOUNT")
@mode_option
@data_option
@actor_options(None)
@json_option
def remove(
    account: MerchantId,
    bank_account_id: BankAccountId,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Remove a bank account that is not the default."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> BankAccount:
        request = request_of(core, f"{OPERATION} remove", (), acting, why, None)
        return granted(await core.remove_bank_account()(request, scope, bank_account_id)).value

    gone = work(data, body)
    if as_json:
        print_json(_fields(gone, default=False))
    else:
        print(f"{gone.id}  removed")


async def _default(core: Core, scope: Scope) -> BankAccountId | None:
    return (await load_settings(core.store(), scope, core.clock().now())).destination


def _row(account: BankAccount, *, default: bool) -> list[str]:
    number = f"…{account.last4}"
    return [account.id, in_sydney(account.created_at), account.bsb, number, "default" if default else ""]


def _fields(account: BankAccount, *, default: bool) -> dict[str, Any]:
    return {
        "bank_account": account.id,
        "bsb": account.bsb,
        "last4": account.last4,
        "currency": account.currency,
        "default": default,
        "created_at": iso(account.created_at),
        "removed_at": iso(account.removed_at),
        "metadata": dict(account.metadata),
    }
