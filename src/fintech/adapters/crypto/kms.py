"""AWS KMS as the keeper of root keys, through boto3 in a bounded pool of threads (extra ``aws``).

A merchant's permission is a grant to us on the bank's key, tied to the merchant by its encryption context; without it
nothing of that merchant can be wrapped or unwrapped. The bank's key policy has to let us do no more than `CreateGrant`
(for ourselves, of `OPERATIONS`, tied to a context), `RetireGrant`, `ListGrants`, `DescribeKey`, and `GenerateMac` on MAC
keys.

A new grant takes up to `ABOUT` to get about (but for whoever has its token). Until then a no of KMS's is no word of the
bank's, so it is UNREACHABLE: not for good, and nobody is told that it was revoked.

KMS keeps 50,000 grants on a key unless more was asked for, so merchants are spread over several. What it unwraps comes
through botocore as ``bytes``, which Python cannot wipe; they are let go at once.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, TypeVar

from attrs import field, frozen

from fintech.adapters.crypto.kms_faults import refused_by, unreachable
from fintech.adapters.crypto.kms_grants import KmsGrant, grant_terms, is_getting_about
from fintech.domain.keys.custody import KEY_BYTES, CmkName, CmkStatus
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.ports.key_root import KeyRoot, RootFault, RootRefused, Unwrapped, WrapContext, Wrapped

CONNECT_TIMEOUT_S: Final = 1.0
READ_TIMEOUT_S: Final = 2.0
#: How often a request is sent at most, the first time included (botocore's standard mode, with jitter).
ATTEMPTS: Final = 3
#: A call's end, whatever the line does, the wait for a thread included.
DEADLINE_S: Final = 8.0
THREADS: Final = 16
#: How many calls may be under way or wait for a thread; who comes then is told that nobody can be reached.
WAITING_MAX: Final = 512
BLOB_BYTES_MAX: Final = 6_144

_STATUSES: Final = {
    "Enabled": CmkStatus.ENABLED,
    "Disabled": CmkStatus.DISABLED,
    "PendingDeletion": CmkStatus.PENDING_DELETION,
    "PendingReplicaDeletion": CmkStatus.PENDING_DELETION,
}
_NOT_PERMITTED: Final = "AccessDeniedException"
_GONE: Final = frozenset({"NotFoundException", "InvalidGrantIdException"})
_NOT_A_BLOB: Final = RootRefused(RootFault.CORRUPT, "NotABlob")
#: KMS looks for the key in the blob, and for what is in it does not care.
_ANOTHERS: Final = RootRefused(RootFault.CORRUPT, "NotAMerchantsKey")

T = TypeVar("T")
#: What boto3 answers; it ships no types.
Answer: TypeAlias = dict[str, Any]


@frozen(kw_only=True)
class KmsSettings:
    """``grantee`` is the ARN of the role that we are. ``mac_keys`` names the MAC key (HMAC_256) of each root key, where
    keys are derived. ``endpoint_url`` is another address than AWS's own: a VPC endpoint, a simulator. Root keys are named
    by their ARNs."""

    region: str
    grantee: str
    mac_keys: Mapping[CmkName, str] = field(factory=dict)
    endpoint_url: str | None = None
    threads: int = THREADS
    waiting_max: int = WAITING_MAX
    attempts: int = ATTEMPTS
    connect_timeout_s: float = CONNECT_TIMEOUT_S
    read_timeout_s: float = READ_TIMEOUT_S
    deadline_s: float = DEADLINE_S


class KmsRoot(KeyRoot):
    """One client for the process. ``session`` is a boto3 session with credentials of its own; else they are found as AWS
    says (a task's role, the environment).

    `create` makes the merchant's grant if there is none, also where the bank has revoked it: whoever rotates a key calls
    `authorise` for the old version first. `rewrap` does so itself.
    """

    def __init__(self, settings: KmsSettings, session: Any = None) -> None:
        self._settings = settings
        self._client = kms_client(settings, session)
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="kms")
        self._under_way = 0
        self._closed = False

    async def create(self, cmk: CmkName, context: WrapContext) -> Outcome[Wrapped, RootRefused]:
        permitted = await self._permit(cmk, context)
        if isinstance(permitted, Failure):
            return permitted
        grant = permitted.unwrap()

        def make() -> Wrapped:
            answer = self._client.generate_data_key_without_plaintext(
                KeyId=cmk,
                EncryptionContext=dict(context.pairs()),
                NumberOfBytes=KEY_BYTES,
                GrantTokens=[grant.token],
            )
            return Wrapped(answer["CiphertextBlob"], grant.id, grant.token)

        return await self._ask(make)

    async def unwrap(
        self, cmk: CmkName, context: WrapContext, wrapped: Wrapped
    ) -> Outcome[Unwrapped, RootRefused]:
        if not 0 < len(wrapped.blob) <= BLOB_BYTES_MAX:
            return Failure(_NOT_A_BLOB)

        def decrypt() -> bytearray | None:
            answer = self._client.decrypt(**_decryption(cmk, context, wrapped))
            key = bytearray(answer.pop("Plaintext"))
            return key if answer["KeyId"] == cmk and len(key) == KEY_BYTES else None

        answered = await self._ask(decrypt)
        if isinstance(answered, Failure):
            return Failure(await self._meant(answered.failure(), cmk, context, wrapped))
        key = answered.unwrap()
        return Failure(_ANOTHERS) if key is None else Success(key)

    async def authorise(
        self, cmk: CmkName, context: WrapContext, wrapped: Wrapped
    ) -> Outcome[None, RootRefused]:
        if not 0 < len(wrapped.blob) <= BLOB_BYTES_MAX:
            return Failure(_NOT_A_BLOB)

        def rehearse() -> None:
            answer = self._client.decrypt(**_decryption(cmk, context, wrapped), DryRun=True)
            del answer["Plaintext"]  # of a KMS that does not know rehearsals

        answered = _but_for({"DryRunOperationException"}, await self._ask(rehearse))
        if isinstance(answered, Failure):
            return Failure(await self._meant(answered.failure(), cmk, context, wrapped))
        return answered

    async def rewrap(
        self, cmk: CmkName, context: WrapContext, wrapped: Wrapped, to: CmkName, *, readable: bool = True
    ) -> Outcome[Wrapped, RootRefused]:
        # First, so that nobody whom the bank has cut off gets a grant somewhere else.
        authorised = await self.authorise(cmk, context, wrapped)
        if isinstance(authorised, Failure):
            return authorised
        grant: KmsGrant | None = None
        if readable:
            permitted = await self._permit(to, context)
            if isinstance(permitted, Failure):
                return permitted
            grant = permitted.unwrap()
        pairs = dict(context.pairs())
        token = None if grant is None else grant.token

        def move() -> Wrapped:
            answer = self._client.re_encrypt(
                CiphertextBlob=wrapped.blob,
                SourceKeyId=cmk,
                SourceEncryptionContext=pairs,
                DestinationKeyId=to,
                DestinationEncryptionContext=pairs,
                GrantTokens=[*_tokens(wrapped), *([] if token is None else [token])],
            )
            return Wrapped(answer["CiphertextBlob"], None if grant is None else grant.id, token)

        return await self._ask(move)

    async def withdraw(self, cmk: CmkName, grant: str) -> Outcome[None, RootRefused]:
        def retire() -> None:
            self._client.retire_grant(KeyId=cmk, GrantId=grant)

        return _but_for(_GONE, await self._ask(retire))

    async def mac(self, cmk: CmkName, message: bytes) -> Outcome[Unwrapped, RootRefused]:
        mac_key = self._settings.mac_keys.get(cmk)
        if mac_key is None:
            return Failure(RootRefused(RootFault.DENIED, "NoMacKey", whole=True))
        return await self._ask(
            lambda: bytearray(
                self._client.generate_mac(KeyId=mac_key, Message=message, MacAlgorithm="HMAC_SHA_256")["Mac"]
            ),
            whole=True,
        )

    async def status(self, cmk: CmkName) -> Outcome[CmkStatus, RootRefused]:
        def describe() -> CmkStatus:
            state = self._client.describe_key(KeyId=cmk)["KeyMetadata"]["KeyState"]
            return _STATUSES.get(state, CmkStatus.UNAVAILABLE)

        return await self._ask(describe, whole=True)

    async def close(self) -> None:
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    async def _permit(self, cmk: CmkName, context: WrapContext) -> Outcome[KmsGrant, RootRefused]:
        """The merchant's grant, made if there is none."""
        terms = grant_terms(context, self._settings.grantee)

        def grant() -> KmsGrant:
            answer = self._client.create_grant(KeyId=cmk, **terms)
            return KmsGrant(answer["GrantId"], answer["GrantToken"])

        return await self._ask(grant)

    async def _meant(
        self, refused: RootRefused, cmk: CmkName, context: WrapContext, wrapped: Wrapped
    ) -> RootRefused:
        """What it was refused for, told apart from a grant of this merchant's that is there and too new."""
        if refused.code != _NOT_PERMITTED or wrapped.grant is None:
            return refused

        def is_new() -> bool:
            listed = self._client.list_grants(KeyId=cmk, GrantId=wrapped.grant)["Grants"]
            return is_getting_about(listed, context, datetime.now(UTC))

        return unreachable("GrantNotAbout") if await self._ask(is_new) == Success(True) else refused

    async def _ask(self, call: Callable[[], T], *, whole: bool = False) -> Outcome[T, RootRefused]:
        """Call in a thread, or say why not."""
        if self._closed:
            return Failure(unreachable("Closed"))
        if self._under_way >= self._settings.waiting_max:
            return Failure(unreachable("TooManyWaiting"))
        self._under_way += 1
        try:
            async with asyncio.timeout(self._settings.deadline_s):
                return Success(await asyncio.get_running_loop().run_in_executor(self._threads, call))
        except asyncio.CancelledError:
            if _cancelled():
                raise
            return Failure(unreachable("Closed"))  # it waited for a thread when all were let go
        except KeyError:  # botocore takes an answer that was cut off for an empty one
            return Failure(unreachable("AnswerIncomplete"))
        except Exception as error:  # noqa: BLE001 - whatever a driver raises, the port answers with a value
            return Failure(refused_by(error, whole=whole))
        finally:
            self._under_way -= 1


def _cancelled() -> bool:
    """Whether it is this task that is cancelled, and not what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def kms_client(settings: KmsSettings, session: Any = None) -> Any:
    """A boto3 client whose waits are bounded. It may be used by several threads; whoever made it closes it."""
    import boto3  # noqa: PLC0415 - an extra, and slow to import
    from botocore.config import Config  # noqa: PLC0415 - the same

    # It logs whole answers when it is told to debug, and with them keys; and where it has its credentials from, every time.
    logging.getLogger("botocore").setLevel(logging.WARNING)
    return (session or boto3.session.Session()).client(
        "kms",
        region_name=settings.region,
        endpoint_url=settings.endpoint_url,
        config=Config(
            connect_timeout=settings.connect_timeout_s,
            read_timeout=settings.read_timeout_s,
            max_pool_connections=settings.threads,
            retries={"mode": "standard", "total_max_attempts": settings.attempts},
            tcp_keepalive=True,
        ),
    )


def _decryption(cmk: CmkName, context: WrapContext, wrapped: Wrapped) -> Answer:
    return {
        "KeyId": cmk,
        "CiphertextBlob": wrapped.blob,
        "EncryptionContext": dict(context.pairs()),
        "GrantTokens": _tokens(wrapped),
    }


def _tokens(wrapped: Wrapped) -> list[str]:
    return [] if wrapped.grant_token is None else [wrapped.grant_token]


def _but_for(
    codes: frozenset[str] | set[str], outcome: Outcome[None, RootRefused]
) -> Outcome[None, RootRefused]:
    """An error that says what was asked for is no failure."""
    if isinstance(outcome, Failure) and outcome.failure().code in codes:
        return Success(None)
    return outcome
