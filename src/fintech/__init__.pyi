# The types of the public names: `__init__.py` imports them late, where no checker sees them.

from fintech.application.commits import Reply, Request, RequestKey
from fintech.domain.cards import CardDetails, Scheme
from fintech.domain.ids import (
    ApiKeyId,
    BankAccountId,
    MerchantId,
    PaymentId,
    PaymentMethodId,
    PayoutId,
    RefundId,
)
from fintech.domain.merchants import FeePlan, Limits, SchemeFee, Standing
from fintech.domain.money import Currency, Money
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.payment import CaptureMethod, PaymentStatus
from fintech.domain.payouts.payout import PayoutMethod, PayoutStatus
from fintech.domain.refunds.refund import RefundStatus
from fintech.domain.scope import Actor, Face, Scope
from fintech.entrypoints.container import Core
from fintech.entrypoints.profiles import CannotOpen, embedded, in_memory, on_postgres, testing
from fintech.ports.errors import ConcurrencyExhausted, PortError, StoreOverloaded, StoreUnavailable
from fintech.ports.queries import Page

__all__ = [
    "Actor",
    "ApiKeyId",
    "BankAccountId",
    "CannotOpen",
    "CaptureMethod",
    "CardDetails",
    "ConcurrencyExhausted",
    "Core",
    "Currency",
    "Face",
    "Failure",
    "FeePlan",
    "Limits",
    "MerchantId",
    "Money",
    "Outcome",
    "Page",
    "PaymentId",
    "PaymentMethodId",
    "PaymentStatus",
    "PayoutId",
    "PayoutMethod",
    "PayoutStatus",
    "PortError",
    "RefundId",
    "RefundStatus",
    "Reply",
    "Request",
    "RequestKey",
    "Scheme",
    "SchemeFee",
    "Scope",
    "Standing",
    "StoreOverloaded",
    "StoreUnavailable",
    "Success",
    "embedded",
    "in_memory",
    "on_postgres",
    "testing",
]
