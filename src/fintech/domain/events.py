"""What happened: the event log is also the outbox, and it carries a snapshot of the thing that it happened to."""

from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from attrs import frozen

from fintech.domain.api_keys import ApiKey
from fintech.domain.ids import EventId
from fintech.domain.merchants import Merchant
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.refund import Refund
from fintech.domain.scope import Actor
from fintech.domain.settlement import Settlement

#: Everything that is loaded, changed and saved as a whole, under a version.
Aggregate: TypeAlias = Merchant | ApiKey | PaymentMethod | Payment | Refund | Settlement


class EventType(StrEnum):
    """Types of events: Stripe's names where Stripe has the event, names of the same make where it has not."""

    ACCOUNT_CREATED = "account.created"
    ACCOUNT_UPDATED = "account.updated"
    API_KEY_CREATED = "api_key.created"
    API_KEY_UPDATED = "api_key.updated"
    PAYMENT_METHOD_CREATED = "payment_method.created"
    PAYMENT_CREATED = "payment_intent.created"
    PAYMENT_UPDATED = "payment_intent.updated"
    PAYMENT_PROCESSING = "payment_intent.processing"
    PAYMENT_SUCCEEDED = "payment_intent.succeeded"
    PAYMENT_FAILED = "payment_intent.payment_failed"
    PAYMENT_CAPTURABLE_UPDATED = "payment_intent.amount_capturable_updated"
    PAYMENT_CANCELED = "payment_intent.canceled"
    PAYMENT_REVERSAL_UPDATED = "payment_intent.reversal_updated"
    CHARGE_REFUNDED = "charge.refunded"
    CHARGE_UPDATED = "charge.updated"
    REFUND_CREATED = "refund.created"
    REFUND_UPDATED = "refund.updated"
    REFUND_FAILED = "refund.failed"
    SETTLEMENT_CREATED = "settlement.created"


@frozen(kw_only=True)
class Event:
    """One entry of the log. ``snapshot`` is the thing as it was after the event, with the version it had then."""

    id: EventId
    type: EventType
    at: datetime
    actor: Actor
    snapshot: Aggregate
