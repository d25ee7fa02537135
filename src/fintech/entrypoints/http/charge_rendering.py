"""What a charge looks like: an attempt to be paid, and what its payment says of it."""

from typing import Any, Final

from fintech.domain.payments.attempt import OPEN, Attempt, AttemptStatus
from fintech.domain.payments.payment import Payment
from fintech.entrypoints.http.card_facts import CHECKS, NO_BILLING, NO_CHECKS, NOBODYS
from fintech.entrypoints.http.card_present import CARD_PRESENT, presentation_of, render_card_present
from fintech.entrypoints.http.declines import Failure, failure_of
from fintech.entrypoints.http.schema import (
    FLAG,
    INTEGER,
    METADATA,
    NULL,
    TEXT,
    UNIX_TIME,
    Schema,
    const,
    either,
    expandable,
    listed,
    maybe,
    members,
    one_of,
)

_AVAILABILITY: Final = one_of("available", "unavailable")

_CARD: Final = members(
    {
        "amount_authorized": maybe(INTEGER),
        "authorization_code": maybe(TEXT),
        "brand": TEXT,
        "capture_before": maybe(UNIX_TIME),
        "checks": CHECKS,
        "country": TEXT,
        "exp_month": INTEGER,
        "exp_year": INTEGER,
        "extended_authorization": members({"status": const("disabled")}),
        "fingerprint": maybe(TEXT),
        "funding": TEXT,
        "incremental_authorization": members({"status": _AVAILABILITY}),
        "installments": NULL,
        "last4": TEXT,
        "mandate": NULL,
        "multicapture": members({"status": _AVAILABILITY}),
        "network": TEXT,
        "network_token": members({"used": FLAG}),
        "network_transaction_id": maybe(TEXT),
        "overcapture": members({"maximum_amount_capturable": INTEGER, "status": _AVAILABILITY}),
        "regulated_status": NULL,
        "three_d_secure": NULL,
        "wallet": NULL,
    }
)
_OUTCOME: Final = members(
    {
        "advice_code": maybe(TEXT),
        "network_advice_code": NULL,
        "network_decline_code": maybe(TEXT),
        "network_status": one_of("approved_by_network", "declined_by_network", "not_sent_to_network"),
        "reason": maybe(TEXT),
        "risk_level": const("not_assessed"),
        "seller_message": TEXT,
        "type": one_of("authorized", "invalid", "issuer_declined"),
    }
)
_NULLS: Final = (
    "application",
    "application_fee",
    "application_fee_amount",
    "calculated_statement_descriptor",
    "customer",
    "failure_balance_transaction",
    "on_behalf_of",
    "receipt_email",
    "receipt_number",
    "receipt_url",
    "review",
    "shipping",
    "source",
    "source_transfer",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
)

#: What a charge has elsewhere and never here.
_NOTHING: Final = dict.fromkeys(_NULLS)

SCHEMA: Final[Schema] = members(
    {
        "id": TEXT,
        "object": const("charge"),
        "amount": INTEGER,
        "amount_captured": INTEGER,
        "amount_refunded": INTEGER,
        "authorization_code": maybe(TEXT),
        "balance_transaction": maybe(expandable("balance_transaction")),
        "billing_details": NOBODYS,
        "captured": FLAG,
        "created": UNIX_TIME,
        "currency": TEXT,
        "description": maybe(TEXT),
        "dispute": maybe(expandable("dispute")),
        "disputed": FLAG,
        "failure_code": maybe(TEXT),
        "failure_message": maybe(TEXT),
        "fraud_details": members({}),
        "livemode": FLAG,
        "metadata": METADATA,
        "outcome": maybe(_OUTCOME),
        "paid": FLAG,
        "payment_intent": expandable("payment_intent"),
        "payment_method": TEXT,
        "payment_method_details": either(
            members({"card": _CARD, "type": const("card")}),
            members({"card_present": CARD_PRESENT, "type": const("card_present")}),
        ),
        "refunded": FLAG,
        "refunds": listed("refund"),
        "status": one_of("failed", "pending", "succeeded"),
    }
    | dict.fromkeys(_NULLS, NULL),
    optional=("refunds",),
)


def render_charge(payment: Payment, attempt: Attempt, livemode: bool) -> dict[str, Any]:
    """A charge: an attempt, and what its payment says of it. Only the latest attempt can have been captured."""
    failure = failure_of(attempt)
    captured = attempt.captured_minor
    succeeded = attempt.authorised_minor > 0
    amount = attempt.authorised_minor or attempt.amount_minor
    released = attempt.status is AttemptStatus.RELEASED and succeeded
    refunded = amount if released else payment.refunded_minor if captured else 0
    return {
        "id": attempt.id,
        "object": "charge",
        "amount": amount,
        "amount_captured": captured,
        "amount_refunded": refunded,
        "authorization_code": attempt.auth_code,
        "balance_transaction": attempt.captures[-1].movement if captured else None,
        "billing_details": NO_BILLING,
        "captured": attempt.status is AttemptStatus.CAPTURED,
        "created": int(attempt.sent_at.timestamp()),
        "currency": payment.currency.lower(),
        "description": payment.description or None,
        "dispute": payment.disputes[-1] if captured and payment.disputes else None,
        "disputed": captured > 0 and bool(payment.disputes),
        "failure_code": failure.code if failure else None,
        "failure_message": failure.message if failure else None,
        "fraud_details": {},
        "livemode": livemode,
        "metadata": dict(payment.metadata),
        "outcome": _outcome(attempt, failure),
        "paid": succeeded,
        "payment_intent": payment.id,
        "payment_method": attempt.method.id,
        "payment_method_details": _details(payment, attempt),
        "refunded": refunded > 0 and refunded == (amount if released else captured),
        "status": _status(attempt),
        **_NOTHING,
    }


def _status(attempt: Attempt) -> str:
    if attempt.status in OPEN:
        return "pending"
    return "succeeded" if attempt.authorised_minor else "failed"


def _outcome(attempt: Attempt, failure: Failure | None) -> dict[str, Any] | None:
    if attempt.status in OPEN:
        return None
    declined = failure is not None and failure.decline_code is not None
    network = (
        "declined_by_network" if declined else "not_sent_to_network" if failure else "approved_by_network"
    )
    return {
        "advice_code": failure.advice_code if failure else None,
        "network_advice_code": None,
        "network_decline_code": failure.network_decline_code if failure else None,
        "network_status": network,
        "reason": failure.decline_code or failure.code if failure else None,
        "risk_level": "not_assessed",
        "seller_message": failure.message if failure else "Payment complete.",
        "type": "issuer_declined" if declined else "invalid" if failure else "authorized",
    }


def _details(payment: Payment, attempt: Attempt) -> dict[str, Any]:
    presentation = presentation_of(payment, attempt)
    if presentation is not None:
        return {"card_present": render_card_present(presentation, attempt), "type": "card_present"}
    return {"card": _card(attempt), "type": "card"}


def _card(attempt: Attempt) -> dict[str, Any]:
    card = attempt.method.card
    open_ = attempt.status is AttemptStatus.AUTHORISED
    before = attempt.capture_before
    return {
        "amount_authorized": attempt.authorised_minor or None,
        "authorization_code": attempt.auth_code,
        "brand": card.scheme.value,
        "capture_before": int(before.timestamp()) if before and open_ else None,
        "checks": NO_CHECKS,
        "country": card.country,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card.fingerprint,
        "funding": card.funding.value,
        "incremental_authorization": {"status": "available" if open_ else "unavailable"},
        "installments": None,
        "last4": card.last4,
        "mandate": None,
        "multicapture": {"status": "available" if open_ else "unavailable"},
        "network": card.scheme.value,
        "network_token": {"used": False},
        "network_transaction_id": attempt.reference,
        "overcapture": {"maximum_amount_capturable": attempt.held_minor, "status": "unavailable"},
        "regulated_status": None,
        "three_d_secure": None,
        "wallet": None,
    }
