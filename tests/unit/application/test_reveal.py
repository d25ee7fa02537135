"""A card's number is shown to somebody who has a reason, and never before that is written down."""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from fintech.application.auditing import Audited
from fintech.application.commits import NotFound
from fintech.application.reveal import NumberNotKept, RevealCard
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.cards import CardDetails
from fintech.domain.ids import MerchantId, PaymentMethodId
from fintech.domain.keys.columns import CARD_NUMBER
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.scope import Actor, Face, Scope
from fintech.entrypoints.cli.refusals import said
from fintech.ports.errors import AuditUnavailable
from fintech.ports.queries import Page
from tests.unit.application.shop import PLAIN, Shop, value
from tests.vaults import KeptTrail

OFFICER = Actor("ann", Face.CLI, "the cardholder asks")
DETAILS = CardDetails(number="4242424242424242", exp_month=12, exp_year=2030, cvc="987")


@pytest.fixture
def trail() -> KeptTrail:
    return KeptTrail()


@pytest.fixture
def reveal(shop: Shop, trail: KeptTrail) -> RevealCard:
    audited = Audited(audit=trail, clock=shop.clock)
    return evolve(shop.core.reveal_card(), audited=audited)


@pytest.fixture
async def method(shop: Shop) -> PaymentMethod:
    kept: PaymentMethod = value(await shop.core.create_payment_method()(PLAIN, shop.scope, DETAILS))
    return kept


async def test_it_is_written_down_and_shown(
    shop: Shop, reveal: RevealCard, trail: KeptTrail, method: PaymentMethod
) -> None:
    revealed = (await reveal(OFFICER, shop.scope, method.id)).unwrap()
    assert (revealed.method, revealed.number) == (method, DETAILS.number)
    assert DETAILS.number not in repr(revealed)
    told = [(each.actor, each.action, each.result, each.subject) for each in trail.entries]
    assert told == [
        ("ann", AuditAction.REVEALED, AuditResult.BEGUN, method.id),
        ("ann", AuditAction.REVEALED, AuditResult.DONE, method.id),
    ]
    assert trail.entries[0].details == {"why": "the cardholder asks"}
    assert DETAILS.number not in repr(trail.entries)


async def test_where_nothing_can_be_written_down_nothing_is_opened(
    shop: Shop, reveal: RevealCard, trail: KeptTrail, method: PaymentMethod
) -> None:
    trail.down, leases = True, shop.vault.leases[shop.scope]
    with pytest.raises(AuditUnavailable):
        await reveal(OFFICER, shop.scope, method.id)
    assert shop.vault.leases[shop.scope] == leases


@pytest.mark.parametrize("reason", CustodyReason)
async def test_what_custody_refuses_is_written_down_too(
    shop: Shop, reveal: RevealCard, trail: KeptTrail, method: PaymentMethod, reason: CustodyReason
) -> None:
    shop.vault.refusing[shop.scope] = reason
    assert await reveal(OFFICER, shop.scope, method.id) == Failure(CustodyRefused(reason))
    assert [each.result for each in trail.entries] == [AuditResult.BEGUN, AuditResult.REFUSED]


async def test_who_asks_for_what_is_not_there_is_written_down(
    shop: Shop, reveal: RevealCard, trail: KeptTrail, method: PaymentMethod
) -> None:
    nothing = PaymentMethodId("pm_" + "z" * 24)
    elsewhere = Scope(MerchantId("acct_" + "n" * 24), livemode=False)
    for scope, id in ((shop.scope, nothing), (elsewhere, method.id)):
        assert await reveal(OFFICER, scope, id) == Failure(NotFound("payment_method", id))
    assert [each.result for each in trail.entries] == [AuditResult.BEGUN, AuditResult.REFUSED] * 2


async def test_a_number_that_was_removed_long_after_the_card_expired_is_not_taken_for_damaged(
    shop: Shop, reveal: RevealCard, trail: KeptTrail, method: PaymentMethod
) -> None:
    await shop.core.protected().remove(shop.scope, CARD_NUMBER.table, method.id)
    assert await reveal(OFFICER, shop.scope, method.id) == Failure(CustodyRefused(CustodyReason.INTEGRITY))
    shop.clock.advance(datetime(2030, 12, 28, tzinfo=UTC) + timedelta(days=180) - shop.clock.now())
    assert await reveal(OFFICER, shop.scope, method.id) == Failure(CustodyRefused(CustodyReason.INTEGRITY))
    shop.advance(days=1)
    refused = NumberNotKept(method.id, exp_month=12, exp_year=2030)
    assert await reveal(OFFICER, shop.scope, method.id) == Failure(refused)
    assert trail.entries[-1].result is AuditResult.REFUSED
    assert said(refused) == "the card expired in 12/2030, and its number is not kept any more"


async def test_a_number_that_is_still_there_is_shown_however_long_ago_the_card_expired(
    shop: Shop, reveal: RevealCard, method: PaymentMethod
) -> None:
    shop.advance(days=3650)
    assert (await reveal(OFFICER, shop.scope, method.id)).unwrap().number == DETAILS.number


async def test_a_card_that_cannot_be_written_down_is_not_kept(shop: Shop, trail: KeptTrail) -> None:
    trail.down = True
    audited = Audited(audit=trail, clock=shop.clock)
    create = evolve(shop.core.create_payment_method(), audited=audited)
    with pytest.raises(AuditUnavailable):
        await create(PLAIN, shop.scope, DETAILS)
    assert (await shop.core.queries().payment_methods(shop.scope, Page())).items == ()
    trail.down = False
    method = value(await create(PLAIN, shop.scope, DETAILS))
    (entry,) = trail.entries
    assert (entry.action, entry.subject) == (AuditAction.CARD_ADMITTED, method.id)
