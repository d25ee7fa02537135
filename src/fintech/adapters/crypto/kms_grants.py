"""A merchant's permission at AWS KMS: a grant to us on the bank's key, tied to the merchant by its encryption context."""

from datetime import datetime, timedelta
from typing import Any, Final

from attrs import field, frozen

from fintech.ports.key_root import WrapContext

#: What a merchant's grant lets us do.
OPERATIONS: Final = ("Decrypt", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo")
#: How long a grant takes at most to get about (AWS: "usually less than five minutes").
ABOUT: Final = timedelta(minutes=5)


@frozen
class KmsGrant:
    """A grant, and the token by which it works before it has got about."""

    id: str
    token: str = field(repr=False)


def grant_terms(context: WrapContext, grantee: str) -> dict[str, Any]:
    """What KMS is asked for. It finds the grant of the same name and terms, or makes it."""
    mode = "live" if context.scope.livemode else "test"
    return {
        "Name": f"fintech/{context.environment}/{context.scope.merchant}/{mode}",
        "GranteePrincipal": grantee,
        "RetiringPrincipal": grantee,
        "Operations": list(OPERATIONS),
        "Constraints": _ties(context),
    }


def is_getting_about(listed: list[dict[str, Any]], context: WrapContext, now: datetime) -> bool:
    """Whether one of the grants that KMS lists is this merchant's, and too new to be known everywhere."""
    return any(
        each["Constraints"] == _ties(context) and each["CreationDate"] > now - ABOUT for each in listed
    )


def _ties(context: WrapContext) -> dict[str, Any]:
    return {"EncryptionContextSubset": dict(context.grant_pairs())}
