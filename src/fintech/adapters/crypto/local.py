"""Root keys in this process's memory: for development and tests, where nothing hangs from them that anybody minds."""

import asyncio
import hashlib
import hmac
import logging
import os
from collections import Counter
from collections.abc import Collection
from typing import Final, TypeAlias

from attrs import define, field
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fintech.adapters.crypto.wrapping import NONCE_BYTES, blob_of, bound_to, require_macable, taken_apart
from fintech.domain.keys.custody import KEY_BYTES, CmkName, CmkStatus
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.ports.key_root import KeyRoot, RootFault, RootRefused, Unwrapped, WrapContext, Wrapped
from fintech.sealing.schedule import wipe

#: The root key that is there where nobody named one.
LOCAL_CMK: Final = CmkName("local/1")

_UNREACHABLE: Final = RootRefused(RootFault.UNREACHABLE, "EndpointConnectionError", whole=True)
_NOT_THERE: Final = RootRefused(RootFault.DENIED, "NotFoundException", whole=True)
_DISABLED: Final = RootRefused(RootFault.DENIED, "DisabledException", whole=True)
_NO_GRANT: Final = RootRefused(RootFault.DENIED, "AccessDeniedException")
_CORRUPT: Final = RootRefused(RootFault.CORRUPT, "InvalidCiphertextException")

_log = logging.getLogger(__name__)

#: A merchant's permission at a root key, without the number that tells a renewed one from the one before.
_Permission: TypeAlias = str


@define
class _RootKey:
    cipher: AESGCM = field(repr=False)
    mac_key: bytes = field(repr=False)
    status: CmkStatus = CmkStatus.ENABLED


class LocalRoot(KeyRoot):
    """Root keys that are derived from one secret of 32 bytes or more, or from random ones that are gone with it.

    With a ``secret`` it says once in the log that keys are held here: whoever reads the secret has every merchant's key.
    Raises ``ValueError`` for a shorter one.

    It can be scripted as KMS can be, in KMS's words: `disable`, `enable` and `destroy` a root key, `revoke` a grant,
    let it be ``reachable`` or not, have each call take ``latency_s``; ``calls`` counts them by method. None of that
    outlives the process or is known to another one: a grant that is withdrawn is good again after a restart, and it is
    the ring's custody that refuses then.
    """

    def __init__(self, secret: bytes | None = None, cmks: Collection[CmkName] = (LOCAL_CMK,)) -> None:
        if secret is not None and len(secret) < KEY_BYTES:
            message = f"the secret of local root keys has at least {KEY_BYTES} bytes"
            raise ValueError(message)
        if secret is not None:
            _log.warning(
                "root keys are held locally: for development only, whoever reads the file reads it all"
            )
        derived_from = secret or os.urandom(KEY_BYTES)
        self._keys = {cmk: _root_key(derived_from, cmk) for cmk in cmks}
        self._withdrawn: set[_Permission] = set()
        self._renewals: Counter[_Permission] = Counter()
        self.reachable = True
        self.latency_s = 0.0
        self.calls: Counter[str] = Counter()

    def disable(self, cmk: CmkName) -> None:
        """As DisableKey does."""
        self._keys[cmk].status = CmkStatus.DISABLED

    def enable(self, cmk: CmkName) -> None:
        """As EnableKey does."""
        self._keys[cmk].status = CmkStatus.ENABLED

    def destroy(self, cmk: CmkName) -> None:
        """For good, with all that hangs from it."""
        del self._keys[cmk]

    def revoke(self, grant: str) -> None:
        """As RevokeGrant does: one merchant is cut. A grant that is not there, or was renewed, is none."""
        permission, _, number = grant.rpartition("#")
        if number == str(self._renewals[permission]):
            self._withdrawn.add(permission)

    async def create(self, cmk: CmkName, context: WrapContext) -> Outcome[Wrapped, RootRefused]:
        refused = await self._refusal("create", cmk)
        if refused is not None:
            return Failure(refused)
        return Success(self._wrapped(cmk, context, os.urandom(KEY_BYTES)))

    async def unwrap(
        self, cmk: CmkName, context: WrapContext, wrapped: Wrapped
    ) -> Outcome[Unwrapped, RootRefused]:
        refused = await self._refusal("unwrap", cmk, context)
        return self._unwrapped(cmk, context, wrapped) if refused is None else Failure(refused)

    async def authorise(
        self, cmk: CmkName, context: WrapContext, wrapped: Wrapped
    ) -> Outcome[None, RootRefused]:
        refused = await self._refusal("authorise", cmk, context)
        if refused is not None:
            return Failure(refused)
        unwrapped = self._unwrapped(cmk, context, wrapped)
        if isinstance(unwrapped, Failure):
            return unwrapped
        wipe(unwrapped.unwrap())
        return Success(None)

    async def rewrap(
        self, cmk: CmkName, context: WrapContext, wrapped: Wrapped, to: CmkName, *, readable: bool = True
    ) -> Outcome[Wrapped, RootRefused]:
        refused = await self._refusal("rewrap", cmk, context) or self._refusal_of(to)
        if refused is not None:
            return Failure(refused)
        unwrapped = self._unwrapped(cmk, context, wrapped)
        if isinstance(unwrapped, Failure):
            return unwrapped
        key = unwrapped.unwrap()
        rewrapped = self._wrapped(to, context, key)
        wipe(key)
        return Success(rewrapped if readable else Wrapped(rewrapped.blob))

    async def withdraw(self, cmk: CmkName, grant: str) -> Outcome[None, RootRefused]:
        refused = await self._refusal("withdraw", cmk)
        if refused is not None and refused.fault is not RootFault.DENIED:
            return Failure(refused)
        if grant.startswith(f"{cmk}#"):
            self.revoke(grant)
        return Success(None)

    async def mac(self, cmk: CmkName, message: bytes) -> Outcome[Unwrapped, RootRefused]:
        require_macable(message)
        refused = await self._refusal("mac", cmk)
        if refused is not None:
            return Failure(refused)
        return Success(bytearray(hmac.digest(self._keys[cmk].mac_key, message, "sha256")))

    async def status(self, cmk: CmkName) -> Outcome[CmkStatus, RootRefused]:
        refused = await self._refusal("status", cmk)
        if refused in {_UNREACHABLE, _NOT_THERE}:
            return Failure(refused)
        return Success(self._keys[cmk].status)

    async def close(self) -> None:
        self.reachable = False
        self._keys.clear()

    async def _refusal(
        self, method: str, cmk: CmkName, context: WrapContext | None = None
    ) -> RootRefused | None:
        """Why a call is not permitted, after the time that it takes; others have their turn meanwhile."""
        self.calls[method] += 1
        await asyncio.sleep(self.latency_s)
        if not self.reachable:
            return _UNREACHABLE
        refused = self._refusal_of(cmk)
        if refused is None and context is not None and _permission(cmk, context) in self._withdrawn:
            return _NO_GRANT
        return refused

    def _refusal_of(self, cmk: CmkName) -> RootRefused | None:
        key = self._keys.get(cmk)
        if key is None:
            return _NOT_THERE
        return None if key.status is CmkStatus.ENABLED else _DISABLED

    def _wrapped(self, cmk: CmkName, context: WrapContext, key: bytes | bytearray) -> Wrapped:
        permission = _permission(cmk, context)
        if permission in self._withdrawn:
            self._withdrawn.remove(permission)
            self._renewals[permission] += 1
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._keys[cmk].cipher.encrypt(nonce, key, bound_to(context))
        return Wrapped(blob_of(nonce, sealed), grant=f"{permission}#{self._renewals[permission]}")

    def _unwrapped(
        self, cmk: CmkName, context: WrapContext, wrapped: Wrapped
    ) -> Outcome[Unwrapped, RootRefused]:
        parts = taken_apart(wrapped.blob)
        if parts is None:
            return Failure(_CORRUPT)
        try:
            return Success(bytearray(self._keys[cmk].cipher.decrypt(*parts, bound_to(context))))
        except InvalidTag:
            return Failure(_CORRUPT)


def _root_key(secret: bytes, cmk: CmkName) -> _RootKey:
    wrapping, macs = (hmac.digest(secret, f"{use}/{cmk}".encode(), "sha256") for use in ("wrap", "mac"))
    return _RootKey(AESGCM(wrapping), macs)


def _permission(cmk: CmkName, context: WrapContext) -> _Permission:
    """Who may at which root key: every version of one merchant's keys in one mode (`WrapContext.grant_pairs`)."""
    told = repr(sorted(context.grant_pairs().items())).encode()
    return f"{cmk}#{hashlib.sha256(told).hexdigest()[:32]}"
