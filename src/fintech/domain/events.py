"""What happened: the event log is also the outbox, and it carries a snapshot of the thing that it happened to."""

from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from attrs import frozen

from fintech.domain.api_keys import ApiKey
from fintech.domain.balance_settings import BalanceSettings
from fintech.domain.bank_accounts import BankAccount
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.ids import EventId
from fintech.domain.merchants import Merchant
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.payments.payment import Payment
from fintech.domain.payouts.payout import Payout
from fintech.domain.refunds.refund import Refund
from fintech.domain.remittances import Remittance
from fintech.domain.scope import Actor
from fintech.domain.settlement import Settlement
from fintech.domain.terminals import Location, Terminal
from fintech.domain.webhooks.endpoint import WebhookEndpoint
from fintech.domain.write_offs import WriteOff

#: Everything that is loaded, changed and saved as a whole, under a version.
Aggregate: TypeAlias = (
    Merchant
    | ApiKey
    | PaymentMethod
    | Payment
    | Refund
    | Settlement
    | BankAccount
    | BalanceSettings
    | Payout
    | Remittance
    | Dispute
    | WriteOff
    | Location
    | Terminal
    | WebhookEndpoint
)


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
    REFUND_REVERSAL_REQUESTED = "refund.reversal_requested"
    SETTLEMENT_CREATED = "settlement.created"
    BANK_ACCOUNT_CREATED = "account.external_account.created"
    BANK_ACCOUNT_UPDATED = "account.external_account.updated"
    BANK_ACCOUNT_DELETED = "account.external_account.deleted"
    BALANCE_SETTINGS_UPDATED = "balance_settings.updated"
    PAYOUT_CREATED = "payout.created"
    PAYOUT_UPDATED = "payout.updated"
    PAYOUT_PAID = "payout.paid"
    PAYOUT_FAILED = "payout.failed"
    PAYOUT_CANCELED = "payout.canceled"
    REMITTANCE_CREATED = "remittance.created"
    DISPUTE_CREATED = "charge.dispute.created"
    DISPUTE_UPDATED = "charge.dispute.updated"
    DISPUTE_CLOSED = "charge.dispute.closed"
    DISPUTE_FUNDS_WITHDRAWN = "charge.dispute.funds_withdrawn"
    DISPUTE_FUNDS_REINSTATED = "charge.dispute.funds_reinstated"
    WRITE_OFF_CREATED = "write_off.created"
    WRITE_OFF_UPDATED = "write_off.updated"
    LOCATION_CREATED = "terminal.location.created"
    LOCATION_UPDATED = "terminal.location.updated"
    LOCATION_DELETED = "terminal.location.deleted"
    TERMINAL_CREATED = "terminal.reader.created"
    TERMINAL_UPDATED = "terminal.reader.updated"
    TERMINAL_DELETED = "terminal.reader.deleted"
    WEBHOOK_ENDPOINT_CREATED = "webhook_endpoint.created"
    WEBHOOK_ENDPOINT_UPDATED = "webhook_endpoint.updated"
    WEBHOOK_ENDPOINT_DELETED = "webhook_endpoint.deleted"


@frozen(kw_only=True)
class Event:
    """One entry of the log. ``snapshot`` is the thing as it was after the event, with the version it had then."""

    id: EventId
    type: EventType
    at: datetime
    actor: Actor
    snapshot: Aggregate
