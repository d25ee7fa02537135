"""What the wire says of every card and we know nothing of: whose it is, and what an issuer checked beside the amount."""

from typing import Final

from fintech.entrypoints.http.schema import NULL, members

_ADDRESS: Final = ("city", "country", "line1", "line2", "postal_code", "state")
_PERSON: Final = ("email", "name", "phone", "tax_id")

NO_BILLING: Final = {"address": dict.fromkeys(_ADDRESS), **dict.fromkeys(_PERSON)}
NO_CHECKS: Final = dict.fromkeys(("address_line1_check", "address_postal_code_check", "cvc_check"))

BILLING: Final = members({"address": members(dict.fromkeys(_ADDRESS, NULL)), **dict.fromkeys(_PERSON, NULL)})
CHECKS: Final = members(dict.fromkeys(NO_CHECKS, NULL))
