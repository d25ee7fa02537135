"""Merchants on the wire: the account that an API key speaks for."""

from typing import Any, Final

from attrs import frozen

from fintech.domain.merchants import Merchant, Standing
from fintech.entrypoints.http.errors import missing
from fintech.entrypoints.http.parameters import Nothing
from fintech.entrypoints.http.routes import Answer, Call, Resource, Route
from fintech.entrypoints.http.schema import (
    FLAG,
    METADATA,
    NULL,
    TEXT,
    UNIX_TIME,
    Schema,
    const,
    members,
    one_of,
)
from fintech.ports.store import Store

PATH: Final = "/v1/account"
_ACCOUNT: Final = Resource("account", "account")

SCHEMA: Final[Schema] = members(
    {
        "id": TEXT,
        "object": const("account"),
        "business_profile": members({"name": TEXT}),
        "business_type": NULL,
        "capabilities": members({"card_payments": one_of("active", "inactive")}),
        "charges_enabled": FLAG,
        "company": members({"tax_id_provided": FLAG}),
        "country": const("AU"),
        "created": UNIX_TIME,
        "default_currency": TEXT,
        "details_submitted": FLAG,
        "email": NULL,
        "metadata": METADATA,
        "payouts_enabled": FLAG,
        "type": const("standard"),
    }
)


def render_merchant(merchant: Merchant) -> dict[str, Any]:
    """An account. One that is suspended takes no payments, but its money is still its own."""
    active = merchant.standing is Standing.ACTIVE
    return {
        "id": merchant.id,
        "object": "account",
        "business_profile": {"name": merchant.name},
        "business_type": None,
        "capabilities": {"card_payments": "active" if active else "inactive"},
        "charges_enabled": active,
        "company": {"tax_id_provided": merchant.abn is not None},
        "country": "AU",
        "created": int(merchant.created_at.timestamp()),
        "default_currency": merchant.currency.value.lower(),
        "details_submitted": True,
        "email": None,
        "metadata": {},
        "payouts_enabled": merchant.standing is not Standing.CLOSED,
        "type": "standard",
    }


@frozen(kw_only=True)
class Merchants:
    """The operation on one's own account."""

    store: Store

    def routes(self) -> tuple[Route[Any], ...]:
        """Its table."""
        return (_ACCOUNT.get("retrieve", PATH, Nothing, self.retrieve, "Retrieve your own account."),)

    async def retrieve(self, call: Call[Nothing]) -> Answer:
        merchant = await self.store.merchant(call.scope)
        if merchant is None:
            raise missing("account", call.scope.merchant, "account")
        return Answer(render_merchant(merchant))
