"""The root of the key hierarchy: whoever keeps the bank's root keys (CMKs), from which every merchant's key hangs.

The root key never leaves. What comes back is a merchant's key, and only for the merchant in whose name it was wrapped.
Every call is bounded in time and answers a value: a time-out, a cut line or a throttle is UNREACHABLE, never an
exception, and never DENIED. What is DENIED stays so until the bank says otherwise, and is acted upon at once.
"""

from abc import abstractmethod
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol, TypeAlias, runtime_checkable

from attrs import field, frozen

from fintech.domain.keys.custody import CmkName, CmkStatus
from fintech.domain.outcome import Outcome
from fintech.domain.scope import Scope


class RootFault(StrEnum):
    """Why the root gave nothing, as far as the caller has to know."""

    DENIED = "denied"  #: it said no: disabled, revoked, not permitted, not there. Evict, fail closed
    UNREACHABLE = "unreachable"  #: it said nothing, or not now. What is lent stays lent for its time
    CORRUPT = "corrupt"  #: what was to be unwrapped is not what was wrapped, or is another merchant's


@frozen
class RootRefused:
    """``code`` is the root's own word for it (``DisabledException``), for logs and the audit trail; no secret.

    ``whole``: it is the root key itself that is refused, for all that hang from it, and not this merchant's use of it.
    """

    fault: RootFault
    code: str
    whole: bool = False


@frozen(cache_hash=True)
class WrapContext:
    """Whose key it is. Bound to what is wrapped, told to the root in clear and kept in its logs: ids only."""

    environment: str
    scope: Scope
    number: int

    def pairs(self) -> Mapping[str, str]:
        """The encryption context. What a grant of one merchant names is in `grant_pairs`."""
        return {**self.grant_pairs(), "kv": str(self.number)}

    def grant_pairs(self) -> Mapping[str, str]:
        """What of it a merchant's permission is tied to: every version of its keys, nobody else's."""
        return {
            "app": "fintech",
            "env": self.environment,
            "merchant": self.scope.merchant,
            "mode": "live" if self.scope.livemode else "test",
        }


@frozen
class Wrapped:
    """A merchant's key as it may be kept. ``grant`` names the permission to unwrap it, where the root has such.

    ``grant_token`` makes a grant work at once that has not got about yet; it is worth nothing after five minutes and is
    not kept.
    """

    blob: bytes = field(repr=False)
    grant: str | None = None
    grant_token: str | None = field(default=None, repr=False)


Unwrapped: TypeAlias = bytearray


@runtime_checkable
class KeyRoot(Protocol):
    """One keeper of root keys. ``close`` ends it."""

    @abstractmethod
    async def create(self, cmk: CmkName, context: WrapContext) -> Outcome[Wrapped, RootRefused]:
        """32 new random bytes of the root's, wrapped for a context, with a permission for its merchant if there is none
        yet. Nobody has seen them."""

    @abstractmethod
    async def unwrap(
        self, cmk: CmkName, context: WrapContext, wrapped: Wrapped
    ) -> Outcome[Unwrapped, RootRefused]:
        """The 32 bytes, in memory that the caller wipes. Another context, root key or blob is CORRUPT."""

    @abstractmethod
    async def authorise(
        self, cmk: CmkName, context: WrapContext, wrapped: Wrapped
    ) -> Outcome[None, RootRefused]:
        """Whether `unwrap` would be permitted now, without unwrapping (KMS: DryRun)."""

    @abstractmethod
    async def rewrap(
        self, cmk: CmkName, context: WrapContext, wrapped: Wrapped, to: CmkName, *, readable: bool = True
    ) -> Outcome[Wrapped, RootRefused]:
        """The same key wrapped by another root key (KMS: ReEncrypt), with a permission there. Nobody has seen it.

        Not ``readable``: for somebody else, whose root key lets us wrap and no more. No permission is asked for there, and
        we cannot unwrap it (KMS: the key's policy lets us `ReEncryptTo`)."""

    @abstractmethod
    async def withdraw(self, cmk: CmkName, grant: str) -> Outcome[None, RootRefused]:
        """Give a permission back. One that is not there any more is no failure."""

    @abstractmethod
    async def mac(self, cmk: CmkName, message: bytes) -> Outcome[Unwrapped, RootRefused]:
        """HMAC-SHA-256 of a message of at most 4,096 bytes under the root's MAC key that belongs to a root key: 32 bytes,
        always the same. For `Derivation.DERIVED`."""

    @abstractmethod
    async def status(self, cmk: CmkName) -> Outcome[CmkStatus, RootRefused]:
        """What a root key can do at the moment."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of sessions, connections and threads."""
