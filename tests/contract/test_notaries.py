"""The notary that we are ourselves, and the one in KMS, keep the promise of `Notary`."""

import threading
from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from fintech.adapters.crypto.kms import KmsSettings, kms_client
from fintech.adapters.crypto.notary import KmsNotary, LocalNotary
from fintech.adapters.crypto.signatures import Ed25519Checker
from fintech.adapters.simulator.kms.permissions import FINTECH, REGION
from fintech.adapters.simulator.kms.server import SimulatedKms
from fintech.ports.contracts.signatures import NotaryContract
from fintech.ports.errors import NotaryUnavailable
from tests.kms import session_of

ARN = "arn:aws:kms:ap-southeast-2:111111111111:key/0a1b2c3d-0000-4000-8000-000000000000"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


class SigningKms:
    """As much of boto3's client as signs; the promise of the real one is KMS's."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.answering = threading.Event()
        self.answering.set()
        self.closed = False

    def sign(self, **asked: Any) -> dict[str, Any]:
        assert self.answering.wait(30)
        if self.error is not None:
            raise self.error
        message = asked.pop("Message")
        assert asked == {"KeyId": "alias/notary", "MessageType": "RAW", "SigningAlgorithm": "ED25519_SHA_512"}
        return {"KeyId": ARN, "Signature": KEY.sign(message)}

    def close(self) -> None:
        self.closed = True


class TestLocalNotary(NotaryContract):
    @pytest.fixture
    def notary(self) -> LocalNotary:
        return LocalNotary(bytes(range(32)))

    @pytest.fixture
    def witness(self, notary: LocalNotary) -> Ed25519Checker:
        return Ed25519Checker({notary.name: notary.public_key})

    def test_a_seed_is_one_key_in_every_process(self, notary: LocalNotary) -> None:
        assert LocalNotary(bytes(range(32))).name == notary.name
        assert LocalNotary(bytes(range(1, 33))).name != notary.name

    @pytest.mark.parametrize("length", [0, 31, 33])
    def test_a_seed_has_32_bytes(self, length: int) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            LocalNotary(bytes(length))


@pytest.fixture
def kms() -> SigningKms:
    return SigningKms()


@pytest.fixture
async def kms_notary(kms: SigningKms) -> AsyncIterator[KmsNotary]:
    notary = KmsNotary(kms, "alias/notary", deadline_s=5)
    yield notary
    await notary.close()
    assert kms.closed


class TestKmsNotary(NotaryContract):
    @pytest.fixture
    def notary(self, kms_notary: KmsNotary) -> KmsNotary:
        return kms_notary

    @pytest.fixture
    def witness(self) -> Ed25519Checker:
        return Ed25519Checker({ARN: KEY.public_key().public_bytes_raw()})


class TestKmsNotaryOnSimulator(NotaryContract):
    @pytest.fixture
    async def simulator(self) -> AsyncIterator[SimulatedKms]:
        async with SimulatedKms().running() as running:
            yield running

    @pytest.fixture
    async def notary(self, simulator: SimulatedKms) -> AsyncIterator[KmsNotary]:
        settings = KmsSettings(region=REGION, grantee=FINTECH, endpoint_url=simulator.url)
        made = KmsNotary(kms_client(settings, session_of("fintech")), simulator.notary)
        yield made
        await made.close()

    @pytest.fixture
    def witness(self, simulator: SimulatedKms) -> Ed25519Checker:
        described = simulator.as_bank("GetPublicKey", KeyId=simulator.notary)
        der = load_der_public_key(b64decode(described["PublicKey"]))
        assert isinstance(der, Ed25519PublicKey)
        return Ed25519Checker({simulator.notary: der.public_bytes_raw()})

    async def test_a_key_that_its_owner_disables_signs_nothing(
        self, simulator: SimulatedKms, notary: KmsNotary
    ) -> None:
        simulator.as_bank("DisableKey", KeyId=simulator.notary)
        with pytest.raises(NotaryUnavailable, match="DisabledException"):
            await notary.sign(b"checkpoint")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (
            ClientError({"Error": {"Code": "DisabledException", "Message": "hushhush"}}, "Sign"),
            "DisabledException",
        ),
        (EndpointConnectionError(endpoint_url="https://hushhush"), "EndpointConnectionError"),
    ],
)
async def test_a_notary_that_does_not_sign_is_unavailable(
    kms: SigningKms, kms_notary: KmsNotary, error: Exception, code: str
) -> None:
    kms.error = error
    with pytest.raises(NotaryUnavailable, match=code) as unavailable:
        await kms_notary.sign(b"checkpoint")
    assert "hushhush" not in repr(unavailable.value)
    kms.error = None
    await kms_notary.sign(b"checkpoint")


async def test_nobody_waits_for_a_notary_for_ever(kms: SigningKms) -> None:
    notary = KmsNotary(kms, "alias/notary", deadline_s=0.02)
    kms.answering.clear()
    with pytest.raises(NotaryUnavailable, match="TimeoutError"):
        await notary.sign(b"checkpoint")
    kms.answering.set()
    await notary.close()
    with pytest.raises(NotaryUnavailable, match="closed"):
        await notary.sign(b"checkpoint")
