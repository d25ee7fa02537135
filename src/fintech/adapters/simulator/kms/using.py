"""What is done with keys: wrapped, unwrapped, moved, authenticated and signed."""

import os
from typing import Any, Final

from fintech.adapters.simulator.kms.keys import ALGORITHMS, KmsKey, Usage, key_id_in
from fintech.adapters.simulator.kms.refusals import KmsRefused, invalid
from fintech.adapters.simulator.kms.requests import BLOB_BYTES_MAX, KmsRequest, spelt

DATA_KEY_BYTES_MAX: Final = 1_024
DIGEST_BYTES: Final = 32
_SYMMETRIC: Final = "SYMMETRIC_DEFAULT"
_BYTES_BY_SPEC: Final = {"AES_128": 16, "AES_256": 32}


def generate_data_key(request: KmsRequest) -> dict[str, Any]:
    """Random bytes, in clear and wrapped."""
    key, plaintext, blob = _data_key(request)
    return {"KeyId": key.arn, "Plaintext": spelt(plaintext), "CiphertextBlob": spelt(blob)}


def generate_data_key_without_plaintext(request: KmsRequest) -> dict[str, Any]:
    """Random bytes, wrapped only."""
    key, _, blob = _data_key(request)
    return {"KeyId": key.arn, "CiphertextBlob": spelt(blob)}


def encrypt(request: KmsRequest) -> dict[str, Any]:
    """Bytes of the caller's, wrapped."""
    context = request.pairs()
    key = request.usable(Usage.ENCRYPT_DECRYPT, context=context)
    plaintext = request.blob("Plaintext")
    request.rehearse()
    blob = key.encrypt(plaintext, context)
    return {"KeyId": key.arn, "CiphertextBlob": spelt(blob), "EncryptionAlgorithm": _SYMMETRIC}


def decrypt(request: KmsRequest) -> dict[str, Any]:
    """What was wrapped, for the context that it was wrapped for."""
    key, plaintext = _opened(request, "KeyId", "EncryptionContext", "Decrypt")
    request.rehearse()
    return {"KeyId": key.arn, "Plaintext": spelt(plaintext), "EncryptionAlgorithm": _SYMMETRIC}


def re_encrypt(request: KmsRequest) -> dict[str, Any]:
    """Wrapped by one key, then by another; nobody sees what."""
    context = request.pairs("DestinationEncryptionContext")
    source, plaintext = _opened(request, "SourceKeyId", "SourceEncryptionContext", "ReEncryptFrom")
    key = request.usable(
        Usage.ENCRYPT_DECRYPT, operation="ReEncryptTo", named="DestinationKeyId", context=context
    )
    request.rehearse()
    return {
        "CiphertextBlob": spelt(key.encrypt(plaintext, context)),
        "SourceKeyId": source.arn,
        "KeyId": key.arn,
        "SourceEncryptionAlgorithm": _SYMMETRIC,
        "DestinationEncryptionAlgorithm": _SYMMETRIC,
    }


def generate_mac(request: KmsRequest) -> dict[str, Any]:
    """A MAC of a message."""
    key = _mac_key(request)
    message = request.blob("Message")
    request.rehearse()
    return {"KeyId": key.arn, "Mac": spelt(key.mac(message)), "MacAlgorithm": ALGORITHMS[key.spec]}


def verify_mac(request: KmsRequest) -> dict[str, Any]:
    """Whether a MAC is of a message."""
    key = _mac_key(request)
    message, mac = request.blob("Message"), request.blob("Mac", BLOB_BYTES_MAX)
    request.rehearse()
    if key.mac(message) != mac:
        raise KmsRefused("KMSInvalidMacException")
    return {"KeyId": key.arn, "MacValid": True, "MacAlgorithm": ALGORITHMS[key.spec]}


def sign(request: KmsRequest) -> dict[str, Any]:
    """A signature over a message, or over its digest."""
    key, message, digest = _to_sign(request)
    request.rehearse()
    signature = key.sign(message, digest=digest)
    return {"KeyId": key.arn, "Signature": spelt(signature), "SigningAlgorithm": ALGORITHMS[key.spec]}


def verify(request: KmsRequest) -> dict[str, Any]:
    """Whether a signature is over a message."""
    key, message, digest = _to_sign(request)
    signature = request.blob("Signature", BLOB_BYTES_MAX)
    request.rehearse()
    if not key.verify(message, signature, digest=digest):
        raise KmsRefused("KMSInvalidSignatureException")
    return {"KeyId": key.arn, "SignatureValid": True, "SigningAlgorithm": ALGORITHMS[key.spec]}


def get_public_key(request: KmsRequest) -> dict[str, Any]:
    """With what others verify."""
    key = request.usable(Usage.SIGN_VERIFY)
    return {
        "KeyId": key.arn,
        "PublicKey": spelt(key.public_key()),
        "KeySpec": key.spec,
        "CustomerMasterKeySpec": key.spec,
        "KeyUsage": key.usage,
        "SigningAlgorithms": [ALGORITHMS[key.spec]],
    }


def _data_key(request: KmsRequest) -> tuple[KmsKey, bytes, bytes]:
    context = request.pairs()
    key = request.usable(Usage.ENCRYPT_DECRYPT, context=context)
    if ("KeySpec" in request.body) is ("NumberOfBytes" in request.body):
        raise invalid("KeySpec", "is there, or NumberOfBytes is, and not both")
    if "KeySpec" in request.body:
        length = _BYTES_BY_SPEC.get(request.text("KeySpec"), 0)
        if not length:
            raise invalid("KeySpec", f"is one of {', '.join(_BYTES_BY_SPEC)}")
    else:
        length = request.number("NumberOfBytes", 0, 1, DATA_KEY_BYTES_MAX)
    request.rehearse()
    plaintext = os.urandom(length)
    return key, plaintext, key.encrypt(plaintext, context)


def _opened(request: KmsRequest, named: str, context_name: str, operation: str) -> tuple[KmsKey, bytes]:
    """What is in the blob. A key that is not named is the one that the blob names."""
    blob, context = request.blob("CiphertextBlob", BLOB_BYTES_MAX), request.pairs(context_name)
    if named in request.body:
        key = request.usable(Usage.ENCRYPT_DECRYPT, operation=operation, named=named, context=context)
    else:
        key = request.memory.key(key_id_in(blob))
        request.permit(key, operation, context)
        key.require(Usage.ENCRYPT_DECRYPT)
    return key, key.decrypt(blob, context)


def _mac_key(request: KmsRequest) -> KmsKey:
    key = request.usable(Usage.GENERATE_VERIFY_MAC)
    _require_algorithm(request, "MacAlgorithm", key)
    return key


def _to_sign(request: KmsRequest) -> tuple[KmsKey, bytes, bool]:
    key = request.usable(Usage.SIGN_VERIFY)
    _require_algorithm(request, "SigningAlgorithm", key)
    digest = request.text("MessageType", "RAW") == "DIGEST"
    message = request.blob("Message")
    if digest and len(message) != DIGEST_BYTES:
        raise invalid("Message", f"has {DIGEST_BYTES} bytes where it is a digest")
    return key, message, digest


def _require_algorithm(request: KmsRequest, name: str, key: KmsKey) -> None:
    if request.text(name) != ALGORITHMS[key.spec]:
        raise KmsRefused("InvalidKeyUsageException", f"{name} is {ALGORITHMS[key.spec]} for {key.spec}")
