"""Root keys in a hardware security module, by PKCS #11 v2.40 (extra ``hsm``)."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

import pkcs11

from fintech.adapters.crypto.pkcs11_sessions import (
    STALE,
    KeyFunctionNotPermitted,
    TokenSession,
    TokenSessions,
)
from fintech.adapters.crypto.wrapping import (
    NONCE_BYTES,
    TAG_BYTES,
    blob_of,
    bound_to,
    require_macable,
    taken_apart,
)
from fintech.domain.keys.custody import KEY_BYTES, CmkName, CmkStatus
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.ports.key_root import KeyRoot, RootFault, RootRefused, Unwrapped, WrapContext, Wrapped
from fintech.sealing.schedule import wipe

#: How many calls are under way at once, each in a thread and a session of its own; how many wait; how long each may take.
THREADS: Final = 4
WAITING_MAX: Final = 1_000
TIMEOUT_S: Final = 3.0
#: The label of the MAC key that belongs to a root key.
MAC_SUFFIX: Final = "/mac"

_DENIED: Final = (
    *STALE,  # once more with a new session, and the same again
    KeyFunctionNotPermitted,
    pkcs11.NoSuchKey,
    pkcs11.KeyTypeInconsistent,
    pkcs11.PinIncorrect,
    pkcs11.PinInvalid,
    pkcs11.PinLenRange,
    pkcs11.PinExpired,
    pkcs11.PinLocked,
    pkcs11.UserPinNotInitialized,
)
#: What a session is lost with is no denial, though it is stale.
_LOST: Final = (pkcs11.SessionHandleInvalid, pkcs11.SessionClosed, pkcs11.OperationActive)
#: CKR_KEY_FUNCTION_NOT_PERMITTED, for which python-pkcs11 0.10 has no class.
_NOT_PERMITTED: Final = "Unmapped error code 0x68"
_CORRUPT: Final = RootRefused(RootFault.CORRUPT, "EncryptedDataInvalid")
_CLOSED: Final = RootRefused(RootFault.UNREACHABLE, "Closed", whole=True)
_BUSY: Final = RootRefused(RootFault.UNREACHABLE, "Busy", whole=True)
_TIMED_OUT: Final = RootRefused(RootFault.UNREACHABLE, "TimedOut", whole=True)

T = TypeVar("T")


class Pkcs11Root(KeyRoot):
    """Root keys of a token: AES keys of 256 bits, found by the label that is the root key's name, which may encrypt and
    decrypt, and for `mac` a generic secret with the label ``NAME/mac`` that may sign. They are made by whoever owns the
    token, not here.

    A token knows no grants. ``grant`` is None, `withdraw` does nothing, and one merchant is cut by our own custody alone;
    the bank's hand on the token reaches all who hang from a key at once, by destroying it, forbidding its use
    (CKA_ENCRYPT, CKA_DECRYPT) or taking away our PIN. The next call is DENIED then, in whichever process.

    Keys are wrapped by ``C_Encrypt`` with AES-GCM under a nonce of the token's own random numbers, for ``C_WrapKey`` has no
    additional data in version 2.40. `authorise` unwraps, and forgets at once: a token cannot be asked otherwise. What the
    binding for Python hands over on the way are immutable bytes, which nobody can wipe.

    At most `THREADS` calls are under way; one that hangs keeps its thread, and whoever waits is told UNREACHABLE after
    ``timeout_s``. A process that was forked has sessions of its own. ``pin`` is asked for the PIN at each log-in.
    """

    def __init__(
        self, module: str, token: str, pin: Callable[[], str | None], *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._sessions = partial(TokenSessions, module, token, pin)
        self._timeout_s = timeout_s
        self._closed = False
        self._begin()

    async def create(self, cmk: CmkName, context: WrapContext) -> Outcome[Wrapped, RootRefused]:
        return await self._asked(lambda session: Success(_wrapped(session, cmk, context, None)))

    async def unwrap(
        self, cmk: CmkName, context: WrapContext, wrapped: Wrapped
    ) -> Outcome[Unwrapped, RootRefused]:
        return await self._asked(lambda session: _unwrapped(session, cmk, context, wrapped))

    async def authorise(
        self, cmk: CmkName, context: WrapContext, wrapped: Wrapped
    ) -> Outcome[None, RootRefused]:
        def authorised(session: TokenSession) -> Outcome[None, RootRefused]:
            unwrapped = _unwrapped(session, cmk, context, wrapped)
            if isinstance(unwrapped, Failure):
                return unwrapped
            wipe(unwrapped.unwrap())
            return Success(None)

        return await self._asked(authorised)

    async def rewrap(
        self,
        cmk: CmkName,
        context: WrapContext,
        wrapped: Wrapped,
        to: CmkName,
        *,
        readable: bool = True,  # noqa: ARG002 - a token has no grants
    ) -> Outcome[Wrapped, RootRefused]:
        def rewrapped(session: TokenSession) -> Outcome[Wrapped, RootRefused]:
            unwrapped = _unwrapped(session, cmk, context, wrapped)
            if isinstance(unwrapped, Failure):
                return unwrapped
            key = unwrapped.unwrap()
            try:
                return Success(_wrapped(session, to, context, key))
            finally:
                wipe(key)

        return await self._asked(rewrapped)

    async def withdraw(self, cmk: CmkName, grant: str) -> Outcome[None, RootRefused]:  # noqa: ARG002 - a token has no grants
        return Success(None)

    async def mac(self, cmk: CmkName, message: bytes) -> Outcome[Unwrapped, RootRefused]:
        require_macable(message)

        def maced(session: TokenSession) -> Outcome[Unwrapped, RootRefused]:
            key = session.key(cmk + MAC_SUFFIX, pkcs11.KeyType.GENERIC_SECRET, pkcs11.SignMixin)
            return Success(bytearray(key.sign(message, mechanism=pkcs11.Mechanism.SHA256_HMAC)))

        return await self._asked(maced)

    async def status(self, cmk: CmkName) -> Outcome[CmkStatus, RootRefused]:
        def said(session: TokenSession) -> Outcome[CmkStatus, RootRefused]:
            key = session.key(cmk, pkcs11.KeyType.AES)
            usable = key[pkcs11.Attribute.ENCRYPT] and key[pkcs11.Attribute.DECRYPT]
            return Success(CmkStatus.ENABLED if usable else CmkStatus.DISABLED)

        return await self._asked(said)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._pid != os.getpid():
            return  # threads and sessions are the parent's
        letting_go = asyncio.wrap_future(self._threads.submit(self._open.lose))
        await asyncio.wait({letting_go}, timeout=self._timeout_s)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._open = self._sessions()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="pkcs11")
        self._slots = asyncio.Semaphore(THREADS)
        self._waiting = 0

    async def _asked(
        self, work: Callable[[TokenSession], Outcome[T, RootRefused]]
    ) -> Outcome[T, RootRefused]:
        """What the token says, in a thread, in time."""
        if self._closed:
            return Failure(_CLOSED)
        if self._pid != os.getpid():
            self._begin()
        if self._waiting >= WAITING_MAX:
            return Failure(_BUSY)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._slots.acquire()
                return await self._in_thread(work)
        except TimeoutError:
            return Failure(_TIMED_OUT)
        finally:
            self._waiting -= 1

    async def _in_thread(
        self, work: Callable[[TokenSession], Outcome[T, RootRefused]]
    ) -> Outcome[T, RootRefused]:
        """The slot is free again when the thread is, which may be long after whoever waited has gone."""
        loop, slots = asyncio.get_running_loop(), self._slots
        if self._closed:
            slots.release()
            return Failure(_CLOSED)
        asking = self._threads.submit(_answer, self._open, work)

        def freed(_future: "Future[Any]") -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(slots.release)

        asking.add_done_callback(freed)
        try:
            return await asyncio.wrap_future(asking)
        except asyncio.CancelledError:
            asking.add_done_callback(_wiped)
            raise


def _answer(
    sessions: TokenSessions, work: Callable[[TokenSession], Outcome[T, RootRefused]]
) -> Outcome[T, RootRefused]:
    """What the token says, in words of the port. What is stale is asked once more."""
    try:
        try:
            with sessions.one() as session:
                return work(session)
        except STALE:
            sessions.lose()
            with sessions.one() as session:
                return work(session)
    except pkcs11.PKCS11Error as error:
        refused = _refusal_of(error)
        if refused.fault is RootFault.UNREACHABLE:
            sessions.lose()
        return Failure(refused)


def _refusal_of(error: pkcs11.PKCS11Error) -> RootRefused:
    """A token's no is DENIED; whatever it does not say, or says of itself, is UNREACHABLE."""
    if str(error) == _NOT_PERMITTED:
        return RootRefused(RootFault.DENIED, KeyFunctionNotPermitted.__name__, whole=True)
    denied = isinstance(error, _DENIED) and not isinstance(error, _LOST)
    return RootRefused(
        RootFault.DENIED if denied else RootFault.UNREACHABLE, type(error).__name__, whole=True
    )


def _wrapped(
    session: TokenSession, cmk: CmkName, context: WrapContext, key: bytes | bytearray | None
) -> Wrapped:
    root = session.key(cmk, pkcs11.KeyType.AES, pkcs11.EncryptMixin)
    nonce = session.random(NONCE_BYTES)
    secret = session.random(KEY_BYTES) if key is None else bytes(key)
    return Wrapped(blob_of(nonce, root.encrypt(secret, **_gcm(nonce, context))))


def _unwrapped(
    session: TokenSession, cmk: CmkName, context: WrapContext, wrapped: Wrapped
) -> Outcome[Unwrapped, RootRefused]:
    root = session.key(cmk, pkcs11.KeyType.AES, pkcs11.DecryptMixin)
    parts = taken_apart(wrapped.blob)
    if parts is None:
        return Failure(_CORRUPT)
    nonce, sealed = parts
    try:
        return Success(bytearray(root.decrypt(sealed, **_gcm(nonce, context))))
    except (pkcs11.EncryptedDataInvalid, pkcs11.EncryptedDataLenRange, pkcs11.GeneralError):
        # GeneralError is a wrong tag (SoftHSM and others; 2.40 has no word of its own) or a device in trouble: that one
        # cannot do what it always can, either, and raises again.
        _wrapped(session, cmk, context, bytes(KEY_BYTES))
        return Failure(_CORRUPT)


def _gcm(nonce: bytes, context: WrapContext) -> dict[str, Any]:
    return {
        "mechanism": pkcs11.Mechanism.AES_GCM,
        "mechanism_param": pkcs11.GCMParams(nonce, bound_to(context), TAG_BYTES * 8),
    }


def _wiped(future: "Future[Outcome[Any, RootRefused]]") -> None:
    """Nobody waits any more for what came."""
    if future.cancelled() or future.exception() is not None:
        return
    if isinstance(future.result(), Success) and isinstance(given := future.result().unwrap(), bytearray):
        wipe(given)
