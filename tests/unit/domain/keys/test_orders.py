"""What the bank signs: one spelling, read back as it was meant, and every fault named."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.keys.breaking_glass import OPEN_MAX, GlassRequest, NotThatLong, read_request
from fintech.domain.keys.orders import (
    DOCUMENT_MAX,
    REASON_MAX,
    Order,
    OrderAction,
    OrderMalformed,
    read_order,
)
from fintech.domain.outcome import Failure, Success
from tests.unit.domain.desk import NOON
from tests.unit.domain.keys.samples import CMK, HERE, HOUR, ORDERS, REQUESTS, SHOP, order

REQUEST = GlassRequest(
    environment=HERE, sequence=7, scope=SHOP, until=NOON + HOUR, reason="chargeback evidence"
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


def spelt(members: dict[str, Any]) -> bytes:
    return json.dumps(members, sort_keys=True, separators=(",", ":")).encode()


def changed(document: bytes, **members: Any) -> bytes:
    """The document with other members, in the right spelling."""
    return spelt(json.loads(document) | members)


def field_of(outcome: object) -> str:
    """Which member is said to be wrong."""
    assert isinstance(outcome, Failure)
    fault = outcome.failure()
    assert isinstance(fault, OrderMalformed)
    assert fault.rule
    return fault.field


def test_an_order_is_spelt_so_that_anybody_can_write_it() -> None:
    assert order(12).document() == (
        b'{"action":"suspend","cmk":null,"environment":"test","issued_at":"2026-11-23T01:00:00Z","livemode":true,'
        b'"merchant":"acct_mmmmmmmmmmmmmmmmmmmmmmmm","reason":"breach drill","sequence":12,"version":1}'
    )


@given(ORDERS)
def test_an_order_is_read_as_it_was_written(order: Order) -> None:
    assert read_order(order.document()) == Success(order)


@given(REQUESTS)
def test_a_request_is_read_as_it_was_written(request: GlassRequest) -> None:
    assert read_request(request.document()) == Success(request)


@given(ORDERS, REQUESTS)
def test_neither_is_taken_for_the_other(order: Order, request: GlassRequest) -> None:
    assert field_of(read_order(request.document())) == "order"
    assert field_of(read_request(order.document())) == "order"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("version", 2),
        ("version", True),
        ("version", 1.0),
        ("version", None),
        ("environment", None),
        ("environment", ""),
        ("environment", "Production"),
        ("environment", "a" * 33),
        ("environment", ["test"]),
        ("sequence", 0),
        ("sequence", -1),
        ("sequence", 2**53),
        ("sequence", "1"),
        ("sequence", 1.0),
        ("sequence", True),
        ("action", "destroy"),
        ("action", "break_glass"),
        ("action", None),
        ("action", ["suspend"]),
        ("action", {}),
        ("merchant", None),
        ("merchant", "acct_1"),
        ("merchant", "acct_" + "M" * 24),
        ("merchant", ["acct_" + "m" * 24]),
        ("livemode", None),
        ("livemode", 1),
        ("livemode", "true"),
        ("issued_at", None),
        ("issued_at", "2026-11-23"),
        ("issued_at", "2026-11-23T01:00:00"),
        ("issued_at", "2026-11-23T01:00:00+00:00"),
        ("issued_at", "2026-11-23 01:00:00Z"),
        ("issued_at", "2026-02-30T01:00:00Z"),
        ("issued_at", "2026-11-23T24:00:00Z"),
        ("issued_at", "2026-11-23T01:00:60Z"),
        ("issued_at", "٢٠٢٦-11-23T01:00:00Z"),
        ("reason", ""),
        ("reason", None),
        ("reason", "x" * (REASON_MAX + 1)),
        ("reason", "two\nlines"),
        ("reason", "\ud800"),
        ("reason", "card 4242 4242 4242 4242"),
    ],
)
def test_every_malformed_member_is_named(member: str, value: Any) -> None:
    assert field_of(read_order(changed(order().document(), **{member: value}))) == member


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"merchant": None, "livemode": None, "cmk": ""}, "cmk"),
        ({"merchant": None, "livemode": None, "cmk": "x" * 2_049}, "cmk"),
        ({"merchant": None, "livemode": None, "cmk": "a\tb"}, "cmk"),
        ({"merchant": None, "livemode": None, "cmk": 7}, "cmk"),
        ({"merchant": None, "livemode": True, "cmk": CMK}, "livemode"),
        ({"cmk": CMK}, "merchant"),
        ({"merchant": None, "livemode": None, "cmk": CMK, "action": "revoke"}, "action"),
        ({"merchant": None, "livemode": None, "cmk": CMK, "action": "shred"}, "action"),
    ],
)
def test_it_is_about_one_merchant_or_one_root_key(members: dict[str, Any], field: str) -> None:
    assert field_of(read_order(changed(order().document(), **members))) == field


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("action", "suspend"),
        ("action", None),
        ("merchant", None),
        ("livemode", None),
        ("until", "tomorrow"),
        ("until", None),
        ("environment", None),
        ("environment", "of ours"),
        ("sequence", 0),
        ("version", 0),
        ("reason", ""),
    ],
)
def test_every_malformed_member_of_a_request_is_named(member: str, value: Any) -> None:
    assert field_of(read_request(changed(REQUEST.document(), **{member: value}))) == member


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\xff",
        b"{",
        b"null",
        b"[]",
        b'"order"',
        b"[" * DOCUMENT_MAX,
        b"x" * (DOCUMENT_MAX + 1),
        order().document() + b"\n",
        order().document().replace(b",", b", "),
        order().document().replace(b'"action"', b'"\\u0061ction"'),
        order().document().replace(b'{"action"', b'{"action":"revoke","action"'),
        order().document().decode().encode("utf-16"),
        spelt({**json.loads(order().document()), "more": 1}),
        spelt({"version": 1}),
        json.dumps(dict(reversed(json.loads(order().document()).items())), separators=(",", ":")).encode(),
        json.dumps({**json.loads(order().document()), "reason": "café"}, ensure_ascii=False).encode(),
    ],
)
def test_another_spelling_is_no_order(document: bytes) -> None:
    assert field_of(read_order(document)) == "order"


@given(ORDERS, st.sampled_from(sorted(json.loads(order().document()))), ANYTHING)
def test_whatever_a_member_is_somebody_says_what_is_wrong_or_reads_it(
    order: Order, member: str, value: Any
) -> None:
    document = changed(order.document(), **{member: value})
    outcome = read_order(document)
    if isinstance(outcome, Success):
        assert outcome.unwrap().document() == document
    else:
        assert field_of(outcome) in {*json.loads(document), "order"}


@given(st.binary(max_size=200))
def test_whatever_comes_in_is_answered(document: bytes) -> None:
    assert field_of(read_order(document)) == "order"
    assert field_of(read_request(document)) == "order"


@given(ORDERS, st.data())
def test_no_change_of_a_byte_is_the_same_order(order: Order, data: st.DataObject) -> None:
    document = bytearray(order.document())
    at = data.draw(st.integers(0, len(document) - 1))
    document[at] ^= data.draw(st.integers(1, 255))
    assert read_order(bytes(document)) != Success(order)


def test_glass_is_broken_for_hours_and_not_in_the_past() -> None:
    assert isinstance(REQUEST.timely(NOON), Success)
    for until in (NOON, NOON - HOUR, NOON + OPEN_MAX + HOUR / 3600):
        asked = GlassRequest(environment=HERE, sequence=7, scope=SHOP, until=until, reason="too long")
        assert asked.timely(NOON) == Failure(NotThatLong(NOON + OPEN_MAX))
    longest = GlassRequest(
        environment=HERE, sequence=7, scope=SHOP, until=NOON + OPEN_MAX, reason="as long as may be"
    )
    assert longest.timely(NOON) == Success(None)


def test_what_can_be_said_of_a_root_key_is_less() -> None:
    for action in (OrderAction.SUSPEND, OrderAction.RESTORE):
        whole = Order(
            environment=HERE, sequence=1, action=action, subject=CMK, issued_at=NOON, reason="drill"
        )
        assert read_order(whole.document()) == Success(whole)
