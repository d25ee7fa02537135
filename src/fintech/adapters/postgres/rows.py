"""Aggregates as rows: what each table keeps beside the document in the log. `MAPPINGS` says in which order rows are locked."""

from collections.abc import Callable
from typing import Any, Final

from attrs import frozen
from sqlalchemy import Table

from fintech.adapters.postgres import tables
from fintech.domain.api_keys import ApiKey
from fintech.domain.events import Aggregate
from fintech.domain.merchants import Merchant
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.refund import Refund
from fintech.domain.settlement import Settlement


@frozen
class Mapping:
    """How one type of aggregate is kept: its table and the values between ``version`` and ``event_id``."""

    table: Table
    values: Callable[[Any], tuple[object, ...]]


def _merchant(merchant: Merchant) -> tuple[object, ...]:
    return merchant.standing, merchant.created_at


def _api_key(key: ApiKey) -> tuple[object, ...]:
    return key.digest, key.created_at


def _payment_method(method: PaymentMethod) -> tuple[object, ...]:
    return (method.created_at,)


def _settlement(settlement: Settlement) -> tuple[object, ...]:
    return (settlement.settled_at,)


def _payment(payment: Payment) -> tuple[object, ...]:
    return (
        payment.status,
        payment.currency,
        payment.amount_minor,
        payment.authorised_minor,
        payment.capturable_minor,
        payment.captured_minor,
        payment.refunded_minor,
        payment.due_at,
        payment.created_at,
    )


def _refund(refund: Refund) -> tuple[object, ...]:
    return (
        refund.payment,
        refund.status,
        refund.currency,
        refund.amount_minor,
        refund.due_at,
        refund.created_at,
    )


#: In the order in which their rows are locked.
MAPPINGS: Final[dict[type[Aggregate], Mapping]] = {
    Merchant: Mapping(tables.merchants, _merchant),
    ApiKey: Mapping(tables.api_keys, _api_key),
    PaymentMethod: Mapping(tables.payment_methods, _payment_method),
    Payment: Mapping(tables.payments, _payment),
    Refund: Mapping(tables.refunds, _refund),
    Settlement: Mapping(tables.settlements, _settlement),
}


def table_of(kind: type[Any]) -> str:
    """The name of the table that keeps a type of aggregate."""
    return MAPPINGS[kind].table.name
