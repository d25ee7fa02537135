"""What a payment looks like."""

from typing import Any, Final

from fintech.domain.payments.attempt import Attempt
from fintech.domain.payments.payment import CancelReason, CaptureMethod, Payment, PaymentStatus
from fintech.entrypoints.http.card_present import presentation_of
from fintech.entrypoints.http.declines import failure_of
from fintech.entrypoints.http.payment_methods import render_method
from fintech.entrypoints.http.schema import (
    FLAG,
    INTEGER,
    METADATA,
    NULL,
    TEXT,
    UNIX_TIME,
    Schema,
    array,
    const,
    expandable,
    maybe,
    members,
    one_of,
    ref,
)

_OPTIONAL: Final = (
    "advice_code",
    "charge",
    "decline_code",
    "doc_url",
    "network_decline_code",
)
_LAST_ERROR: Final = members(
    dict.fromkeys(_OPTIONAL, TEXT)
    | {
        "type": const("card_error"),
        "code": TEXT,
        "message": TEXT,
        "payment_method": ref("payment_method"),
    },
    optional=_OPTIONAL,
)
_NULLS: Final = (
    "application",
    "application_fee_amount",
    "automatic_payment_methods",
    "client_secret",
    "customer",
    "customer_account",
    "next_action",
    "on_behalf_of",
    "payment_method_configuration_details",
    "processing",
    "receipt_email",
    "review",
    "setup_future_usage",
    "shipping",
    "source",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
)

SCHEMA: Final[Schema] = members(
    {
        "id": TEXT,
        "object": const("payment_intent"),
        "amount": INTEGER,
        "amount_capturable": INTEGER,
        "amount_details": members({}),
        "amount_received": INTEGER,
        "canceled_at": maybe(UNIX_TIME),
        "cancellation_reason": maybe(one_of(*CancelReason)),
        "capture_method": one_of(*CaptureMethod),
        "confirmation_method": const("automatic"),
        "created": UNIX_TIME,
        "currency": TEXT,
        "description": maybe(TEXT),
        "last_payment_error": maybe(_LAST_ERROR),
        "latest_charge": maybe(expandable("charge")),
        "livemode": FLAG,
        "metadata": METADATA,
        "payment_method": maybe(expandable("payment_method")),
        "payment_method_options": members({}),
        "payment_method_types": array(TEXT),
        "status": one_of(*PaymentStatus),
    }
    | dict.fromkeys(_NULLS, NULL)
)


def render_payment(payment: Payment, livemode: bool) -> dict[str, Any]:
    """A payment. While nobody knows what became of a question to the issuer, it is processing."""
    attempt = payment.attempts[-1] if payment.attempts else None
    canceled_at, reason = payment.canceled_at, payment.cancel_reason
    return {
        "id": payment.id,
        "object": "payment_intent",
        "amount": payment.amount_minor,
        "amount_capturable": payment.capturable_minor,
        "amount_details": {},
        "amount_received": payment.captured_minor,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": int(canceled_at.timestamp()) if canceled_at else None,
        "cancellation_reason": str(reason) if reason else None,
        "capture_method": str(payment.capture_method),
        "client_secret": None,
        "confirmation_method": "automatic",
        "created": int(payment.created_at.timestamp()),
        "currency": payment.currency.lower(),
        "customer": None,
        "customer_account": None,
        "description": payment.description or None,
        "last_payment_error": _last_error(payment, attempt, livemode) if attempt else None,
        "latest_charge": attempt.id if attempt else None,
        "livemode": livemode,
        "metadata": dict(payment.metadata),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": _method(payment, attempt),
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card_present" if payment.presented else "card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": (
            str(PaymentStatus.PROCESSING)
            if attempt is not None and attempt.open_increment is not None
            else str(payment.status)
        ),
        "transfer_data": None,
        "transfer_group": None,
    }


def _method(payment: Payment, attempt: Attempt | None) -> str | None:
    """What is paid with; after a decline, nothing yet."""
    if payment.method is not None:
        return payment.method.id
    if attempt is None or payment.status is PaymentStatus.REQUIRES_PAYMENT_METHOD:
        return None
    return attempt.method.id


def _last_error(payment: Payment, attempt: Attempt, livemode: bool) -> dict[str, Any] | None:
    failure = failure_of(attempt)
    if failure is None:
        return None
    return {
        "type": "card_error",
        "code": failure.code,
        "message": failure.message,
        "charge": attempt.id,
        **failure.details(),
        "payment_method": render_method(
            attempt.method.id,
            attempt.method.card,
            livemode=livemode,
            created_at=payment.created_at,
            presented=presentation_of(payment, attempt),
        ),
    }
