"""What a keeper of root keys can do to us, and what an adapter of `KeyRoot` then has to answer."""

from abc import abstractmethod
from enum import StrEnum
from typing import ClassVar, Final, Protocol, TypeVar

import pytest

from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import CmkName, CmkStatus
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.ports.key_root import KeyRoot, RootFault, RootRefused, Unwrapped, WrapContext, Wrapped

T = TypeVar("T")

MERCHANT: Final = MerchantId("acct_" + "1" * 24)
OTHER_MERCHANT: Final = MerchantId("acct_" + "2" * 24)
STRANGER: Final = MerchantId("acct_" + "3" * 24)
ENVIRONMENT: Final = "contract"


class Power(StrEnum):
    """What whoever keeps the root can do to us."""

    DISABLE = "disable"  #: and enable again
    REVOKE = "revoke"  #: one merchant's permission
    DESTROY = "destroy"


class RootKeeper(Protocol):
    """Whoever keeps the root keys, on the other side of the adapter. Each holds when it returns."""

    @abstractmethod
    async def disable(self, cmk: CmkName) -> None:
        """Nothing hangs from it until `enable`."""

    @abstractmethod
    async def enable(self, cmk: CmkName) -> None:
        """As it was."""

    @abstractmethod
    async def revoke(self, cmk: CmkName, grant: str) -> None:
        """Take back the permission of one merchant."""

    @abstractmethod
    async def destroy(self, cmk: CmkName) -> None:
        """For good, or as good as."""


class KeeperContract:
    """The part of `KeyRootContract` that needs a keeper."""

    UNSUPPORTED: ClassVar[frozenset[Power]] = frozenset()

    async def test_a_disabled_root_key_denies_all_that_hangs_from_it_until_it_is_enabled(
        self, root: KeyRoot, cmk: CmkName, other_cmk: CmkName, keeper: RootKeeper
    ) -> None:
        self.needs(Power.DISABLE)
        wrapped, other = await created(root, cmk), await created(root, other_cmk)
        key = await unwrapped(root, cmk, wrapped)
        await keeper.disable(cmk)
        assert await root.status(cmk) == Success(CmkStatus.DISABLED)
        await assert_all_denied(root, cmk, wrapped)
        assert_denied_whole(await root.rewrap(cmk, context_of(), wrapped, other_cmk))
        assert_denied_whole(await root.rewrap(other_cmk, context_of(), other, cmk))
        assert isinstance(await root.unwrap(other_cmk, context_of(), other), Success)
        await keeper.enable(cmk)
        assert await root.status(cmk) == Success(CmkStatus.ENABLED)
        assert await unwrapped(root, cmk, wrapped) == key
        assert await root.authorise(cmk, context_of(), wrapped) == Success(None)

    async def test_a_revoked_permission_denies_one_merchant(
        self, root: KeyRoot, cmk: CmkName, keeper: RootKeeper
    ) -> None:
        self.needs(Power.REVOKE)
        wrapped, other = await created(root, cmk), await created(root, cmk, context_of(OTHER_MERCHANT))
        assert wrapped.grant is not None
        await keeper.revoke(cmk, wrapped.grant)
        await assert_denied_to_one(root, cmk, wrapped)
        assert isinstance(await root.unwrap(cmk, context_of(OTHER_MERCHANT), other), Success)
        assert await root.status(cmk) == Success(CmkStatus.ENABLED)
        assert await root.withdraw(cmk, wrapped.grant) == Success(None)

    async def test_a_destroyed_root_key_denies_all_that_hangs_from_it(
        self, root: KeyRoot, cmk: CmkName, other_cmk: CmkName, keeper: RootKeeper
    ) -> None:
        self.needs(Power.DESTROY)
        wrapped, other = await created(root, cmk), await created(root, other_cmk)
        await keeper.destroy(cmk)
        status = await root.status(cmk)
        if isinstance(status, Success):
            assert status.unwrap() in (CmkStatus.PENDING_DELETION, CmkStatus.UNAVAILABLE)
        else:
            assert_denied_whole(status)
        await assert_all_denied(root, cmk, wrapped)
        assert isinstance(await root.unwrap(other_cmk, context_of(), other), Success)

    def needs(self, power: Power) -> None:
        """Skip where whoever keeps the root cannot do that."""
        if power in self.UNSUPPORTED:
            pytest.skip(f"whoever keeps this root cannot {power}")


def context_of(
    merchant: MerchantId = MERCHANT,
    *,
    livemode: bool = True,
    number: int = 1,
    environment: str = ENVIRONMENT,
) -> WrapContext:
    """Whose key."""
    return WrapContext(environment, Scope(merchant, livemode), number)


async def created(root: KeyRoot, cmk: CmkName, context: WrapContext | None = None) -> Wrapped:
    """A new key."""
    return success(await root.create(cmk, context or context_of()))


async def unwrapped(
    root: KeyRoot, cmk: CmkName, wrapped: Wrapped, context: WrapContext | None = None
) -> Unwrapped:
    """What was wrapped."""
    return success(await root.unwrap(cmk, context or context_of(), wrapped))


def with_blob(wrapped: Wrapped, blob: bytes) -> Wrapped:
    """The same permission for something else."""
    return Wrapped(blob, wrapped.grant, wrapped.grant_token)


def success(outcome: Outcome[T, RootRefused]) -> T:
    """What the root gave."""
    assert isinstance(outcome, Success), outcome
    return outcome.unwrap()


def refusal(outcome: Outcome[T, RootRefused]) -> RootRefused:
    """Why the root gave nothing."""
    assert isinstance(outcome, Failure), "the root gave something"
    refused = outcome.failure()
    assert refused.code
    return refused


def assert_corrupt(outcome: Outcome[T, RootRefused]) -> None:
    """It is not what was wrapped; the root key itself is well."""
    refused = refusal(outcome)
    assert (refused.fault, refused.whole) == (RootFault.CORRUPT, False), refused


def assert_denied_whole(outcome: Outcome[T, RootRefused]) -> None:
    """The root key itself is refused."""
    refused = refusal(outcome)
    assert (refused.fault, refused.whole) == (RootFault.DENIED, True), refused


async def assert_all_denied(root: KeyRoot, cmk: CmkName, wrapped: Wrapped) -> None:
    """Nothing that hangs from the root key can be had, and nothing is hung from it."""
    assert_denied_whole(await root.unwrap(cmk, context_of(), wrapped))
    assert_denied_whole(await root.authorise(cmk, context_of(), wrapped))
    assert_denied_whole(await root.create(cmk, context_of()))


async def assert_denied_to_one(root: KeyRoot, cmk: CmkName, wrapped: Wrapped) -> None:
    """This merchant's permission is gone. A token of it brings nothing back."""
    for each in (wrapped, Wrapped(wrapped.blob, wrapped.grant)):
        for outcome in (
            await root.unwrap(cmk, context_of(), each),
            await root.authorise(cmk, context_of(), each),
            await root.rewrap(cmk, context_of(), each, cmk),
        ):
            refused = refusal(outcome)
            assert (refused.fault, refused.whole) == (RootFault.DENIED, False), refused
