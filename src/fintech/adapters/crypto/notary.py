"""Who signs what we cannot take back: a key that we have (development), or one in somebody else's KMS."""

import asyncio
import hashlib
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fintech.adapters.crypto.kms_faults import refused_by
from fintech.ports.errors import NotaryUnavailable
from fintech.ports.signatures import Notary

SEED_BYTES: Final = 32
#: The longest message, in bytes (AWS KMS, Sign, of a RAW message).
MESSAGE_MAX: Final = 4_096
#: How many signatures are made at once, how many wait, and how long each may take.
THREADS: Final = 2
WAITING_MAX: Final = 64
DEADLINE_S: Final = 8.0

_log = logging.getLogger(__name__)


class LocalNotary(Notary):
    """Signs with a key that this process has: it proves nothing against whoever has the process, so it is for development.

    The key is Ed25519's of a ``seed`` of 32 bytes (RFC 8032, 5.1.5); its name is ``local/`` and the begin of its public
    key's SHA-256. Raises ``ValueError`` for another length.
    """

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            message = f"the notary's seed has {SEED_BYTES} bytes"
            raise ValueError(message)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key().public_bytes_raw()
        self.name = f"local/{hashlib.sha256(self.public_key).hexdigest()[:16]}"

    async def sign(self, message: bytes) -> tuple[str, bytes]:
        _require_signable(message)
        return self.name, self._key.sign(message)


class KmsNotary(Notary):
    """Signs with a key of AWS KMS (ECC_NIST_EDWARDS25519) that belongs to another account, whose policy lets us ``kms:Sign``
    and no more. ``key`` is its ARN; the signature's key is named by the ARN that KMS answers. ``client`` is this notary's own
    (`kms_client`); `close` closes it.
    """

    def __init__(self, client: Any, key: str, *, deadline_s: float = DEADLINE_S) -> None:
        self._client = client
        self._key = key
        self._deadline_s = deadline_s
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="notary")
        self._under_way = 0
        self._closed = False

    async def sign(self, message: bytes) -> tuple[str, bytes]:
        _require_signable(message)
        if self._closed or self._under_way >= WAITING_MAX:
            raise NotaryUnavailable(
                "the notary is closed" if self._closed else "too much waits for the notary"
            )
        self._under_way += 1
        try:
            async with asyncio.timeout(self._deadline_s):
                return await asyncio.get_running_loop().run_in_executor(self._threads, self._signed, message)
        except Exception as error:  # noqa: BLE001 - whatever a driver raises, the port has one word for it
            # Nothing of the driver's message: it may quote what was sent.
            code = refused_by(error).code
            _log.warning("the notary does not sign", extra={"code": code})
            raise NotaryUnavailable(f"the notary does not sign: {code}") from None
        finally:
            self._under_way -= 1

    async def close(self) -> None:
        """Let go of connections and threads."""
        self._closed = True
        self._threads.shutdown(wait=False)
        self._client.close()

    def _signed(self, message: bytes) -> tuple[str, bytes]:
        answer = self._client.sign(
            KeyId=self._key, Message=message, MessageType="RAW", SigningAlgorithm="ED25519_SHA_512"
        )
        return answer["KeyId"], answer["Signature"]


def _require_signable(message: bytes) -> None:
    if not 0 < len(message) <= MESSAGE_MAX:
        problem = f"1 to {MESSAGE_MAX} bytes are signed at once"
        raise ValueError(problem)
