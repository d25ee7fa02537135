"""What a payment does to the books, leg by leg."""

from datetime import timedelta

from fintech.domain.cards import Scheme
from fintech.domain.ids import MovementId
from fintech.domain.ledger import Phase, TransferKind
from fintech.domain.merchants import NO_FEE, Fee
from fintech.domain.payments.booking import (
    book_capture,
    book_hold,
    book_release,
    scheme_receivable_on,
)
from fintech.domain.tax import TaxCode
from tests.unit.domain.desk import NOON, TODAY, Desk

UNTIL = NOON + timedelta(days=7)


def test_receivables_are_kept_by_scheme_and_day() -> None:
    assert scheme_receivable_on(Scheme.EFTPOS, TODAY) == "scheme_receivable/eftpos_au/2026-11-23"


def test_a_hold_is_pending_between_memo_accounts_until_it_expires() -> None:
    desk = Desk()
    changeset = desk.changeset()
    hold, (leg,) = book_hold(desk.books, "pi", changeset, 500, NOON, UNTIL)
    assert (hold.transfer, hold.amount_minor, hold.expires_at) == (leg.id, 500, UNTIL)
    assert (leg.phase, leg.kind, leg.expires_at) == (Phase.PENDING, TransferKind.HOLD, UNTIL)
    assert (leg.debit.code, leg.credit.code) == ("holds", "holds_contra")
    assert leg.id.movement_id == MovementId.of(changeset, 1)


def test_a_release_voids_every_hold() -> None:
    desk = Desk()
    payment = desk.answer_increment(desk.increment(desk.authorised(10_000), 12_500))
    attempt = payment.attempts[0]
    legs = book_release(desk.books, attempt, payment.id, desk.changeset(), NOON)
    assert [(leg.phase, leg.amount_minor, leg.resolves) for leg in legs] == [
        (Phase.VOID_PENDING, hold.amount_minor, hold.transfer) for hold in attempt.holds
    ]


def test_a_capture_is_the_money_its_fee_and_the_tax_on_it() -> None:
    desk = Desk()
    attempt = desk.authorised(10_000, scheme=Scheme.AMEX).attempts[0]
    holds, legs = book_capture(
        desk.books,
        attempt,
        "pi",
        desk.changeset(),
        amount_minor=6_000,
        fee=Fee(132, 13),
        tax_code=TaxCode.GST,
        day=TODAY,
        at=NOON,
        rest_minor=4_000,
    )
    assert [(leg.kind.value, leg.debit.code, leg.credit.code, leg.amount_minor) for leg in legs] == [
        ("hold", "holds", "holds_contra", 10_000),
        ("hold", "holds", "holds_contra", 4_000),
        ("capture", "scheme_receivable/amex/2026-11-23", "unsettled/2026-11-23", 6_000),
        ("acquiring_fee", "unsettled/2026-11-23", "fees/acquiring", 132),
        ("fee_tax", "unsettled/2026-11-23", "gst_payable/gst", 13),
    ]
    assert [leg.phase for leg in legs] == [Phase.VOID_PENDING, Phase.PENDING, *[Phase.POST] * 3]
    assert [(hold.amount_minor, hold.transfer) for hold in holds] == [(4_000, legs[1].id)]
    assert holds[0].expires_at == attempt.capture_before


def test_a_capture_without_a_hold_or_a_fee_is_one_leg() -> None:
    desk = Desk()
    holds, legs = book_capture(
        desk.books,
        desk.sent().attempts[0],
        "pi",
        desk.changeset(),
        amount_minor=6_000,
        fee=NO_FEE,
        tax_code=TaxCode.GST_FREE,
        day=TODAY,
        at=NOON,
        rest_minor=0,
    )
    assert holds == ()
    assert [leg.kind for leg in legs] == [TransferKind.CAPTURE]
