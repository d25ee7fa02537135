"""Move merchants' money: payments, ledger, payouts, keys and the fleet of terminals, in one core.

    async with fintech.in_memory() as core:
        merchant = core.ids().new(fintech.MerchantId)
        ...

Names are imported when they are first used. The types of this module are in its stub.
"""

from importlib import import_module
from typing import Any

_ORIGINS = {
    "Actor": "fintech.domain.scope:Actor",
    "ApiKeyId": "fintech.domain.ids:ApiKeyId",
    "BankAccountId": "fintech.domain.ids:BankAccountId",
    "CannotOpen": "fintech.entrypoints.profiles:CannotOpen",
    "CaptureMethod": "fintech.domain.payments.payment:CaptureMethod",
    "CardDetails": "fintech.domain.cards:CardDetails",
    "ConcurrencyExhausted": "fintech.ports.errors:ConcurrencyExhausted",
    "Core": "fintech.entrypoints.container:Core",
    "Currency": "fintech.domain.money:Currency",
    "Face": "fintech.domain.scope:Face",
    "Failure": "fintech.domain.outcome:Failure",
    "FeePlan": "fintech.domain.merchants:FeePlan",
    "Limits": "fintech.domain.merchants:Limits",
    "MerchantId": "fintech.domain.ids:MerchantId",
    "Money": "fintech.domain.money:Money",
    "Outcome": "fintech.domain.outcome:Outcome",
    "Page": "fintech.ports.queries:Page",
    "PaymentId": "fintech.domain.ids:PaymentId",
    "PaymentMethodId": "fintech.domain.ids:PaymentMethodId",
    "PaymentStatus": "fintech.domain.payments.payment:PaymentStatus",
    "PayoutId": "fintech.domain.ids:PayoutId",
    "PayoutMethod": "fintech.domain.payouts.payout:PayoutMethod",
    "PayoutStatus": "fintech.domain.payouts.payout:PayoutStatus",
    "PortError": "fintech.ports.errors:PortError",
    "RefundId": "fintech.domain.ids:RefundId",
    "RefundStatus": "fintech.domain.refunds.refund:RefundStatus",
    "Reply": "fintech.application.commits:Reply",
    "Request": "fintech.application.commits:Request",
    "RequestKey": "fintech.application.commits:RequestKey",
    "Scheme": "fintech.domain.cards:Scheme",
    "SchemeFee": "fintech.domain.merchants:SchemeFee",
    "Scope": "fintech.domain.scope:Scope",
    "Standing": "fintech.domain.merchants:Standing",
    "StoreOverloaded": "fintech.ports.errors:StoreOverloaded",
    "StoreUnavailable": "fintech.ports.errors:StoreUnavailable",
    "Success": "fintech.domain.outcome:Success",
    "embedded": "fintech.entrypoints.profiles:embedded",
    "in_memory": "fintech.entrypoints.profiles:in_memory",
    "on_postgres": "fintech.entrypoints.profiles:on_postgres",
    "testing": "fintech.entrypoints.profiles:testing",
}

__all__ = list(_ORIGINS)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    origin = _ORIGINS.get(name)
    if origin is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    module, _, attribute = origin.partition(":")
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_ORIGINS})
