"""Who may do what in the simulated KMS: what the key policy of every key says, and what is left to grants.

| principal (access key) | by policy                                                                                  |
|------------------------|--------------------------------------------------------------------------------------------|
| the bank (``bank``)    | everything                                                                                 |
| us (``fintech``)       | root keys: DescribeKey, ListGrants; CreateGrant for ourselves alone, of `GRANTABLE` alone  |
|                        | and tied to a context that names a merchant; RetireGrant of grants to us                   |
|                        | keys described as `FOR_READERS`: DescribeKey, ReEncryptTo, and no grants                    |
|                        | MAC keys: DescribeKey, GenerateMac, VerifyMac                                              |
|                        | signing keys (the notary's): DescribeKey, GetPublicKey, Sign, Verify                       |
| anybody else           | nothing: ``UnrecognizedClientException``                                                   |

So a merchant's key is wrapped, unwrapped and moved by that merchant's grant only, as in a policy with the conditions
``kms:GranteePrincipal``, ``kms:GrantOperations`` and ``kms:GrantConstraintType``.
"""

import re
from collections.abc import Mapping
from typing import Final

from fintech.adapters.simulator.kms.grants import Grant
from fintech.adapters.simulator.kms.keys import KmsKey, Usage
from fintech.adapters.simulator.kms.refusals import KmsRefused, denied

REGION: Final = "ap-southeast-2"
BANK_ACCOUNT: Final = "111122223333"
BANK: Final = f"arn:aws:iam::{BANK_ACCOUNT}:role/bank"
FINTECH: Final = "arn:aws:iam::444455556666:role/fintech"
PRINCIPALS: Final = {"bank": BANK, "fintech": FINTECH}

#: What the fintech's grants may permit, and the name in a context by which they are tied to a merchant.
GRANTABLE: Final = frozenset({"Decrypt", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"})
TIED_TO: Final = "merchant"
#: How the bank describes a key that we may wrap by and not unwrap.
FOR_READERS: Final = "for readers"

_BY_POLICY: Final = {
    Usage.ENCRYPT_DECRYPT: frozenset({"DescribeKey", "ListGrants"}),
    Usage.GENERATE_VERIFY_MAC: frozenset({"DescribeKey", "GenerateMac", "VerifyMac"}),
    Usage.SIGN_VERIFY: frozenset({"DescribeKey", "GetPublicKey", "Sign", "Verify"}),
}
_ACCESS_KEY: Final = re.compile(r"Credential=([^/,\s]{1,128})/")


def principal_of(authorization: str) -> str:
    """Who calls, by the access key of an ``Authorization`` header (Signature Version 4)."""
    named = _ACCESS_KEY.search(authorization)
    if named is None:
        raise KmsRefused("MissingAuthenticationTokenException", "the request names no access key")
    principal = PRINCIPALS.get(named[1])
    if principal is None:
        raise KmsRefused(
            "UnrecognizedClientException", "the security token included in the request is invalid"
        )
    return principal


def require_permission(
    principal: str,
    operation: str,
    key: KmsKey,
    *,
    context: Mapping[str, str],
    brought: frozenset[str],
    now: float,
) -> None:
    """Raise unless the key's policy or one of its grants permits it."""
    for_readers = key.description == FOR_READERS and operation == "ReEncryptTo"
    if principal == BANK or for_readers or operation in _BY_POLICY[key.usage]:
        return
    if not key.grants.permit(principal, operation, context, now=now, brought=brought):
        raise denied(operation)


def require_granting(principal: str, key: KmsKey, grant: Grant) -> None:
    """Raise unless the policy lets this principal make this grant."""
    tied = {name for name, _ in (*(grant.subset or ()), *(grant.equals or ()))}
    ours = (
        key.description != FOR_READERS
        and principal == grant.grantee
        and GRANTABLE.issuperset(grant.operations)
        and TIED_TO in tied
    )
    if principal != BANK and not (ours and key.usage is Usage.ENCRYPT_DECRYPT):
        raise denied("CreateGrant")


def require_retiring(principal: str, grant: Grant) -> None:
    """Raise unless it is for this principal to retire the grant."""
    if principal not in (BANK, grant.retiring):
        raise denied("RetireGrant")
