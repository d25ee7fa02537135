"""The bank's orders: applied once, in their turn, with everything written down, or refused and nothing done."""

import asyncio
import json
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from fintech.adapters.memory.outbox import MemoryOutbox
from fintech.application.commits import NotFound
from fintech.application.keys.carrying_out import Signed
from fintech.application.keys.figures import BadSignature, TwoOfficersNeeded, UnknownKey
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.keys.custody import PLATFORM, CmkName, Custody, CustodyStepRefused
from fintech.domain.keys.documents import AnotherEnvironment
from fintech.domain.keys.orders import OrderAction, OrderMalformed
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Face, Scope
from fintech.ports.errors import AuditUnavailable, ConcurrencyExhausted, StoreUnavailable
from fintech.ports.key_table import AppliedOrder, OrderOutOfSequence
from tests.unit.application.keys.bank import DESK, Bank, Interrupted, details, other_shop
from tests.unit.domain.keys.samples import CMK, HERE, SHOP, order

SUSPEND, RESTORE, REVOKE, SHRED = OrderAction
BEGUN = (AuditAction.ORDER_APPLIED, AuditResult.BEGUN)
APPLIED = (AuditAction.ORDER_APPLIED, AuditResult.DONE)
REFUSED = (AuditAction.ORDER_REFUSED, AuditResult.REFUSED)


@pytest.fixture
async def bank() -> Bank:
    bank = Bank()
    await bank.opens()
    await bank.keeps_root_key()
    return bank


async def test_an_order_is_applied_and_kept_with_its_signature(bank: Bank) -> None:
    reply = (await bank.orders(1, SUSPEND)).unwrap()
    assert not reply.replayed
    assert (await bank.ring()).custody is Custody.SUSPENDED
    (kept,) = await bank.table.orders(0, 10)
    assert kept == reply.value.kept
    assert (kept.sequence, kept.applied_at) == (1, bank.clock.now())
    assert bank.officers.check("ann", kept.document, kept.signature)
    assert bank.figures.applied == {"suspend": 1}


async def test_it_is_written_down_before_and_after_by_whom_and_from_where(bank: Bank) -> None:
    await bank.orders(1, SUSPEND)
    assert bank.trail.told() == [BEGUN, APPLIED]
    for entry in bank.trail.entries:
        assert (entry.actor, entry.face, entry.origin, entry.request) == (
            "desk",
            Face.CLI,
            "203.0.113.9",
            "req_1",
        )
        assert (entry.merchant, entry.livemode, entry.subject) == (SHOP.merchant, True, "order 1")
        assert entry.details == {"keys": "ann", "action": "suspend", "sequence": 1}


async def test_a_merchants_keys_go_the_whole_way(bank: Bank) -> None:
    steps = [(SUSPEND, "suspended"), (RESTORE, "active"), (SUSPEND, "suspended"), (REVOKE, "revoked")]
    for number, (action, custody) in enumerate(steps, start=1):
        assert isinstance(await bank.orders(number, action), Success)
        assert (await bank.ring()).custody == custody
    reply = (await bank.orders(5, SHRED)).unwrap()
    shredded = reply.value.shredded
    assert shredded is not None
    assert shredded.finished
    assert shredded.certificate is not None
    assert json.loads(shredded.certificate.document)["order"] == 5
    assert (await bank.ring()).custody is Custody.SHREDDED
    assert await bank.table.last_order() == 5


async def test_what_was_applied_is_answered_as_applied_and_done_once(bank: Bank) -> None:
    first = (await bank.orders(1, SUSPEND)).unwrap()
    document, kept = first.value.order.document(), await bank.ring()
    bank.clock.advance(timedelta(days=1))
    for name in ("ann", "ben"):
        reply = (await bank.apply_order(DESK, document, (bank.officers.sign(name, document),))).unwrap()
        assert reply.replayed
        assert reply.value.kept == first.value.kept
    assert await bank.ring() == kept
    assert bank.trail.told() == [BEGUN, APPLIED, APPLIED, APPLIED]
    assert details(bank.trail.entries, "repeat") == [None, None, 1, 1]
    assert bank.figures.applied == {"suspend": 1}


@pytest.mark.parametrize("number", [1, 2, 4, 9])
async def test_another_order_has_the_next_number_or_is_told_it(bank: Bank, number: int) -> None:
    for sequence, action in ((1, SUSPEND), (2, RESTORE)):
        await bank.orders(sequence, action)
    assert await bank.orders(number, REVOKE) == Failure(OrderOutOfSequence(3))
    assert (await bank.ring()).custody is Custody.ACTIVE
    assert bank.trail.told()[-1] == REFUSED
    assert details(bank.trail.entries, "reason")[-1] == "out_of_sequence"
    assert bank.figures.refused["out_of_sequence"] == 1


async def test_a_step_that_is_refused_uses_no_number_up(bank: Bank) -> None:
    refused = Failure(CustodyStepRefused(Custody.ACTIVE, Custody.ACTIVE))
    assert await bank.orders(1, RESTORE) == refused
    assert await bank.table.last_order() == 0
    assert bank.trail.told() == [BEGUN, REFUSED]
    assert isinstance(await bank.orders(1, SUSPEND), Success)


async def test_only_an_officers_signature_of_this_very_document_counts(bank: Bank) -> None:
    document, another = order(1).document(), order(1, REVOKE).document()
    good = bank.officers.sign("ann", document)
    for signed, refused in (
        (Signed(key="eve", signature=good.signature), UnknownKey("eve")),
        (Signed(key="ben", signature=good.signature), BadSignature("ben")),
        (Signed(key="ann", signature=good.signature[:-1]), BadSignature("ann")),
        (Signed(key="ann", signature=b""), BadSignature("ann")),
        (bank.officers.sign("ann", another), BadSignature("ann")),
    ):
        assert await bank.apply_order(DESK, document, (signed,)) == Failure(refused)
    assert (await bank.ring()).custody is Custody.ACTIVE
    assert bank.trail.told() == [REFUSED] * 5
    assert bank.figures.refused["bad_signature"] == 4
    assert bank.figures.refused["unknown_key"] == 1


async def test_what_is_malformed_is_refused_however_well_it_is_signed(bank: Bank) -> None:
    document = json.dumps(json.loads(order(1).document())).encode()
    outcome = await bank.apply_order(DESK, document, (bank.officers.sign("ann", document),))
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.failure(), OrderMalformed)
    assert bank.trail.told() == [REFUSED]


async def test_nothing_of_what_was_signed_by_nobody_tells_how_many_orders_there_were(bank: Bank) -> None:
    document = order(77).document()
    outcome = await bank.apply_order(DESK, document, (Signed(key="ann", signature=bytes(64)),))
    assert outcome == Failure(BadSignature("ann"))


async def test_an_order_of_another_deployment_is_refused_by_name(bank: Bank) -> None:
    refused = Failure(AnotherEnvironment("staging", HERE))
    assert await bank.orders(1, SUSPEND, environment="staging") == refused
    assert await bank.orders(1, SUSPEND, Scope(PLATFORM, livemode=True), environment="staging") == refused
    assert (await bank.ring()).custody is Custody.ACTIVE
    assert await bank.table.last_order() == 0
    assert bank.figures.refused["another_environment"] == 2
    assert details(bank.trail.entries, "reason") == ["another_environment"] * 2


@pytest.mark.parametrize("subject", [SHOP, Scope(PLATFORM, livemode=True)])
async def test_one_officer_alone_shreds_nothing(bank: Bank, subject: Scope) -> None:
    if subject != SHOP:
        await bank.opens(subject)
    bank.officers.private["ann too"] = bank.officers.private["ann"]
    for by in (("ann",), ("ann", "ann"), ("ann", "ann too"), ("ann", "ben", "cho")):
        assert await bank.orders(1, SHRED, subject, by=by) == Failure(TwoOfficersNeeded())
    assert (await bank.ring(subject)).custody is Custody.ACTIVE
    assert bank.trail.told() == [REFUSED] * 4
    reply = (await bank.orders(1, SHRED, subject, by=("cho", "ann"))).unwrap()
    assert (await bank.ring(subject)).custody is Custody.SHREDDED
    assert bank.officers.check("cho", reply.value.kept.document, reply.value.kept.signature[:64])
    assert bank.officers.check("ann", reply.value.kept.document, reply.value.kept.signature[64:])
    assert bank.trail.entries[-1].details["keys"] == "cho,ann"


async def test_the_second_signature_is_checked_as_the_first_is(bank: Bank) -> None:
    document = order(1, SHRED).document()
    ann = bank.officers.sign("ann", document)
    eve, forged = Signed(key="eve", signature=ann.signature), Signed(key="ben", signature=ann.signature)
    assert await bank.apply_order(DESK, document, (ann, eve)) == Failure(UnknownKey("eve"))
    assert await bank.apply_order(DESK, document, (ann, forged)) == Failure(BadSignature("ben"))
    assert (await bank.ring()).custody is Custody.ACTIVE


async def test_whoever_comes_over_http_with_no_signature_makes_no_entry(bank: Bank) -> None:
    stranger = evolve(DESK, face=Face.HTTP, name="ann")
    document = order(1).document()
    forged = (Signed(key="ann", signature=bytes(64)),)
    assert await bank.apply_order(stranger, document, forged) == Failure(BadSignature("ann"))
    assert await bank.apply_order(stranger, b"{}", forged) == Failure(BadSignature("ann"))
    assert await bank.break_glass(stranger, document, forged * 2) == Failure(BadSignature("ann"))
    assert bank.trail.entries == []
    assert bank.figures.refused["bad_signature"] == 3
    signed = (bank.officers.sign("ann", document),)
    await bank.apply_order(stranger, document, signed)
    assert bank.trail.told() == [BEGUN, APPLIED]


class Waking(MemoryOutbox):
    """Says whom it was told to wake; away if it is told to be."""

    def __init__(self, bank: Bank) -> None:
        super().__init__(bank.store.memory)
        self.woken: list[tuple[Scope, datetime]] = []
        self.away = False

    async def wake(self, scope: Scope, at: datetime, limit: int) -> int:
        if self.away:
            raise StoreUnavailable("cut")
        self.woken.append((scope, at))
        return limit if len(self.woken) < 3 else 0


async def test_webhooks_that_waited_for_a_merchants_keys_are_woken_when_it_is_restored(bank: Bank) -> None:
    bank.outbox = waking = Waking(bank)
    await bank.orders(1, SUSPEND)
    await bank.orders(2, SUSPEND, CMK)
    await bank.orders(3, RESTORE, CMK)
    assert waking.woken == []
    assert isinstance(await bank.orders(4, RESTORE), Success)
    assert waking.woken == [(SHOP, bank.clock.now() + timedelta(seconds=5))] * 3
    await bank.orders(5, SUSPEND)
    waking.away = True
    assert isinstance(await bank.orders(6, RESTORE), Success)


async def test_a_merchant_without_keys_is_suspended_all_the_same(bank: Bank) -> None:
    newcomer = other_shop("n")
    await bank.opens(newcomer, keys=False)
    assert await bank.orders(1, RESTORE, newcomer) == Failure(
        CustodyStepRefused(Custody.ACTIVE, Custody.ACTIVE)
    )
    assert await bank.table.ring(newcomer) is None
    assert isinstance(await bank.orders(1, SUSPEND, newcomer), Success)
    ring = await bank.ring(newcomer)
    assert (ring.custody, ring.keys, ring.usable(bank.clock.now())) == (Custody.SUSPENDED, (), False)
    assert isinstance(await bank.orders(2, RESTORE, newcomer), Success)
    assert (await bank.ring(newcomer)).usable(bank.clock.now())


async def test_a_merchant_that_there_is_not_is_refused(bank: Bank) -> None:
    nobody = other_shop("x")
    assert await bank.orders(1, SUSPEND, nobody) == Failure(NotFound("merchant", nobody.merchant))
    other_mode = Scope(SHOP.merchant, livemode=False)
    assert await bank.orders(1, SUSPEND, other_mode) == Failure(NotFound("merchant", SHOP.merchant))


async def test_the_platforms_own_keys_can_be_suspended(bank: Bank) -> None:
    platform = Scope(PLATFORM, livemode=True)
    assert isinstance(await bank.orders(1, SUSPEND, platform), Success)
    assert (await bank.ring(platform)).custody is Custody.SUSPENDED


async def test_a_root_key_is_suspended_and_restored_as_a_whole(bank: Bank) -> None:
    assert isinstance(await bank.orders(1, SUSPEND, CMK), Success)
    (suspended,) = await bank.table.root_keys()
    assert not suspended.custody_open
    assert (await bank.ring()).custody is Custody.ACTIVE
    assert await bank.orders(2, SUSPEND, CMK) == Failure(
        CustodyStepRefused(Custody.SUSPENDED, Custody.SUSPENDED)
    )
    assert isinstance(await bank.orders(2, RESTORE, CMK), Success)
    (restored,) = await bank.table.root_keys()
    assert restored.custody_open
    assert await bank.orders(3, RESTORE, CMK) == Failure(CustodyStepRefused(Custody.ACTIVE, Custody.ACTIVE))
    assert {entry.subject for entry in bank.trail.entries} == {CMK}


async def test_a_root_key_that_nobody_knows_is_refused(bank: Bank) -> None:
    typo = CmkName(CMK + "x")
    assert await bank.orders(1, SUSPEND, typo) == Failure(NotFound("root key", typo))


async def test_nothing_is_done_that_cannot_be_written_down(bank: Bank) -> None:
    bank.trail.down_from = 0
    with pytest.raises(AuditUnavailable):
        await bank.orders(1, SUSPEND)
    assert (await bank.ring()).custody is Custody.ACTIVE
    assert await bank.table.last_order() == 0


async def test_what_was_done_and_not_written_down_is_written_down_by_the_repeat(bank: Bank) -> None:
    bank.trail.down_from = 1
    with pytest.raises(AuditUnavailable):
        await bank.orders(1, SUSPEND)
    assert (await bank.ring()).custody is Custody.SUSPENDED
    bank.trail.down_from = None
    assert (await bank.orders(1, SUSPEND)).unwrap().replayed
    assert bank.trail.told() == [BEGUN, APPLIED]


async def test_when_the_table_is_away_the_trail_says_that_it_is_begun_and_the_repeat_tells() -> None:
    bank = Bank(table=Interrupted())
    assert isinstance(bank.table, Interrupted)
    await bank.opens()

    async def away() -> None:
        raise StoreUnavailable("cut")

    bank.table.rivals = [away]
    with pytest.raises(StoreUnavailable):
        await bank.orders(1, SUSPEND)
    assert bank.trail.told() == [BEGUN]  # nobody knows yet what became of it
    assert isinstance(await bank.orders(1, SUSPEND), Success)


async def test_whoever_is_overtaken_decides_again_on_what_is_so_by_then() -> None:
    bank = Bank(table=Interrupted())
    assert isinstance(bank.table, Interrupted)
    await bank.opens()

    async def rotate_elsewhere() -> None:
        found = await bank.ring()
        await bank.table.save(found)

    bank.table.rivals = [rotate_elsewhere, rotate_elsewhere]
    assert isinstance(await bank.orders(1, SUSPEND), Success)
    ring = await bank.ring()
    assert (ring.custody, ring.version) == (Custody.SUSPENDED, 4)
    assert bank.trail.told() == [BEGUN, APPLIED]


async def test_whoever_is_overtaken_by_the_same_order_answers_it_as_applied() -> None:
    bank = Bank(table=Interrupted())
    assert isinstance(bank.table, Interrupted)
    await bank.opens()

    async def same_elsewhere() -> None:
        await bank.orders(1, SUSPEND)

    bank.table.rivals = [same_elsewhere]
    reply = (await bank.orders(1, SUSPEND)).unwrap()
    assert reply.replayed
    assert (await bank.ring()).version == 2
    assert len(await bank.table.orders(0, 10)) == 1


async def test_it_does_not_try_for_ever() -> None:
    bank = Bank(table=Interrupted())
    assert isinstance(bank.table, Interrupted)
    await bank.opens()

    async def always() -> None:
        found = await bank.ring()
        assert isinstance(bank.table, Interrupted)
        await bank.table.save(found)

    bank.table.rivals = [always] * 40
    with pytest.raises(ConcurrencyExhausted):
        await bank.orders(1, SUSPEND)


async def test_of_many_who_race_with_one_number_one_is_applied(bank: Bank) -> None:
    shops = [other_shop(letter) for letter in "abcdefgh"]
    for shop in shops:
        await bank.opens(shop)
    outcomes = await asyncio.gather(*(bank.orders(1, SUSPEND, shop) for shop in shops))
    assert sum(isinstance(outcome, Success) for outcome in outcomes) == 1
    assert outcomes.count(Failure(OrderOutOfSequence(2))) == len(shops) - 1
    custodies = [(await bank.ring(shop)).custody for shop in shops]
    assert custodies.count(Custody.SUSPENDED) == 1
    kept: list[AppliedOrder] = list(await bank.table.orders(0, 10))
    assert len(kept) == 1


async def test_many_who_hand_in_the_same_order_are_all_told_that_it_is_applied(bank: Bank) -> None:
    outcomes = await asyncio.gather(*(bank.orders(1, SUSPEND) for _ in range(8)))
    assert [outcome.unwrap().replayed for outcome in outcomes].count(False) == 1
    assert (await bank.ring()).version == 2


async def test_where_nothing_was_ever_sealed_there_is_nothing_to_shred(bank: Bank) -> None:
    newcomer = other_shop("n")
    await bank.opens(newcomer, keys=False)
    assert await bank.orders(1, SHRED, newcomer) == Failure(NotFound("ring of keys", newcomer.merchant))
    assert await bank.table.last_order() == 0
