"""What sealing costs, against AES-GCM alone and against the AWS Encryption SDK's hierarchical keyring. One core, 1 KiB.

The SDK keeps its branch key in a DynamoDB table under a KMS key, both of moto's in this process, and has it cached before
it is measured, so that neither is asked meanwhile. All bind the same facts: the SDK as its encryption context, without a
signature and with commitment; AES-GCM, under one key and with a nonce from the system, as bytes that are made beforehand.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from attrs import frozen
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fintech.adapters.system.id_source import RandomIdSource
from fintech.domain.ids import MerchantId, PaymentMethodId
from fintech.domain.keys.custody import KeyRingId
from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.outcome import Success
from fintech.domain.scope import Scope
from fintech.sealing.merchant_keys import MerchantKeys
from tests.benchmarks.harness import Ratio, Rounds

PLAINTEXT_BYTES: Final = 1_024
ROWS: Final = 50
NONCE_BYTES: Final = 12

RATIOS = [
    Ratio("sealed and opened / AWS SDK, hierarchical keyring", "sealed and opened", "AWS SDK", 50),
    Ratio("sealed and opened / AES-GCM alone", "sealed and opened", "AES-GCM alone", 0.2),
]


@frozen
class Row:
    """One record's field."""

    place: Place
    bound: bytes
    context: dict[str, str]
    plaintext: bytes


@frozen
class Subject:
    """How somebody protects a row, and reads it again."""

    protect: Callable[[Row], bytes]
    read: Callable[[Row, bytes], object]


def rows(scope: Scope, ids: RandomIdSource) -> list[Row]:
    """Of one merchant."""
    made = []
    for _ in range(ROWS):
        place = Place("payment_methods", "owner", ids.new(PaymentMethodId))
        context = {
            "merchant": scope.merchant,
            "field": f"{place.table}.{place.column}",
            "record": place.record,
        }
        bound = "/".join(context.values()).encode()
        made.append(Row(place, bound, context, os.urandom(PLAINTEXT_BYTES)))
    return made


def ours(scope: Scope, ids: RandomIdSource) -> Subject:
    """Format v1."""
    keys = MerchantKeys(scope, ids.new(KeyRingId), {1: os.urandom(32)}, 1)
    return Subject(
        lambda row: keys.seal(KeyPurpose.PII, row.place, row.plaintext),
        lambda row, message: keys.open(KeyPurpose.PII, row.place, message),
    )


def alone() -> Subject:
    """AES-256-GCM as `cryptography` has it: nonce, ciphertext and tag."""
    cipher = AESGCM(os.urandom(32))

    def protect(row: Row) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + cipher.encrypt(nonce, row.plaintext, row.bound)

    def read(row: Row, message: bytes) -> bytes:
        return cipher.decrypt(message[:NONCE_BYTES], message[NONCE_BYTES:], row.bound)

    return Subject(protect, read)


@contextmanager
def aws_sdk() -> Iterator[Subject]:
    """The AWS Encryption SDK with a branch key of one merchant, which it keeps for an hour."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ[name] = "none"
    os.environ["AWS_DEFAULT_REGION"] = "ap-southeast-2"
    import boto3  # noqa: PLC0415 - the other parts do without
    from moto import mock_aws  # noqa: PLC0415 - the same

    try:
        from aws_cryptographic_material_providers.keystore import (  # noqa: PLC0415 - only `make bench` installs it
            client,
            config,
            models,
        )
    except ImportError:
        raise SystemExit("`make bench` installs what this is measured against") from None
    with mock_aws():
        kms = boto3.client("kms")
        arn = kms.create_key()["KeyMetadata"]["Arn"]
        settings = config.KeyStoreConfig(
            ddb_client=boto3.client("dynamodb"),
            ddb_table_name="branch-keys",
            logical_key_store_name="branch-keys",
            kms_client=kms,
            kms_configuration=models.KMSConfigurationKmsKeyArn(arn),
        )
        store = client.KeyStore(settings)
        store.create_key_store(models.CreateKeyStoreInput())
        yield _with_keyring(store, store.create_key(models.CreateKeyInput()).branch_key_identifier)


def _with_keyring(store: Any, branch_key: str) -> Subject:
    import aws_encryption_sdk  # noqa: PLC0415 - only `make bench` installs it
    from aws_cryptographic_material_providers.mpl import client, config, models  # noqa: PLC0415 - the same
    from aws_encryption_sdk.identifiers import AlgorithmSuite  # noqa: PLC0415 - the same

    keyring = client.AwsCryptographicMaterialProviders(
        config.MaterialProvidersConfig()
    ).create_aws_kms_hierarchical_keyring(
        models.CreateAwsKmsHierarchicalKeyringInput(
            key_store=store,
            branch_key_id=branch_key,
            ttl_seconds=3_600,
            cache=models.CacheTypeDefault(models.DefaultCache(entry_capacity=100)),
        )
    )
    sdk = aws_encryption_sdk.EncryptionSDKClient()
    suite = AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY

    def protect(row: Row) -> bytes:
        sealed, _ = sdk.encrypt(
            source=row.plaintext, keyring=keyring, encryption_context=row.context, algorithm=suite
        )
        message: bytes = sealed
        return message

    def read(row: Row, message: bytes) -> object:
        plaintext, _ = sdk.decrypt(source=message, keyring=keyring, encryption_context=row.context)
        return plaintext

    return Subject(protect, read)


def paced(work: Callable[[], object], seconds: float, each: int) -> dict[str, float]:
    """How often in a second of one core's time, of work that does so many at once."""
    count, started = 0, time.process_time()
    while (took := time.process_time() - started) < seconds:
        work()
        count += each
    return {"per_second": count / took, "cpu_us": took / count * 1e6}


def sealing(seconds: float, rounds: int) -> bool:
    """Both ways, and each way."""
    ids = RandomIdSource()
    scope = Scope(ids.new(MerchantId), livemode=True)
    fields = rows(scope, ids)

    def protected(subject: Subject) -> Callable[[], object]:
        return lambda: [subject.protect(row) for row in fields]

    def read(subject: Subject) -> Callable[[], object]:
        pairs = [(row, subject.protect(row)) for row in fields]
        return lambda: [subject.read(row, message) for row, message in pairs]

    def both(subject: Subject) -> Callable[[], object]:
        return lambda: [subject.read(row, subject.protect(row)) for row in fields]

    with aws_sdk() as sdk:
        subjects = {"sealed and opened": ours(scope, ids), "AES-GCM alone": alone(), "AWS SDK": sdk}
        for name, subject in subjects.items():
            message = subject.protect(fields[0])
            assert subject.read(fields[0], message) in (fields[0].plaintext, Success(fields[0].plaintext))
            print(f"  {name}: {len(message) - PLAINTEXT_BYTES} bytes more than the plaintext")
        works = {name: both(subject) for name, subject in subjects.items()}
        us, them = subjects["sealed and opened"], subjects["AES-GCM alone"]
        works |= {
            "sealed": protected(us),
            "encrypted": protected(them),
            "opened": read(us),
            "decrypted": read(them),
        }
        results = Rounds()
        results.run(
            {name: partial(paced, work, seconds, ROWS) for name, work in works.items()},
            rounds,
        )
    return results.show(RATIOS)
