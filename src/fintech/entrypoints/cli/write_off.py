"""``fintech write-off``: two people give up a debt of a merchant."""

from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import click

from fintech.application.commits import NotFound
from fintech.domain.ids import MerchantId, WriteOffId
from fintech.domain.money import format_minor
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.domain.write_offs import WriteOff
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    AMOUNT,
    IdType,
    actor_of,
    actor_options,
    data_option,
    json_option,
    minor_of,
    mode_option,
)
from fintech.entrypoints.cli.printing import Column, in_sydney, iso, print_facts, print_json, print_table
from fintech.entrypoints.cli.reading import all_of
from fintech.entrypoints.cli.working import granted, work
from fintech.entrypoints.container import Core
from fintech.ports.queries import Listed, Page

_WRITE_OFF: Final = IdType(WriteOffId)


@click.group("write-off")
def write_off() -> None:
    """Give up a merchant's debt: it takes two people."""


@write_off.command()
@click.argument("account", type=ACCOUNT)
@click.option("--amount", type=AMOUNT, required=True, help="How much of what the merchant owes.")
@mode_option
@data_option
@actor_options(None)
@json_option
def propose(
    account: MerchantId,
    amount: Decimal,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Propose to give up some of a merchant's debt; --why is the reason that the other person reads."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> WriteOff:
        merchant = await core.store().merchant(scope)
        if merchant is None:
            return granted(Failure(NotFound("merchant", account)))
        minor = minor_of(amount, merchant.currency, "--amount")
        proposed = await core.propose_write_off()(actor_of(acting, why), scope, minor, why)
        return granted(proposed, merchant.currency)

    _show(work(data, body), as_json=as_json)


@write_off.command()
@click.argument("account", type=ACCOUNT)
@click.argument("write_off_id", type=_WRITE_OFF, metavar="WRITE_OFF")
@mode_option
@data_option
@actor_options(None)
@json_option
def approve(
    account: MerchantId,
    write_off_id: WriteOffId,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Approve of a write-off that somebody else proposed: the loss is booked."""
    _decide(account, write_off_id, livemode, data, acting, why, as_json, approve=True)


@write_off.command()
@click.argument("account", type=ACCOUNT)
@click.argument("write_off_id", type=_WRITE_OFF, metavar="WRITE_OFF")
@mode_option
@data_option
@actor_options(None)
@json_option
def reject(
    account: MerchantId,
    write_off_id: WriteOffId,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Reject a write-off that somebody else proposed: the merchant goes on owing it."""
    _decide(account, write_off_id, livemode, data, acting, why, as_json, approve=False)


@write_off.command("list")
@click.argument("account", type=ACCOUNT)
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Newest first.")
@mode_option
@data_option
@json_option
def list_(account: MerchantId, limit: int, livemode: bool, data: Path | None, as_json: bool) -> None:
    """List a merchant's write-offs, newest first."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> list[WriteOff]:
        async def read(page: Page) -> Listed[WriteOff]:
            return await core.queries().write_offs(scope, page)

        if await core.store().merchant(scope) is None:
            granted(Failure(NotFound("merchant", account)))
        return [each async for each in all_of(read, lambda write_off: write_off.id, Page(), limit)]

    found = work(data, body)
    if as_json:
        print_json({"write_offs": [_fields(each) for each in found]})
        return
    columns = [Column("write-off"), Column("at"), Column("status"), Column("amount", right=True)]
    columns += [Column("proposed by"), Column("decided by"), Column("why")]
    print_table(
        columns,
        [
            [
                each.id,
                in_sydney(each.created_at),
                each.status,
                format_minor(each.amount_minor, each.currency),
                each.proposed_by,
                each.decided_by or "",
                each.reason,
            ]
            for each in found
        ],
    )


def _decide(
    account: MerchantId,
    id: WriteOffId,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
    *,
    approve: bool,
) -> None:
    scope = Scope(account, livemode)

    async def body(core: Core) -> WriteOff:
        merchant = await core.store().merchant(scope)
        decided = await core.decide_write_off()(actor_of(acting, why), scope, id, approve=approve)
        return granted(decided, merchant.currency if merchant else None)

    _show(work(data, body), as_json=as_json)


def _show(write_off: WriteOff, *, as_json: bool) -> None:
    if as_json:
        print_json(_fields(write_off))
        return
    amount = format_minor(write_off.amount_minor, write_off.currency)
    print_facts(
        [
            ("write-off", write_off.id),
            ("at", in_sydney(write_off.created_at)),
            ("status", write_off.status),
            ("amount", f"{amount} {write_off.currency}"),
            ("why", write_off.reason),
            ("proposed by", write_off.proposed_by),
            ("decided by", write_off.decided_by or "nobody yet"),
        ]
    )


def _fields(write_off: WriteOff) -> dict[str, Any]:
    return {
        "write_off": write_off.id,
        "status": write_off.status,
        "amount_minor": write_off.amount_minor,
        "currency": write_off.currency,
        "reason": write_off.reason,
        "proposed_by": write_off.proposed_by,
        "decided_by": write_off.decided_by,
        "created_at": iso(write_off.created_at),
        "decided_at": iso(write_off.decided_at),
        "movement": write_off.movement,
    }
