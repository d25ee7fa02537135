"""The retention run: what nobody needs goes, what somebody may need stays, and it goes on where it stopped."""

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from fintech.adapters.memory.store import MemoryStore
from fintech.adapters.system.id_source import RandomIdSource
from fintech.adapters.system.keyed_digest import LocalDigest
from fintech.application.keys import retention
from fintech.application.keys.honeytokens import Honeytokens
from fintech.application.keys.needing import AskRecords
from fintech.application.keys.retention import RemoveUnneeded, RetentionRun
from fintech.domain.audit import AuditAction
from fintech.domain.ids import BankAccountId, DisputeId, Id, PaymentMethodId, WebhookEndpointId
from fintech.domain.keys.columns import (
    ACCOUNT_NUMBER,
    BILLING_NAME,
    CARD_NUMBER,
    EVIDENCE,
    WEBHOOK_SECRET,
    Column,
)
from fintech.domain.webhooks.endpoint import EndpointStatus
from tests.unit.application.keys.world import ANN, DAY, OTHER, SHOP, World

TOKENS = Honeytokens(LocalDigest(bytes(32)))


class Books:
    """Answers for the books: records by id, with what is asked of them."""

    def __init__(self) -> None:
        self.records: dict[str, Any] = {}
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        assert hasattr(MemoryStore, name)

        async def find(_scope: object, id: Id) -> Any:
            self.asked += 1
            return self.records.get(id)

        return find


class Record:
    def __init__(self, **facts: Any) -> None:
        self.__dict__.update(facts)


class Office(World):
    """A world with books."""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.books: Any = Books()
        self.random = RandomIdSource()

    async def put(self, column: Column, kind: type[Id], record: Any, part: str = "") -> str:
        id = self.random.new(kind)
        lease = (await self.vault.lease(SHOP)).unwrap()
        await self.protected.put(SHOP, [self.sealed(lease, column, id + part, b"value")])
        if record is not None:
            self.books.records[id] = record
        return id + part

    async def run(self, **how: Any) -> RetentionRun:
        remove = RemoveUnneeded(
            table=self.table,
            protected=self.protected,
            clock=self.clock,
            audited=self.audited,
            ask=AskRecords(store=self.books, policy=self.policy),
            honeytokens=TOKENS,
            policy=self.policy,
        )
        return await remove(ANN, **how)

    async def left(self) -> set[str]:
        there = await self.protected.listed(SHOP, self.clock.now() + DAY, None, 1_000)
        return {each.place.record for each in there}


@pytest.fixture
async def office() -> Office:
    made = Office()
    await made.open_ring()
    return made


def card(year: int = 2030, month: int = 1) -> Record:
    return Record(card=Record(exp_year=year, exp_month=month))


async def test_what_no_record_speaks_of_is_removed_a_day_later(office: Office) -> None:
    spoken = await office.put(CARD_NUMBER, PaymentMethodId, card())
    failed = await office.put(CARD_NUMBER, PaymentMethodId, None)
    office.clock.advance(DAY)
    assert (await office.run()).removed == 0
    office.clock.advance(timedelta(seconds=1))
    fresh = await office.put(CARD_NUMBER, PaymentMethodId, None)
    run = await office.run()
    assert (run.looked_at, run.removed, run.unknown, run.stopped) == (2, 1, 0, None)
    assert await office.left() == {spoken, fresh}
    assert failed not in await office.left()
    assert [each.action for each in office.trail.entries] == [AuditAction.VALUES_REMOVED]


async def test_the_number_of_a_card_goes_when_it_has_been_expired_for_long(office: Office) -> None:
    """PCI DSS 3.2.1; who it was of stays with the record."""
    old = await office.put(CARD_NUMBER, PaymentMethodId, card(2026, 12))
    owner = CARD_NUMBER.at(old)
    lease = (await office.vault.lease(SHOP)).unwrap()
    await office.protected.put(SHOP, [office.sealed(lease, BILLING_NAME, old, b"Jo")])
    office.clock.advance(office.policy.ended_kept)
    assert (await office.run()).removed == 0
    office.clock.advance(40 * DAY)
    assert (await office.run()).removed == 1
    assert await office.protected.get(SHOP, [owner, BILLING_NAME.at(old)]) != {}
    assert owner not in await office.protected.get(SHOP, [owner])


async def test_each_kind_of_record_says_when_it_is_over(office: Office) -> None:
    now = office.clock.now()
    active, gone = EndpointStatus.ENABLED, EndpointStatus.REMOVED
    kept = {
        await office.put(ACCOUNT_NUMBER, BankAccountId, Record(removed_at=None)),
        await office.put(ACCOUNT_NUMBER, BankAccountId, Record(removed_at=now)),
        await office.put(EVIDENCE, DisputeId, Record()),
        await office.put(WEBHOOK_SECRET, WebhookEndpointId, Record(status=active), ".1"),
        await office.put(evolve(EVIDENCE, table="others"), DisputeId, None),
        await office.put(CARD_NUMBER, DisputeId, None),
    }
    await office.put(ACCOUNT_NUMBER, BankAccountId, None)
    await office.put(ACCOUNT_NUMBER, BankAccountId, Record(removed_at=now - office.policy.ended_kept))
    await office.put(EVIDENCE, DisputeId, None)
    await office.put(WEBHOOK_SECRET, WebhookEndpointId, Record(status=gone), ".2")
    office.clock.advance(DAY + timedelta(seconds=1))
    run = await office.run()
    assert (run.looked_at, run.removed, run.unknown) == (10, 4, 2)
    assert await office.left() == kept


async def test_what_is_planted_is_passed_over(office: Office) -> None:
    planted = TOKENS.id_like(office.random, PaymentMethodId)
    lease = (await office.vault.lease(SHOP)).unwrap()
    await office.protected.put(SHOP, [office.sealed(lease, CARD_NUMBER, planted, b"bait")])
    office.clock.advance(2 * DAY)
    assert (await office.run()).removed == 0
    assert office.books.asked == 0
    assert await office.left() == {planted}


async def test_a_run_goes_on_where_another_has_stopped(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    monkeypatch.setattr(retention, "RINGS_PAGE", 1)
    await office.open_ring(OTHER)
    await office.keep(2, OTHER)
    for number in range(9):
        await office.put(CARD_NUMBER, PaymentMethodId, card() if number % 2 else None)
    office.clock.advance(2 * DAY)
    runs, stopped = [], None
    for _ in range(10):
        runs.append(await office.run(start=stopped, most=6))
        stopped = runs[-1].stopped
        if stopped is None:
            break
    assert sum(run.looked_at for run in runs) == 15
    assert sum(run.removed for run in runs) == 5
    assert len(runs) == 3


async def test_what_was_put_anew_meanwhile_stays(office: Office) -> None:
    record = await office.put(CARD_NUMBER, PaymentMethodId, None)
    office.clock.advance(2 * DAY)
    protected = office.protected

    class Overtaken:
        def __getattr__(self, name: str) -> Any:
            return getattr(protected, name)

        async def discard(self, scope: Any, values: Any) -> int:
            lease = (await office.vault.lease(SHOP)).unwrap()
            await protected.put(SHOP, [office.sealed(lease, CARD_NUMBER, record, b"anew")])
            return await protected.discard(scope, values)

    office.protected = Overtaken()
    assert (await office.run()).removed == 0
    assert await office.left() == {record}
