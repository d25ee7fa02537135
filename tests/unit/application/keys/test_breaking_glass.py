"""Two officers open a merchant's keys for a while: recorded, bounded, once."""

from datetime import timedelta

import pytest

from fintech.application.commits import NotFound
from fintech.application.keys.carrying_out import Signed
from fintech.application.keys.figures import BadSignature, TwoOfficersNeeded, UnknownKey
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.keys.breaking_glass import OPEN_MAX, GlassRequest, NotThatLong
from fintech.domain.keys.custody import Custody, CustodyStepRefused
from fintech.domain.keys.documents import AnotherEnvironment, OrderMalformed
from fintech.domain.keys.orders import OrderAction
from fintech.domain.outcome import Failure, Success
from fintech.ports.errors import AuditUnavailable
from fintech.ports.key_table import OrderOutOfSequence
from tests.unit.application.keys.bank import DESK, Bank, other_shop
from tests.unit.domain.keys.samples import HERE, HOUR, SHOP, order

TICK = timedelta(microseconds=1)


@pytest.fixture
async def bank() -> Bank:
    """One that has revoked a merchant's keys."""
    bank = Bank()
    await bank.opens()
    (await bank.orders(1, OrderAction.REVOKE)).unwrap()
    bank.trail.entries.clear()
    return bank


async def test_two_officers_open_what_is_revoked_and_it_ends_by_itself(bank: Bank) -> None:
    reply = (await bank.breaks(2)).unwrap()
    now, ring = bank.clock.now(), await bank.ring()
    assert ring.custody is Custody.REVOKED
    assert ring.opened_until == reply.value.request.until == now + HOUR
    assert ring.usable(now + HOUR - TICK)
    assert not ring.usable(now + HOUR)


async def test_it_is_kept_with_both_signatures_and_written_down(bank: Bank) -> None:
    reply = (await bank.breaks(2)).unwrap()
    _, kept = await bank.table.orders(0, 10)
    assert kept == reply.value.kept
    assert bank.officers.check("ann", kept.document, kept.signature[:64])
    assert bank.officers.check("ben", kept.document, kept.signature[64:])
    assert bank.trail.told() == [
        (AuditAction.GLASS_BROKEN, AuditResult.BEGUN),
        (AuditAction.GLASS_BROKEN, AuditResult.DONE),
    ]
    assert bank.trail.entries[-1].details == {"keys": "ann,ben", "action": "break_glass", "sequence": 2}


async def test_a_request_opens_nothing_twice(bank: Bank) -> None:
    request = (await bank.breaks(2)).unwrap().value.request
    document = request.document()
    signed = (bank.officers.sign("ann", document), bank.officers.sign("ben", document))
    (await bank.orders(3, OrderAction.SHRED, other_shop("m", livemode=True))).unwrap()
    ring = await bank.ring()
    assert (await bank.break_glass(DESK, document, signed)).unwrap().replayed
    assert await bank.ring() == ring
    assert ring.custody is Custody.SHREDDED


async def test_what_the_bank_said_since_is_not_undone_by_an_old_request(bank: Bank) -> None:
    bank = Bank()
    await bank.opens()
    await bank.orders(1, OrderAction.SUSPEND)
    request = (await bank.breaks(2)).unwrap().value.request
    await bank.orders(3, OrderAction.RESTORE)
    await bank.orders(4, OrderAction.SUSPEND)
    document = request.document()
    signed = (bank.officers.sign("ann", document), bank.officers.sign("cho", document))
    assert (await bank.break_glass(DESK, document, signed)).unwrap().replayed
    assert not (await bank.ring()).usable(bank.clock.now())


async def test_an_unused_request_is_worth_nothing_once_its_number_is_another_orders(bank: Bank) -> None:
    document = GlassRequest(
        environment=HERE, sequence=2, scope=SHOP, until=bank.clock.now() + HOUR, reason="evidence"
    ).document()
    shop = other_shop("p")
    await bank.opens(shop)
    await bank.orders(2, OrderAction.SUSPEND, shop)
    signed = (bank.officers.sign("ann", document), bank.officers.sign("ben", document))
    assert await bank.break_glass(DESK, document, signed) == Failure(OrderOutOfSequence(3))
    assert not (await bank.ring()).usable(bank.clock.now())


async def test_one_officer_is_not_two(bank: Bank) -> None:
    assert await bank.breaks(2, by=("ann", "ann")) == Failure(TwoOfficersNeeded())
    bank.officers.private["ann too"] = bank.officers.private["ann"]
    assert await bank.breaks(2, by=("ann", "ann too")) == Failure(TwoOfficersNeeded())
    assert not (await bank.ring()).usable(bank.clock.now())


async def test_a_request_of_another_deployment_opens_nothing(bank: Bank) -> None:
    assert await bank.breaks(2, environment="staging") == Failure(AnotherEnvironment("staging", HERE))
    assert not (await bank.ring()).usable(bank.clock.now())
    assert bank.trail.told() == [(AuditAction.ORDER_REFUSED, AuditResult.REFUSED)]


async def test_each_signature_is_checked(bank: Bank) -> None:
    request = GlassRequest(
        environment=HERE, sequence=2, scope=SHOP, until=bank.clock.now() + HOUR, reason="evidence"
    )
    document = request.document()
    ann, ben = bank.officers.sign("ann", document), bank.officers.sign("ben", document)
    eve = Signed(key="eve", signature=ben.signature)
    swapped = Signed(key="cho", signature=ben.signature)
    assert await bank.break_glass(DESK, document, (ann, eve)) == Failure(UnknownKey("eve"))
    assert await bank.break_glass(DESK, document, (eve, ann)) == Failure(UnknownKey("eve"))
    assert await bank.break_glass(DESK, document, (ann, swapped)) == Failure(BadSignature("cho"))
    assert await bank.break_glass(DESK, document, (swapped, ann)) == Failure(BadSignature("cho"))
    assert bank.figures.refused["bad_signature"] == 2
    assert not (await bank.ring()).usable(bank.clock.now())


@pytest.mark.parametrize("within", [timedelta(), -HOUR, OPEN_MAX + HOUR])
async def test_it_is_for_hours_and_not_for_ever(bank: Bank, within: timedelta) -> None:
    refused = Failure(NotThatLong(bank.clock.now() + OPEN_MAX))
    assert await bank.breaks(2, within=within) == refused
    assert not (await bank.ring()).usable(bank.clock.now())
    assert await bank.table.last_order() == 1


async def test_only_what_is_closed_is_opened(bank: Bank) -> None:
    other = other_shop("p")
    await bank.opens(other)
    assert await bank.breaks(2, scope=other) == Failure(CustodyStepRefused(Custody.ACTIVE, Custody.ACTIVE))
    nobody = other_shop("x")
    assert await bank.breaks(2, scope=nobody) == Failure(NotFound("merchant", nobody.merchant))
    await bank.orders(2, OrderAction.SHRED)
    assert await bank.breaks(3) == Failure(CustodyStepRefused(Custody.SHREDDED, Custody.SHREDDED))


async def test_the_next_order_about_the_merchant_ends_it() -> None:
    bank = Bank()
    await bank.opens()
    await bank.orders(1, OrderAction.SUSPEND)
    assert isinstance(await bank.breaks(2), Success)
    await bank.orders(3, OrderAction.REVOKE)
    assert not (await bank.ring()).usable(bank.clock.now())


async def test_an_order_is_no_request_whoever_signs_it(bank: Bank) -> None:
    document = order(2, OrderAction.RESTORE).document()
    signed = (bank.officers.sign("ann", document), bank.officers.sign("ben", document))
    outcome = await bank.break_glass(DESK, document, signed)
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.failure(), OrderMalformed)


async def test_nothing_is_opened_that_cannot_be_written_down(bank: Bank) -> None:
    bank.trail.down_from = 0
    with pytest.raises(AuditUnavailable):
        await bank.breaks(2)
    assert not (await bank.ring()).usable(bank.clock.now())
