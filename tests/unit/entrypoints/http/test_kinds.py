from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.ids import ChargeId, PaymentId
from fintech.entrypoints.http.errors import Refused
from fintech.entrypoints.http.kinds import (
    AMOUNT,
    Created,
    Flag,
    Integer,
    Many,
    Pairs,
    Reference,
    Span,
    Text,
    words,
)
from fintech.entrypoints.http.parameters import Kind


def at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (Text(5), "hello", "hello"),
        (Text(5, clears=True), "", ""),
        (Text(40, kept=True), "order 6735 of 2026-11-23", "order 6735 of 2026-11-23"),
        (Text(40), "4242 4242 4242 4242", "4242 4242 4242 4242"),
        (Integer(-5, 5), "-5", -5),
        (Integer(0, 5), "0", 0),
        (AMOUNT, "1000000000000000", 10**15),
        (Flag(), "true", True),
        (Flag(), "false", False),
        (words("a", "b"), "b", "b"),
        (Reference(PaymentId, "payment_intent"), "pi_" + "0" * 24, "pi_" + "0" * 24),
        (Many(Text(5), 3), ["a", "b"], ("a", "b")),
        (Many(Text(5), 3), {"1": "b", "0": "a", "10": "c"}, ("a", "b", "c")),
        (Pairs(), {"b": "2", "a": ""}, (("b", "2"), ("a", ""))),
        (Pairs(), "", ()),
        (Created(), "10", Span(at(10), at(11))),
        (Created(), {"gte": "10"}, Span(at(10), None)),
        (Created(), {"gt": "10", "gte": "5"}, Span(at(11), None)),
        (Created(), {"lt": "10", "lte": "8"}, Span(None, at(9))),
    ],
)
def test_a_value_is_read(kind: Kind[Any], value: Any, read: Any) -> None:
    assert kind.read(value, "it") == read


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Text(5), "too long"),
        (Text(5), ""),
        (Text(5), ["a"]),
        (Text(40, kept=True), "card 4242 4242 4242 4242"),
        (Pairs(), {"note": "card 4242424242424242"}),
        (Pairs(), {"4242-4242-4242-4242": "card"}),
        (Pairs(), {"CVV": "123"}),
        (Text(5), {"a": "b"}),
        (Text(5, clears=True), []),
        (Integer(0, 5), "6"),
        (Integer(0, 5), "-1"),
        (Integer(0, 5), "+1"),
        (Integer(0, 5), "01"),
        (Integer(0, 5), "1.0"),
        (Integer(0, 5), "1e0"),
        (Integer(0, 5), " 1"),
        (Integer(0, 5), "1_0"),
        (Integer(0, 5), "１"),
        (Integer(0, 5), "9" * 500),
        (Integer(-5, 5), "-0"),
        (Flag(), "1"),
        (Flag(), "True"),
        (words("a"), "A"),
        (Reference(ChargeId, "charge"), "pi_" + "0" * 24),
        (Reference(ChargeId, "charge"), "ch_" + "0" * 24),
        (Reference(PaymentId, "payment_intent"), "pi_" + "I" * 24),
        (Many(Text(5), 3), "a"),
        (Many(Text(5), 3), {"first": "a"}),
        (Many(Text(5), 3), ["a"] * 4),
        (Many(Text(5), 3), [""]),
        (Pairs(), {"a": {"b": "c"}}),
        (Pairs(), ["a"]),
        (Created(), {}),
        (Created(), ["1"]),
        (Created(), "9" * 13),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_not_said(kind: Kind[Any], value: Any) -> None:
    if value == {} and isinstance(kind, Created):
        assert kind.read(value, "it") == Span()
        return
    with pytest.raises(Refused) as refused:
        kind.read(value, "it")
    assert refused.value.problem.param is not None
    assert refused.value.problem.param.startswith("it")


@given(st.text(max_size=12) | st.integers().map(str))
def test_the_schema_and_the_reader_agree_on_integers(text: str) -> None:
    kind = Integer(-1000, 1000)
    validator = jsonschema_rs.validator_for(kind.schema())
    try:
        number = kind.read(text, "it")
    except Refused:
        assert not (text.isascii() and text.isdigit() and str(int(text)) == text and int(text) <= 1000)
    else:
        assert str(number) == text
        assert validator.is_valid(number)


@given(
    st.sampled_from(["pi_", "ch_", ""]),
    st.text("0123456789abcdefghijklmnopqrstuvwxyzI", min_size=20, max_size=28),
)
def test_the_schema_and_the_reader_agree_on_ids(prefix: str, body: str) -> None:
    kind = Reference(PaymentId, "payment_intent")
    validator = jsonschema_rs.validator_for(kind.schema())
    text = prefix + body
    try:
        kind.read(text, "it")
    except Refused:
        assert not validator.is_valid(text)
    else:
        assert validator.is_valid(text)
