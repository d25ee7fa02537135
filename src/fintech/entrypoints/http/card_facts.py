"""What the wire says of a card beside the card: whose it is, and what an issuer checked, of which we know nothing."""

from typing import Any, Final

from attrs import asdict

from fintech.domain.billing import BillingDetails
from fintech.entrypoints.http.schema import NULL, TEXT, maybe, members

_ADDRESS: Final = ("city", "country", "line1", "line2", "postal_code", "state")
_PERSON: Final = ("email", "name", "phone", "tax_id")

NO_BILLING: Final = {"address": dict.fromkeys(_ADDRESS), **dict.fromkeys(_PERSON)}
NO_CHECKS: Final = dict.fromkeys(("address_line1_check", "address_postal_code_check", "cvc_check"))

#: A charge has none: who may see whose the card is asks for the payment method.
NOBODYS: Final = members({"address": members(dict.fromkeys(_ADDRESS, NULL)), **dict.fromkeys(_PERSON, NULL)})
BILLING: Final = members(
    {"address": members(dict.fromkeys(_ADDRESS, maybe(TEXT))), **dict.fromkeys(_PERSON, maybe(TEXT))}
)
CHECKS: Final = members(dict.fromkeys(NO_CHECKS, NULL))


def render_billing(billing: BillingDetails) -> dict[str, Any]:
    """Billing details."""
    return {**asdict(billing), "tax_id": None}
