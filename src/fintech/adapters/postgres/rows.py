"""Aggregates as rows: what each table keeps beside the document in the log. `MAPPINGS` says in which order rows are locked."""

from collections.abc import Callable
from typing import Any, Final

from attrs import frozen
from sqlalchemy import Table

from fintech.adapters.postgres import tables
from fintech.domain.api_keys import ApiKey
from fintech.domain.balance_settings import BalanceSettings
from fintech.domain.bank_accounts import BankAccount
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.events import Aggregate
from fintech.domain.merchants import Merchant
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.payments.payment import Payment
from fintech.domain.payouts.payout import Payout
from fintech.domain.refunds.refund import Refund
from fintech.domain.remittances import Remittance
from fintech.domain.settlement import Settlement
from fintech.domain.terminals import Location, Terminal
from fintech.domain.webhooks.endpoint import WebhookEndpoint
from fintech.domain.write_offs import WriteOff


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


def _removable(aggregate: BankAccount | Location) -> tuple[object, ...]:
    return aggregate.removed_at, aggregate.created_at


def _balance_settings(settings: BalanceSettings) -> tuple[object, ...]:
    return settings.due_at, settings.created_at


def _payout(payout: Payout) -> tuple[object, ...]:
    return (
        payout.status,
        payout.method,
        payout.destination,
        payout.currency,
        payout.amount_minor,
        payout.in_transit_minor,
        payout.due_at,
        payout.created_at,
    )


def _remittance(remittance: Remittance) -> tuple[object, ...]:
    return remittance.payout, remittance.created_at


def _dispute(dispute: Dispute) -> tuple[object, ...]:
    return (
        dispute.payment,
        dispute.status,
        dispute.currency,
        dispute.amount_minor,
        dispute.due_at,
        dispute.created_at,
    )


def _write_off(write_off: WriteOff) -> tuple[object, ...]:
    return write_off.status, write_off.currency, write_off.amount_minor, write_off.created_at


def _terminal(terminal: Terminal) -> tuple[object, ...]:
    return (
        terminal.number,
        terminal.location,
        terminal.serial,
        terminal.status,
        terminal.signed_on_at,
        terminal.created_at,
    )


def _webhook_endpoint(endpoint: WebhookEndpoint) -> tuple[object, ...]:
    return endpoint.status, ",".join(endpoint.types), endpoint.created_at


#: In the order in which their rows are locked.
MAPPINGS: Final[dict[type[Aggregate], Mapping]] = {
    Merchant: Mapping(tables.merchants, _merchant),
    ApiKey: Mapping(tables.api_keys, _api_key),
    PaymentMethod: Mapping(tables.payment_methods, _payment_method),
    Payment: Mapping(tables.payments, _payment),
    Refund: Mapping(tables.refunds, _refund),
    Dispute: Mapping(tables.disputes, _dispute),
    BalanceSettings: Mapping(tables.balance_settings, _balance_settings),
    Payout: Mapping(tables.payouts, _payout),
    Remittance: Mapping(tables.remittances, _remittance),
    WriteOff: Mapping(tables.write_offs, _write_off),
    Settlement: Mapping(tables.settlements, _settlement),
    BankAccount: Mapping(tables.bank_accounts, _removable),
    Location: Mapping(tables.locations, _removable),
    Terminal: Mapping(tables.terminals, _terminal),
    WebhookEndpoint: Mapping(tables.webhook_endpoints, _webhook_endpoint),
}


def table_of(kind: type[Any]) -> str:
    """The name of the table that keeps a type of aggregate."""
    return MAPPINGS[kind].table.name
