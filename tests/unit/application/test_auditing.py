"""What is done to merchants' standing and to API keys is written down, before it is done and how it ended."""

import asyncio
import logging
from datetime import timedelta

import pytest

from fintech.application.auditing import Audited, Deed
from fintech.application.commits import NotFound
from fintech.domain.audit import AuditAction, AuditEntry, AuditResult, entry_of
from fintech.domain.ids import ApiKeyId
from fintech.domain.merchants import Standing
from fintech.domain.outcome import Failure
from fintech.ports.audit_trail import PAGE_MAX, AuditTrail
from fintech.ports.errors import AuditUnavailable
from tests.unit.application.shop import ACTOR, Shop

BEGUN, DONE, REFUSED, FAILED = AuditResult.BEGUN, AuditResult.DONE, AuditResult.REFUSED, AuditResult.FAILED


async def told(shop: Shop) -> list[AuditEntry]:
    """What the trail has of deeds."""
    sink = shop.core.audit_sink()
    entries = [
        entry_of(record.document)
        for stream in await sink.streams("", 10)
        for record in await sink.records(stream.name, -1, PAGE_MAX)
    ]
    own = (AuditAction.STREAM_STARTED, AuditAction.STREAM_ENDED)
    return [each for each in entries if each is not None and each.action not in own]


async def test_a_merchants_standing_is_written_down_before_and_after(shop: Shop) -> None:
    await shop.core.place_merchant()(ACTOR, shop.scope, Standing.SUSPENDED)
    begun, done = (await told(shop))[-2:]
    assert (begun.result, done.result) == (BEGUN, DONE)
    for each in (begun, done):
        assert each.action is AuditAction.STANDING_CHANGED
        assert (each.actor, each.face, each.request) == (ACTOR.name, ACTOR.face, ACTOR.request)
        assert (each.merchant, each.livemode) == (shop.scope.merchant, shop.scope.livemode)
        assert (each.subject, each.details) == (shop.scope.merchant, {"standing": "suspended"})


async def test_what_was_refused_is_written_down_too(shop: Shop) -> None:
    assert isinstance(await shop.core.place_merchant()(ACTOR, shop.scope, Standing.ACTIVE), Failure)
    assert [each.result for each in await told(shop)][-2:] == [BEGUN, REFUSED]
    key = ApiKeyId("key_" + "0" * 24)
    ended = await shop.core.end_api_key()(ACTOR, shop.scope, key)
    assert ended == Failure(NotFound("key", key))
    begun, refused = (await told(shop))[-2:]
    assert (begun.result, refused.result, refused.subject) == (BEGUN, REFUSED, key)


async def test_an_api_key_is_written_down_when_it_is_made_rolled_and_ended(shop: Shop) -> None:
    made = (await shop.core.create_api_key()(ACTOR, shop.scope, "till")).unwrap()
    begun, done = (await told(shop))[-2:]
    assert (begun.action, begun.result, done.result) == (AuditAction.API_KEY_CREATED, BEGUN, DONE)
    assert done.details == {"key": made.key.id}
    rolled = (await shop.core.roll_api_key()(ACTOR, shop.scope, made.key.id, timedelta())).unwrap()
    begun, done = (await told(shop))[-2:]
    assert (begun.action, begun.subject) == (AuditAction.API_KEY_ROLLED, made.key.id)
    assert done.details == {"key": rolled.key.id}
    await shop.core.end_api_key()(ACTOR, shop.scope, rolled.key.id)
    begun, done = (await told(shop))[-2:]
    assert (begun.action, done.subject) == (AuditAction.API_KEY_ENDED, rolled.key.id)
    everything = repr(await told(shop))
    assert made.secret not in everything
    assert rolled.secret not in everything


async def test_where_nothing_can_be_written_down_nobody_gets_rights(shop: Shop) -> None:
    await shop.core.place_merchant()(ACTOR, shop.scope, Standing.SUSPENDED)
    await shop.core.audit().close()  # type: ignore[attr-defined] # the trail that has begun
    with pytest.raises(AuditUnavailable):
        await shop.core.place_merchant()(ACTOR, shop.scope, Standing.ACTIVE)
    with pytest.raises(AuditUnavailable):
        await shop.core.create_api_key()(ACTOR, shop.scope, "till")
    merchant = await shop.core.store().merchant(shop.scope)
    assert merchant is not None
    assert merchant.standing is Standing.SUSPENDED
    assert not await shop.core.queries().api_keys(shop.scope)


async def test_where_nothing_can_be_written_down_rights_are_taken_away_all_the_same(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    made = (await shop.core.create_api_key()(ACTOR, shop.scope, "till")).unwrap()
    await shop.core.audit().close()  # type: ignore[attr-defined] # the trail that has begun
    ended = await shop.core.end_api_key()(ACTOR, shop.scope, made.key.id)
    placed = await shop.core.place_merchant()(ACTOR, shop.scope, Standing.CLOSED)
    assert not ended.unwrap().valid(shop.core.clock().now())
    assert placed.unwrap().standing is Standing.CLOSED
    unwritten = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert [(each.__dict__["action"], each.__dict__["result"]) for each in unwritten] == [
        ("api_key_ended", "begun"),
        ("api_key_ended", "done"),
        ("standing_changed", "begun"),
        ("standing_changed", "done"),
    ]


class Written(AuditTrail):
    """Remembers; breaks after so many."""

    def __init__(self, room: int = 100) -> None:
        self.entries: list[AuditEntry] = []
        self.room = room

    async def write(self, entry: AuditEntry) -> None:
        if len(self.entries) >= self.room:
            raise AuditUnavailable("full")
        self.entries.append(entry)


def deed() -> Deed:
    return Deed(actor=ACTOR, action=AuditAction.REVEALED, subject="pm_1")


async def test_what_broke_is_written_down_as_failed(shop: Shop) -> None:
    trail = Written()
    with pytest.raises(RuntimeError):
        async with Audited(audit=trail, clock=shop.core.clock()).deed(deed()):
            raise RuntimeError("a bug")
    assert [each.result for each in trail.entries] == [BEGUN, FAILED]


async def test_that_the_end_cannot_be_written_down_undoes_nothing(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    trail = Written(room=1)
    async with Audited(audit=trail, clock=shop.core.clock()).deed(deed()):
        pass
    assert [each.result for each in trail.entries] == [BEGUN]
    assert "does not have what was done" in caplog.text


async def test_payments_write_nothing_down(shop: Shop) -> None:
    """Beyond what lends a merchant's keys for the first of them."""
    await shop.pay(1_000)
    before = await told(shop)
    await shop.pay(1_000)
    assert await told(shop) == before


async def test_who_goes_away_in_the_middle_has_not_done_it(shop: Shop) -> None:
    trail = Written()
    with pytest.raises(asyncio.CancelledError):
        async with Audited(audit=trail, clock=shop.core.clock()).deed(deed()):
            raise asyncio.CancelledError
    assert [each.result for each in trail.entries] == [BEGUN, FAILED]


async def test_who_finds_nothing_to_do_leaves_no_trace(shop: Shop) -> None:
    trail = Written()
    audited = Audited(audit=trail, clock=shop.core.clock())
    async with audited.attempt(deed()):
        pass
    with pytest.raises(RuntimeError):
        async with audited.attempt(deed()):
            raise RuntimeError("a bug")
    assert trail.entries == []
    async with audited.attempt(deed()) as ending:
        for _ in range(2):
            await ending.begin()
        ending.failed(code="TimedOut")
    assert [each.result for each in trail.entries] == [BEGUN, FAILED]
    assert trail.entries[-1].details == {"code": "TimedOut"}
