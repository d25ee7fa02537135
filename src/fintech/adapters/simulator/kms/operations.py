"""The interface ``TrentService`` by the names of its operations."""

from collections.abc import Callable
from typing import Any, Final

from fintech.adapters.simulator.kms import granting, managing, using
from fintech.adapters.simulator.kms.refusals import KmsRefused
from fintech.adapters.simulator.kms.requests import KmsRequest

OPERATIONS: Final[dict[str, Callable[[KmsRequest], dict[str, Any]]]] = {
    "CreateKey": managing.create_key,
    "DescribeKey": managing.describe_key,
    "EnableKey": managing.enable_key,
    "DisableKey": managing.disable_key,
    "ScheduleKeyDeletion": managing.schedule_key_deletion,
    "CancelKeyDeletion": managing.cancel_key_deletion,
    "CreateAlias": managing.create_alias,
    "ListAliases": managing.list_aliases,
    "CreateGrant": granting.create_grant,
    "RevokeGrant": granting.revoke_grant,
    "RetireGrant": granting.retire_grant,
    "ListGrants": granting.list_grants,
    "GenerateDataKey": using.generate_data_key,
    "GenerateDataKeyWithoutPlaintext": using.generate_data_key_without_plaintext,
    "Encrypt": using.encrypt,
    "Decrypt": using.decrypt,
    "ReEncrypt": using.re_encrypt,
    "GenerateMac": using.generate_mac,
    "VerifyMac": using.verify_mac,
    "Sign": using.sign,
    "Verify": using.verify,
    "GetPublicKey": using.get_public_key,
}


def answered(request: KmsRequest) -> dict[str, Any]:
    """What KMS answers. Raises `KmsRefused`."""
    operation = OPERATIONS.get(request.operation)
    if operation is None:
        raise KmsRefused("UnknownOperationException", f"{request.operation[:64]} is not known here")
    return operation(request)
