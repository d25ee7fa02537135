"""Random values for properties: aggregates of any shape, and payments and refunds as only the domain can make them."""

import types
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from attrs import fields, has
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from fintech.domain.abn import Abn
from fintech.domain.cards import Approved, AuthorisationReply, Decline, DeclineCode, Scheme, Unknown
from fintech.domain.events import Aggregate
from fintech.domain.ids import ALPHABET, ChangesetId, Id, PartId, PaymentId, RefundId, TransferId
from fintech.domain.ledger import Books
from fintech.domain.merchants import (
    DISPUTE_FEE_MAX_MINOR,
    FIXED_MAX_MINOR,
    RATE_MAX_BPS,
    FeePlan,
    Merchant,
    SchemeFee,
    Standing,
)
from fintech.domain.money import AMOUNT_MAX_MINOR, Currency
from fintech.domain.outcome import Success
from fintech.domain.payment_methods import Method
from fintech.domain.payments.increments import increment_answered, increment_given_up, increment_sent
from fintech.domain.payments.lifecycle import answered, canceled, captured, given_up
from fintech.domain.payments.payment import CancelReason, CaptureMethod, Payment, new_payment
from fintech.domain.refunds.lifecycle import (
    fee_returned,
    refund_accounts,
    refund_answered,
    refund_returned,
    refund_sent,
)
from fintech.domain.refunds.refund import Refund, RefundFailure, RefundReason, RefundStatus
from fintech.domain.tax import TaxCode

T = TypeVar("T")
AnyId = TypeVar("AnyId", bound=Id)

#: Whatever can be said, but for what UTF-8 cannot spell.
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it
AMOUNTS = st.integers(0, AMOUNT_MAX_MINOR)
METADATA = st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple)


def ids(kind: type[AnyId]) -> SearchStrategy[AnyId]:
    """Ids of a kind, as an id source or a parent makes them."""
    body = st.text(ALPHABET, min_size=24, max_size=24)
    digits = (kind.LENGTH - 24) if issubclass(kind, PartId | TransferId) else 0
    return st.builds(
        lambda head, tail: kind(kind.PREFIX + head + tail),
        body,
        st.text("0123456789", min_size=digits, max_size=digits),
    )


def any_of(kind: Any) -> SearchStrategy[Any]:
    """Values of a type, by its annotations alone: of every shape that a document might have."""
    if isinstance(kind, type) and kind in _LEAVES:
        return _LEAVES[kind]
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return st.one_of(*(any_of(each) for each in inner))
    if origin is tuple and inner[-1] is Ellipsis:
        return st.lists(st.deferred(lambda: any_of(inner[0])), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*(any_of(each) for each in inner))
    if issubclass(kind, Id):
        return ids(kind)
    if issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    assert has(kind), kind
    hints = get_type_hints(kind)
    return st.builds(kind, **{each.name: any_of(hints[each.name]) for each in fields(kind) if each.init})


SCHEME_FEES = st.builds(
    SchemeFee, rate_bps=st.integers(0, RATE_MAX_BPS), fixed_minor=st.integers(0, FIXED_MAX_MINOR)
)

_LEAVES: dict[type[Any], SearchStrategy[Any]] = {
    type(None): st.none(),
    bool: st.booleans(),
    int: AMOUNTS,
    str: TEXTS,
    Abn: st.sampled_from([Abn("51824753556"), Abn("53004085616")]),
    bytes: st.binary(max_size=40),
    datetime: MOMENTS,
    date: st.dates(date(2020, 1, 1), date(2099, 1, 1)),
    time: (st.times(time(12)) | st.times(time(0), time(9))).map(
        lambda moment: moment.replace(second=0, microsecond=0)
    ),
    SchemeFee: SCHEME_FEES,
    FeePlan: st.builds(
        FeePlan,
        standard=SCHEME_FEES,
        by_scheme=st.lists(st.tuples(st.sampled_from(Scheme), SCHEME_FEES), max_size=2).map(tuple),
        tax_code=st.sampled_from(TaxCode),
        returned_on_refund=st.booleans(),
        dispute_fee_minor=st.integers(0, DISPUTE_FEE_MAX_MINOR),
        dispute_fee_returned_on_win=st.booleans(),
    ),
}

AGGREGATES: SearchStrategy[Aggregate] = st.one_of(*(any_of(kind) for kind in get_args(Aggregate)))

REPLIES: SearchStrategy[AuthorisationReply] = st.one_of(
    st.builds(Approved, reference=TEXTS, auth_code=st.none() | TEXTS),
    st.builds(Decline, code=st.sampled_from(DeclineCode), scheme_code=TEXTS),
    st.builds(Unknown, TEXTS),
)


@st.composite
def merchants(draw: DrawFn) -> Merchant:
    """An active merchant with any fees, who may be paid anything."""
    merchant: Merchant = draw(any_of(Merchant))
    changes = {"standing": Standing.ACTIVE, "currency": Currency.AUD, "limits": type(merchant.limits)()}
    members = {each.name: getattr(merchant, each.name) for each in fields(Merchant)}
    return Merchant(**{**members, **changes})


class Till:
    """Draws one payment's life, step by step; a step that the domain refuses is no step."""

    def __init__(self, draw: DrawFn, merchant: Merchant) -> None:
        self._draw = draw
        self.merchant = merchant
        self.books = Books.of(merchant.id, merchant.currency)
        self.now = draw(MOMENTS)
        amount = draw(st.integers(merchant.limits.payment_min_minor, merchant.limits.payment_max_minor))
        self.payment = new_payment(
            merchant,
            id=draw(ids(PaymentId)),
            amount_minor=amount,
            currency=merchant.currency,
            at=self.now,
            capture_method=draw(st.sampled_from(CaptureMethod)),
            description=draw(st.none() | TEXTS),
            metadata=draw(METADATA),
        ).unwrap()
        self.steps: list[Callable[[], Any]] = [
            lambda: self.payment.confirmed(merchant, self.now, draw(any_of(Method))),
            lambda: answered(self.payment, merchant, self.books, draw(REPLIES), self.now, self.changeset()),
            lambda: given_up(self.payment, self.now),
            lambda: increment_sent(self.payment, merchant, draw(self.part()) + amount, self.now),
            lambda: increment_answered(self.payment, self.books, draw(REPLIES), self.now, self.changeset()),
            lambda: increment_given_up(self.payment, self.now),
            self.capture,
            self.capture,
            lambda: canceled(
                self.payment, self.books, draw(st.sampled_from(CancelReason)), self.now, self.changeset()
            ),
            lambda: self.payment.refunding(draw(self.part()), 100),
        ]

    def capture(self) -> Any:
        return captured(
            self.payment,
            self.merchant,
            self.books,
            self.now,
            self.changeset(),
            amount_minor=self._draw(st.none() | self.part()),
            final=self._draw(st.booleans()),
        )

    def part(self) -> SearchStrategy[int]:
        return st.integers(1, max(self.payment.capturable_minor, self.payment.captured_minor, 2))

    def changeset(self) -> ChangesetId:
        return self._draw(ids(ChangesetId))

    def step(self) -> None:
        self.now += timedelta(seconds=self._draw(st.integers(0, 100_000)))
        outcome = self._draw(st.sampled_from(self.steps))()
        if isinstance(outcome, Success):
            after = outcome.unwrap()
            self.payment = after if isinstance(after, Payment) else after.payment


@st.composite
def payments(draw: DrawFn, merchant: SearchStrategy[Merchant] | None = None) -> Payment:
    """A payment anywhere in its life: attempts, holds, increments, captures, reversals."""
    till = Till(draw, draw(merchant or merchants()))
    for _ in range(draw(st.integers(0, 12))):
        till.step()
    return till.payment


@st.composite
def refunds(draw: DrawFn) -> Refund:
    """A refund anywhere in its life, drawn on one bucket or several."""
    merchant = draw(merchants())
    till = Till(draw, merchant)
    books, now = till.books, till.now
    till.payment = till.payment.confirmed(merchant, now, draw(any_of(Method))).unwrap()
    till.payment = (
        answered(till.payment, merchant, books, Approved(reference="r"), now, till.changeset())
        .unwrap()
        .payment
    )
    if not till.payment.captured_minor:
        till.payment = till.capture().unwrap().payment
    attempt, amount = till.payment.attempts[-1], draw(st.integers(1, till.payment.captured_minor))
    booked = refund_sent(
        books,
        attempt,
        {account: draw(st.integers(0, amount)) for account in refund_accounts(books, attempt)},
        amount,
        id=draw(ids(RefundId)),
        payment=till.payment.id,
        amount_minor=amount,
        fee=fee_returned(merchant, till.payment.refunding(amount, 100).unwrap()),
        at=now,
        changeset=till.changeset(),
        reason=draw(st.none() | st.sampled_from(RefundReason)),
        metadata=draw(METADATA),
    )
    refund = booked.unwrap().refund
    for reply in draw(st.lists(REPLIES, max_size=3)):
        outcome = refund_answered(refund, merchant, books, reply, now, till.changeset())
        refund = outcome.unwrap().refund if isinstance(outcome, Success) else refund
    if refund.status is RefundStatus.SUCCEEDED and draw(st.booleans()):
        failure = draw(st.sampled_from(RefundFailure))
        refund = refund_returned(refund, books, failure, now, till.changeset()).unwrap().refund
    return refund
