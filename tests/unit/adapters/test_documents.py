"""What is written down reads back as it was, and the columns beside it say the same."""

import json
from datetime import time
from typing import Any, get_args, get_type_hints

import pytest
from attrs import NOTHING, fields, has
from hypothesis import given

from fintech.adapters.postgres.documents import decode, decode_aggregate, encode
from fintech.adapters.postgres.rows import MAPPINGS
from fintech.domain.events import Aggregate
from fintech.domain.evolving import evolve
from fintech.domain.ledger import Phase
from fintech.domain.merchants import Fee
from fintech.domain.scope import Actor, Face
from fintech.domain.tax import TaxCode
from tests.strategies import AGGREGATES, any_of, payments, refunds

#: What a column is called in its aggregate, where it is not called the same.
ATTRIBUTES = {
    ("payments", "held_minor"): "capturable_minor",
    ("disputes", "payment_id"): "payment",
    ("refunds", "payment_id"): "payment",
    ("remittances", "payout_id"): "payout",
    ("terminals", "location_id"): "location",
    ("settlements", "created_at"): "settled_at",
}

#: How a column spells what its aggregate has in another form.
SPELLINGS = {("webhook_endpoints", "types"): ",".join}


@given(AGGREGATES)
def test_an_aggregate_of_any_shape_reads_back_equal(aggregate: Aggregate) -> None:
    assert decode_aggregate(aggregate.id, encode(aggregate, aggregate.version)) == aggregate


@given(payments())
def test_a_payment_reads_back_equal_under_the_version_that_it_is_saved_with(payment: Any) -> None:
    assert decode_aggregate(payment.id, encode(payment, 7)) == evolve(payment, version=7)


@given(refunds())
def test_a_refund_reads_back_equal_under_the_version_that_it_is_saved_with(refund: Any) -> None:
    assert decode_aggregate(refund.id, encode(refund, 7)) == evolve(refund, version=7)


@given(any_of(Actor))
def test_an_actor_reads_back_equal(actor: Actor) -> None:
    assert decode(Actor, encode(actor)) == actor


def test_an_actor_without_an_idempotency_key_is_written_as_it_was_before_there_were_any() -> None:
    written = '{"name":"till","face":"http","request":"req_1"}'
    actor = Actor("till", Face.HTTP, request="req_1")
    assert decode(Actor, written) == actor
    assert encode(actor) == written


@given(AGGREGATES)
def test_a_document_is_json_without_control_characters(aggregate: Aggregate) -> None:
    text = encode(aggregate, 1)
    assert json.loads(text)["id"] == aggregate.id
    assert all(character >= " " for character in text)


@given(AGGREGATES | payments() | refunds())
def test_columns_say_what_the_document_says(aggregate: Any) -> None:
    mapping = MAPPINGS[type(aggregate)]
    _, _, _, version, *names, document = (column.name for column in mapping.table.columns)
    assert (version, document) == ("version", "event_id")
    row = dict(zip(names, mapping.values(aggregate), strict=True))
    said = {name: getattr(aggregate, ATTRIBUTES.get((mapping.table.name, name), name)) for name in names}
    for (table, name), spelt in SPELLINGS.items():
        if table == mapping.table.name:
            said[name] = spelt(said[name])
    assert row == said


@given(payments())
def test_a_payment_keeps_what_its_table_checks(payment: Any) -> None:
    assert payment.amount_minor > 0
    assert 0 <= payment.refunded_minor <= payment.captured_minor
    assert payment.captured_minor + payment.capturable_minor <= payment.authorised_minor


@pytest.mark.parametrize("kind", get_args(Aggregate))
def test_every_type_of_aggregate_has_a_table(kind: type[Any]) -> None:
    assert kind in MAPPINGS


def test_a_default_that_stored_documents_rely_on_stays_what_it_was() -> None:
    """A field that has its default is left out of a document, so another default would change what is stored.

    None, no, nothing at all are safe; anything else needs a migration of the documents first.
    """
    assert {name: default for name, default in _defaults(*get_args(Aggregate)).items() if default} == {
        "Dispute.fee": Fee(0, 0),
        "FeePlan.tax_code": TaxCode.GST,
        "Limits.payment_min_minor": 50,
        "Limits.payment_max_minor": 99_999_999,
        "Merchant.cut_off": time(0),
        "Payment.fee_returned": Fee(0, 0),
        "Payout.fee": Fee(0, 0),
        "Refund.fee": Fee(0, 0),
        "Transfer.phase": Phase.POST,
    }


def _defaults(*kinds: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in kinds:
        found |= _defaults(*get_args(kind))
        if isinstance(kind, type) and has(kind):
            members = [each for each in fields(kind) if each.init and each.default is not NOTHING]
            found |= {f"{kind.__name__}.{each.name}": each.default for each in members}
            found |= _defaults(*get_type_hints(kind).values())
    return found
