"""Balances of books: what stands in the rows of the accounts, and the delta rows that have not been folded into them."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import orjson

from fintech.adapters.postgres.connections import Connection
from fintech.adapters.postgres.writes import Owner
from fintech.domain.ids import MerchantId
from fintech.domain.ledger import AccountId, Balances
from fintech.domain.money import Currency

#: By merchant, mode, code and currency: debits pending and posted, credits pending and posted. Plain, because a busy
#: merchant's thousands of delta rows are added up in it.
Sums: TypeAlias = dict[tuple[str, bool, str, str], list[int]]


async def hold_books(
    connection: Connection, owners: Sequence[Owner], *, skip_locked: bool = False
) -> list[Owner]:
    """Lock the accounts of owners, creating their books; with ``skip_locked`` only of those that nobody holds."""
    arrays = list(zip(*owners, strict=True))
    await connection.execute(
        "insert into books select * from unnest($1::text[], $2::bool[]) on conflict do nothing", *arrays
    )
    rows = await connection.fetch(
        "select b.merchant_id, b.livemode from books b join unnest($1::text[], $2::bool[]) as u(merchant_id,"
        " livemode) using (merchant_id, livemode) order by b.merchant_id, b.livemode for update of b"
        + (" skip locked" if skip_locked else ""),
        *arrays,
    )
    return [(MerchantId(merchant), livemode) for merchant, livemode in rows]


async def fold_balances(
    connection: Connection, owners: Sequence[Owner], touched: set[tuple[bool, AccountId]]
) -> dict[tuple[bool, AccountId], Balances]:
    """Take the deltas of held owners out of their table; whole balances of what they and ``touched`` name."""
    if not owners:
        return {}
    arrays = list(zip(*owners, strict=True))
    deltas = await connection.fetch(
        "delete from book_deltas d using unnest($1::text[], $2::bool[]) as u(merchant_id, livemode)"
        " where d.merchant_id = u.merchant_id and d.livemode = u.livemode"
        " returning d.merchant_id, d.livemode, d.moves::text",
        *arrays,
    )
    sums: Sums = {
        (account.owner, livemode, account.code, account.currency): [0] * 4 for livemode, account in touched
    }
    for merchant, livemode, moves in deltas:
        add_moves(sums, merchant, livemode, moves)
    keys = sorted(sums)
    if not keys:
        return {}
    rows = await connection.fetch(
        "select merchant_id, livemode, code, currency, debits_pending, debits_posted, credits_pending, credits_posted"
        " from accounts a join unnest($1::text[], $2::bool[], $3::text[], $4::text[])"
        " as u(merchant_id, livemode, code, currency) using (merchant_id, livemode, code, currency)",
        *zip(*keys, strict=True),
    )
    for merchant, livemode, code, currency, *balances in rows:
        add(sums, (merchant, livemode, code, currency), balances)
    return {(key[1], account): balances for key, account, balances in accounts_of(sums)}


def add_moves(sums: Sums, merchant: str, livemode: bool, moves: str) -> None:
    """Add the contents of a delta row."""
    for code, currency, *move in orjson.loads(moves):
        add(sums, (merchant, livemode, code, currency), move)


def add(sums: Sums, key: tuple[str, bool, str, str], move: Sequence[int]) -> None:
    """Add the four sums of one account."""
    known = sums.get(key)
    if known is None:
        sums[key] = list(move)
        return
    known[0] += move[0]
    known[1] += move[1]
    known[2] += move[2]
    known[3] += move[3]


def accounts_of(sums: Sums) -> Iterator[tuple[tuple[str, bool, str, str], AccountId, Balances]]:
    """The accounts of sums, and what they come to."""
    for key, (debits_pending, debits_posted, credits_pending, credits_posted) in sums.items():
        merchant, _, code, currency = key
        account = AccountId(MerchantId(merchant), code, Currency(currency))
        yield key, account, Balances(debits_pending, debits_posted, credits_pending, credits_posted)
