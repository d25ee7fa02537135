"""The store on Postgres: group commits, group reads, and the few reads that are neither."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import asyncpg

from fintech.adapters.postgres.book_balances import Sums, accounts_of, add, add_moves
from fintech.adapters.postgres.connections import CONNECTION_LOST
from fintech.adapters.postgres.documents import decode, decode_aggregate
from fintech.adapters.postgres.folding import Folding
from fintech.adapters.postgres.group_commit import GroupCommit
from fintech.adapters.postgres.group_read import GroupRead
from fintech.adapters.postgres.group_state import claim_state
from fintech.adapters.postgres.rows import table_of
from fintech.domain.api_keys import ApiKey
from fintech.domain.apply import ClaimState
from fintech.domain.balance_settings import BalanceSettings
from fintech.domain.bank_accounts import BankAccount
from fintech.domain.changeset import Changeset, CommitRefused, Committed
from fintech.domain.chart import Bucket, bucket_of
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.events import Aggregate, Event, EventType
from fintech.domain.ids import (
    ApiKeyId,
    BalanceSettingsId,
    BankAccountId,
    DisputeId,
    EventId,
    LocationId,
    MerchantId,
    PaymentId,
    PaymentMethodId,
    PayoutId,
    RefundId,
    RemittanceId,
    TerminalId,
    WebhookEndpointId,
    WriteOffId,
)
from fintech.domain.ledger import AccountId, Balances, aside
from fintech.domain.merchants import Merchant
from fintech.domain.outcome import Outcome
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.payments.payment import Payment
from fintech.domain.payouts.payout import Payout
from fintech.domain.refunds.refund import Refund
from fintech.domain.remittances import Remittance
from fintech.domain.scope import Actor, Scope
from fintech.domain.terminals import Location, Terminal
from fintech.domain.webhooks.endpoint import WebhookEndpoint
from fintech.domain.write_offs import WriteOff
from fintech.ports.errors import PortError, StoreUnavailable
from fintech.ports.store import Due, Store

T = TypeVar("T", bound=Aggregate)

_READ_TIMEOUT_S: Final = 10.0
#: A balance that takes so many delta rows to add up is folded, so that the next read is short.
_DELTAS_MANY: Final = 8
_DUE_TABLES: Final = {
    Due.PAYMENTS: table_of(Payment),
    Due.REFUNDS: table_of(Refund),
    Due.PAYOUTS: table_of(Payout),
    Due.BALANCE_SETTINGS: table_of(BalanceSettings),
    Due.DISPUTES: table_of(Dispute),
}

#: Rows and deltas are read by one statement, so that a fold in between is seen whole or not at all.
_ROWS: Final = """
select a.code, a.currency, a.debits_pending, a.debits_posted, a.credits_pending, a.credits_posted, null
  from accounts a where a.merchant_id = $1 and a.livemode = $2 and """
_DELTAS: Final = """
union all
select null, null, 0, 0, 0, 0, d.moves::text from book_deltas d where d.merchant_id = $1 and d.livemode = $2
"""
_ACCOUNTS: Final = f"{_ROWS} a.code = any($3::text[]) {_DELTAS}"
_OPEN_ACCOUNTS: Final = (
    f"{_ROWS} not a.aside union all {_ROWS} a.aside and a.code = any($3::text[]) {_DELTAS}"
)


class PostgresStore(Store):
    """Use it through `open_database`, which starts and stops what it stands on."""

    def __init__(self, commits: GroupCommit, reads: GroupRead, folding: Folding, pool: asyncpg.Pool) -> None:
        self._commits = commits
        self._reads = reads
        self._folding = folding
        self._pool = pool

    async def merchant(self, scope: Scope) -> Merchant | None:
        return await self._load(Merchant, scope, scope.merchant)

    async def api_key(self, scope: Scope, id: ApiKeyId) -> ApiKey | None:
        return await self._load(ApiKey, scope, id)

    async def payment_method(self, scope: Scope, id: PaymentMethodId) -> PaymentMethod | None:
        return await self._load(PaymentMethod, scope, id)

    async def payment(self, scope: Scope, id: PaymentId) -> Payment | None:
        return await self._load(Payment, scope, id)

    async def refund(self, scope: Scope, id: RefundId) -> Refund | None:
        return await self._load(Refund, scope, id)

    async def balance_settings(self, scope: Scope) -> BalanceSettings | None:
        return await self._load(BalanceSettings, scope, BalanceSettingsId.of(scope.merchant))

    async def bank_account(self, scope: Scope, id: BankAccountId) -> BankAccount | None:
        return await self._load(BankAccount, scope, id)

    async def payout(self, scope: Scope, id: PayoutId) -> Payout | None:
        return await self._load(Payout, scope, id)

    async def remittance(self, scope: Scope, id: RemittanceId) -> Remittance | None:
        return await self._load(Remittance, scope, id)

    async def dispute(self, scope: Scope, id: DisputeId) -> Dispute | None:
        return await self._load(Dispute, scope, id)

    async def write_off(self, scope: Scope, id: WriteOffId) -> WriteOff | None:
        return await self._load(WriteOff, scope, id)

    async def location(self, scope: Scope, id: LocationId) -> Location | None:
        return await self._load(Location, scope, id)

    async def terminal(self, scope: Scope, id: TerminalId) -> Terminal | None:
        return await self._load(Terminal, scope, id)

    async def webhook_endpoint(self, scope: Scope, id: WebhookEndpointId) -> WebhookEndpoint | None:
        return await self._load(WebhookEndpoint, scope, id)

    async def claim(self, scope: Scope, key: str) -> ClaimState | None:
        rows = await self._fetch(
            "select row_to_json(t)::text from claims t where merchant_id = $1 and livemode = $2 and key = $3",
            scope.merchant,
            scope.livemode,
            key,
        )
        return claim_state(rows[0][0]) if rows else None

    async def event(self, scope: Scope, id: EventId) -> Event | None:
        rows = await self._fetch(
            "select type, at, actor::text, aggregate_id, document::text from events"
            " where merchant_id = $1 and livemode = $2 and id = $3",
            scope.merchant,
            scope.livemode,
            id,
        )
        if not rows:
            return None
        type_, at, actor, aggregate_id, document = rows[0]
        return Event(
            id=id,
            type=EventType(type_),
            at=at,
            actor=decode(Actor, actor),
            snapshot=decode_aggregate(aggregate_id, document),
        )

    async def balances(self, scope: Scope, accounts: Sequence[AccountId]) -> Mapping[AccountId, Balances]:
        found: dict[AccountId, Balances] = {}
        for owner in {account.owner for account in accounts}:
            codes = [account.code for account in accounts if account.owner == owner]
            sums, _ = await self._sums(_ACCOUNTS, owner, scope.livemode, codes)
            found |= {account: balances for _, account, balances in accounts_of(sums)}
        return {account: found.get(account, Balances()) for account in accounts}

    async def books(self, scope: Scope, asked: Sequence[AccountId] = ()) -> Mapping[AccountId, Balances]:
        """Reads past what stands aside, and once more where a delta is of a closed day or of an account without a row."""
        codes = {account.code for account in asked}
        while True:
            sums, rows = await self._sums(_OPEN_ACCOUNTS, scope.merchant, scope.livemode, sorted(codes))
            late = {
                code for _, _, code, _ in sums.keys() - rows if bucket_of(code) is not Bucket.QUOTA
            } - codes
            if not late:
                break
            codes |= late
        return {
            account: balances
            for _, account, balances in accounts_of(sums)
            if account in asked or not aside(account, balances)
        }

    async def key_by_digest(self, digest: bytes) -> tuple[Scope, ApiKey] | None:
        return await self._find(ApiKey, "digest", digest)

    async def terminal_by_number(self, number: str) -> tuple[Scope, Terminal] | None:
        return await self._find(Terminal, "number", number)

    async def commit(self, scope: Scope, changes: Changeset) -> Outcome[Committed, CommitRefused]:
        return await self._commits.commit(scope, changes)

    async def claim_due(
        self, kind: Due, now: datetime, limit: int, lease: timedelta
    ) -> Sequence[tuple[Scope, str]]:
        table = _DUE_TABLES[kind]
        rows = await self._fetch(
            f"with due as (select merchant_id, livemode, id, due_at from {table} where due_at <= $1"
            " order by due_at limit $2 for update skip locked)"
            f", leased as (update {table} t set due_at = $3 from due where t.merchant_id = due.merchant_id"
            " and t.livemode = due.livemode and t.id = due.id)"
            " select merchant_id, livemode, id from due order by due_at, id",
            now,
            limit,
            now + lease,
        )
        return [(Scope(MerchantId(merchant), livemode), id) for merchant, livemode, id in rows]

    async def _load(self, kind: type[T], scope: Scope, id: str) -> T | None:
        document = await self._reads.document(table_of(kind), scope, id)
        return None if document is None else decode(kind, document)

    async def _find(self, kind: type[T], column: str, value: object) -> tuple[Scope, T] | None:
        """What has a value that no other of any merchant has."""
        rows = await self._fetch(
            f"select t.merchant_id, t.livemode, e.document::text from {table_of(kind)} t join events e"
            " on e.merchant_id = t.merchant_id and e.livemode = t.livemode and e.id = t.event_id"
            f" where t.{column} = $1",
            value,
        )
        if not rows:
            return None
        merchant, livemode, document = rows[0]
        return Scope(MerchantId(merchant), livemode), decode(kind, document)

    async def _sums(
        self, statement: str, owner: MerchantId, livemode: bool, codes: Sequence[str]
    ) -> tuple[Sums, set[tuple[str, bool, str, str]]]:
        """What rows and deltas come to, and which accounts a row was read of."""
        sums: Sums = {}
        rows: set[tuple[str, bool, str, str]] = set()
        deltas = 0
        for code, currency, *balances, moves in await self._fetch(statement, owner, livemode, codes):
            if moves is None:
                rows.add((owner, livemode, code, currency))
                add(sums, (owner, livemode, code, currency), balances)
            else:
                deltas += 1
                add_moves(sums, owner, livemode, moves)
        if deltas >= _DELTAS_MANY:
            self._folding.hurry((owner, livemode))
        return sums, rows

    async def _fetch(self, statement: str, *arguments: object) -> list[Any]:
        try:
            rows: list[Any] = await self._pool.fetch(statement, *arguments, timeout=_READ_TIMEOUT_S)
        except CONNECTION_LOST as error:
            raise StoreUnavailable("the store did not answer in time") from error
        except asyncpg.PostgresError as error:
            raise PortError(f"the database refused a read: {error.sqlstate}") from error
        return rows
