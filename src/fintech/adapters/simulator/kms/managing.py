"""Keys and their states: what the bank does."""

from typing import Any, Final

from fintech.adapters.simulator.kms.keys import ALGORITHMS, SPECS, KeyState, KmsKey, Usage, new_key
from fintech.adapters.simulator.kms.memory import ARN_HEAD
from fintech.adapters.simulator.kms.permissions import BANK, BANK_ACCOUNT
from fintech.adapters.simulator.kms.refusals import KmsRefused, denied, invalid
from fintech.adapters.simulator.kms.requests import KmsRequest

DAY_S: Final = 86_400
#: How long a key that is to be deleted can still be saved, in days.
WINDOW_DAYS: Final = (7, 30)

_ALGORITHMS_BY_USAGE: Final = {
    Usage.ENCRYPT_DECRYPT: "EncryptionAlgorithms",
    Usage.GENERATE_VERIFY_MAC: "MacAlgorithms",
    Usage.SIGN_VERIFY: "SigningAlgorithms",
}


def create_key(request: KmsRequest) -> dict[str, Any]:
    """A new key of one of the kinds that there are here."""
    if request.principal != BANK:
        raise denied(request.operation)
    spec = request.text("KeySpec", "SYMMETRIC_DEFAULT")
    if spec not in SPECS:
        raise invalid("KeySpec", f"is one of {', '.join(SPECS)}")
    if request.text("KeyUsage", SPECS[spec]) != SPECS[spec]:
        raise invalid("KeyUsage", f"is {SPECS[spec]} for {spec}")
    description = request.body.get("Description") or ""
    key = new_key(spec, f"{ARN_HEAD}key/", str(description)[:8_192], request.now)
    request.memory.keep_key(key)
    return {"KeyMetadata": described(key)}


def describe_key(request: KmsRequest) -> dict[str, Any]:
    """What there is to know of a key, in whatever state."""
    key = request.key()
    request.permit(key, request.operation)
    return {"KeyMetadata": described(key)}


def enable_key(request: KmsRequest) -> dict[str, Any]:
    """It can be used again."""
    return _placed(request, KeyState.ENABLED)


def disable_key(request: KmsRequest) -> dict[str, Any]:
    """It cannot be used until it is enabled."""
    return _placed(request, KeyState.DISABLED)


def schedule_key_deletion(request: KmsRequest) -> dict[str, Any]:
    """It cannot be used any more, and is gone after some days."""
    key = _existing(request)
    days = request.number("PendingWindowInDays", WINDOW_DAYS[1], *WINDOW_DAYS)
    deletion_at = request.now + days * DAY_S
    request.memory.place(key, KeyState.PENDING_DELETION, deletion_at)
    return {
        "KeyId": key.arn,
        "DeletionDate": deletion_at,
        "KeyState": key.state,
        "PendingWindowInDays": days,
    }


def cancel_key_deletion(request: KmsRequest) -> dict[str, Any]:
    """It stays; to enable it is a second step."""
    key = request.key()
    request.permit(key, request.operation)
    if key.state is not KeyState.PENDING_DELETION:
        raise KmsRefused("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
    request.memory.place(key, KeyState.DISABLED)
    return {"KeyId": key.arn}


def create_alias(request: KmsRequest) -> dict[str, Any]:
    """Another name for a key."""
    key = request.key("TargetKeyId")
    request.permit(key, request.operation)
    name = request.text("AliasName")
    if not name.startswith("alias/"):
        raise KmsRefused("InvalidAliasNameException", "begins with alias/")
    if name in request.memory.aliases:
        raise KmsRefused("AlreadyExistsException", f"{name} is there")
    request.memory.keep_alias(name, key)
    return {}


def list_aliases(request: KmsRequest) -> dict[str, Any]:
    """All of them, on one page."""
    aliases = [
        {"AliasName": name, "AliasArn": ARN_HEAD + name, "TargetKeyId": id}
        for name, id in sorted(request.memory.aliases.items())
    ]
    return {"Aliases": aliases, "Truncated": False}


def described(key: KmsKey) -> dict[str, Any]:
    """A key as the interface shows it."""
    shown = {
        "AWSAccountId": BANK_ACCOUNT,
        "KeyId": key.id,
        "Arn": key.arn,
        "CreationDate": key.created_at,
        "Enabled": key.state is KeyState.ENABLED,
        "Description": key.description,
        "KeyUsage": key.usage,
        "KeyState": key.state,
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "KeySpec": key.spec,
        "CustomerMasterKeySpec": key.spec,
        "MultiRegion": False,
        _ALGORITHMS_BY_USAGE[key.usage]: [ALGORITHMS[key.spec]],
    }
    return shown if key.deletion_at is None else {**shown, "DeletionDate": key.deletion_at}


def _placed(request: KmsRequest, state: KeyState) -> dict[str, Any]:
    request.memory.place(_existing(request), state)
    return {}


def _existing(request: KmsRequest) -> KmsKey:
    """A key that is not about to go."""
    key = request.key()
    request.permit(key, request.operation)
    if key.state is KeyState.PENDING_DELETION:
        raise KmsRefused("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    return key
