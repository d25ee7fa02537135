"""The promise of `KeyRoot`, for every adapter's tests."""

import asyncio
from typing import Final

import pytest

from fintech.domain.keys.custody import KEY_BYTES, CmkName, CmkStatus
from fintech.domain.outcome import Success
from fintech.ports.contracts.key_keeping import (
    OTHER_MERCHANT,
    STRANGER,
    KeeperContract,
    Power,
    assert_corrupt,
    assert_denied_to_one,
    assert_denied_whole,
    context_of,
    created,
    refusal,
    success,
    unwrapped,
    with_blob,
)
from fintech.ports.key_root import KeyRoot, RootFault

AT_ONCE: Final = 24

#: A name that no root key has.
NOWHERE: Final = CmkName("arn:aws:kms:ap-southeast-2:999999999999:key/00000000-0000-4000-8000-000000000000")


class KeyRootContract(KeeperContract):
    """Subclass it and provide the fixtures ``root``, ``cmk`` and ``other_cmk`` (two root keys, each with a MAC key of its
    own, in the order and state that they have after a fresh start), and ``keeper`` (a `RootKeeper`). What a keeper cannot
    do goes into ``UNSUPPORTED``; those cases are skipped and say so.

    Another merchant that has a permission of its own is refused with CORRUPT, since it is only what it holds that is not
    its own. One that has none may be refused with DENIED instead, by a root that looks at the permission first.
    A root key that is disabled may go on to make MACs: a MAC alone opens nothing.
    """

    async def test_what_is_wrapped_is_unwrapped_in_memory_of_the_callers(
        self, root: KeyRoot, cmk: CmkName
    ) -> None:
        wrapped = await created(root, cmk)
        first, second = await unwrapped(root, cmk, wrapped), await unwrapped(root, cmk, wrapped)
        assert isinstance(first, bytearray)
        assert len(first) == KEY_BYTES
        assert first == second
        assert bytes(first) not in wrapped.blob
        first[:] = bytes(KEY_BYTES)
        assert second != first
        assert await unwrapped(root, cmk, wrapped) == second

    async def test_no_two_keys_are_the_same(self, root: KeyRoot, cmk: CmkName) -> None:
        every = [await created(root, cmk) for _ in range(4)]
        every += [await created(root, cmk, context_of(number=2))]
        assert len({each.blob for each in every}) == len(every)
        contexts = [context_of()] * 4 + [context_of(number=2)]
        keys = [
            bytes(await unwrapped(root, cmk, each, context))
            for each, context in zip(every, contexts, strict=True)
        ]
        assert len(set(keys)) == len(keys)

    async def test_a_merchant_has_one_permission_for_all_versions(
        self, root: KeyRoot, cmk: CmkName, other_cmk: CmkName
    ) -> None:
        first, second = await created(root, cmk), await created(root, cmk, context_of(number=2))
        moved = success(await root.rewrap(cmk, context_of(), first, other_cmk))
        assert moved.grant == (await created(root, other_cmk, context_of(number=2))).grant
        other = await created(root, cmk, context_of(OTHER_MERCHANT))
        assert first.grant == second.grant
        assert other.grant is None or other.grant != first.grant

    @pytest.mark.parametrize(
        "other", ["merchant", "mode", "number", "environment"], ids=lambda name: f"another_{name}"
    )
    async def test_what_is_anothers_is_corrupt(self, root: KeyRoot, cmk: CmkName, other: str) -> None:
        wrapped = await created(root, cmk)
        context = {
            "merchant": context_of(OTHER_MERCHANT),
            "mode": context_of(livemode=False),
            "number": context_of(number=2),
            "environment": context_of(environment="elsewhere"),
        }[other]
        await created(root, cmk, context)
        assert_corrupt(await root.unwrap(cmk, context, wrapped))
        assert_corrupt(await root.rewrap(cmk, context, wrapped, cmk))

    async def test_a_merchant_without_permission_gets_nothing(self, root: KeyRoot, cmk: CmkName) -> None:
        wrapped = await created(root, cmk)
        for outcome in (
            await root.unwrap(cmk, context_of(STRANGER), wrapped),
            await root.authorise(cmk, context_of(STRANGER), wrapped),
        ):
            refused = refusal(outcome)
            assert refused.fault in (RootFault.CORRUPT, RootFault.DENIED)
            assert not refused.whole

    async def test_what_hangs_from_another_root_key_is_corrupt(
        self, root: KeyRoot, cmk: CmkName, other_cmk: CmkName
    ) -> None:
        wrapped = await created(root, cmk)
        await created(root, other_cmk)
        assert_corrupt(await root.unwrap(other_cmk, context_of(), wrapped))

    async def test_a_flipped_bit_is_corrupt(self, root: KeyRoot, cmk: CmkName) -> None:
        wrapped = await created(root, cmk)
        bits = len(wrapped.blob) * 8
        for bit in {0, 1, bits - 1, *range(5, bits, max(1, bits // 24))}:
            changed = bytearray(wrapped.blob)
            changed[bit // 8] ^= 1 << bit % 8
            assert_corrupt(await root.unwrap(cmk, context_of(), with_blob(wrapped, bytes(changed))))

    async def test_what_is_no_blob_is_corrupt(self, root: KeyRoot, cmk: CmkName) -> None:
        wrapped = await created(root, cmk)
        for blob in (b"", b"\x00", bytes(64), wrapped.blob[:-1], wrapped.blob + b"\x00", bytes(20_000)):
            assert_corrupt(await root.unwrap(cmk, context_of(), with_blob(wrapped, blob)))

    async def test_it_says_whether_it_would_unwrap(self, root: KeyRoot, cmk: CmkName) -> None:
        wrapped = await created(root, cmk)
        assert await root.authorise(cmk, context_of(), wrapped) == Success(None)

    async def test_a_key_that_moves_to_another_root_key_stays_the_same(
        self, root: KeyRoot, cmk: CmkName, other_cmk: CmkName
    ) -> None:
        wrapped = await created(root, cmk)
        moved = success(await root.rewrap(cmk, context_of(), wrapped, other_cmk))
        assert moved.blob != wrapped.blob
        assert (moved.grant is None) is (wrapped.grant is None)
        assert await unwrapped(root, other_cmk, moved) == await unwrapped(root, cmk, wrapped)
        assert await root.authorise(other_cmk, context_of(), moved) == Success(None)

    async def test_a_permission_is_given_back_once_and_missed_never(
        self, root: KeyRoot, cmk: CmkName
    ) -> None:
        wrapped = await created(root, cmk)
        other = await created(root, cmk, context_of(OTHER_MERCHANT))
        for grant in (wrapped.grant or "none", wrapped.grant or "none", "f" * 64):
            assert await root.withdraw(cmk, grant) == Success(None)
        assert isinstance(await root.unwrap(cmk, context_of(OTHER_MERCHANT), other), Success)
        if wrapped.grant is not None and Power.REVOKE not in self.UNSUPPORTED:
            await assert_denied_to_one(root, cmk, wrapped)
            assert isinstance(await root.unwrap(cmk, context_of(), await created(root, cmk)), Success)

    async def test_a_mac_is_always_the_same_and_its_root_keys_own(
        self, root: KeyRoot, cmk: CmkName, other_cmk: CmkName
    ) -> None:
        messages = (b"\x00", b"a", b"b", b"ab", b"x" * 4_096)
        macs = [success(await root.mac(key, each)) for key in (cmk, other_cmk) for each in messages]
        assert {type(mac) for mac in macs} == {bytearray}
        assert {len(mac) for mac in macs} == {KEY_BYTES}
        assert len({bytes(mac) for mac in macs}) == len(macs)
        for mac, message in zip(macs[: len(messages)], messages, strict=True):
            assert success(await root.mac(cmk, message)) == mac

    async def test_a_root_key_that_is_well_is_enabled(
        self, root: KeyRoot, cmk: CmkName, other_cmk: CmkName
    ) -> None:
        assert await root.status(cmk) == Success(CmkStatus.ENABLED)
        assert await root.status(other_cmk) == Success(CmkStatus.ENABLED)

    async def test_a_root_key_that_there_is_not_is_denied_whole(self, root: KeyRoot, cmk: CmkName) -> None:
        wrapped = await created(root, cmk)
        assert_denied_whole(await root.status(NOWHERE))
        assert_denied_whole(await root.create(NOWHERE, context_of()))
        assert_denied_whole(await root.rewrap(cmk, context_of(), wrapped, NOWHERE))
        assert refusal(await root.mac(NOWHERE, b"a")).fault is RootFault.DENIED
        assert_denied_whole(await root.unwrap(NOWHERE, context_of(), wrapped))
        assert_denied_whole(await root.authorise(NOWHERE, context_of(), wrapped))

    async def test_many_at_once_do_not_mix(self, root: KeyRoot, cmk: CmkName, other_cmk: CmkName) -> None:
        async def one(number: int) -> tuple[bytes, bytes]:
            key, context = (cmk, other_cmk)[number % 2], context_of(number=number)
            wrapped = await created(root, key, context)
            first, second = await asyncio.gather(
                unwrapped(root, key, wrapped, context), unwrapped(root, key, wrapped, context)
            )
            return bytes(first), bytes(second)

        pairs = await asyncio.gather(*(one(number) for number in range(1, AT_ONCE + 1)))
        assert [first for first, _ in pairs] == [second for _, second in pairs]
        assert len({first for first, _ in pairs}) == AT_ONCE

    async def test_a_refusal_gives_no_key_away(self, root: KeyRoot, cmk: CmkName) -> None:
        wrapped = await created(root, cmk)
        key = await unwrapped(root, cmk, wrapped)
        told = repr((wrapped, root, await root.unwrap(cmk, context_of(STRANGER), wrapped)))
        assert not [each for each in (key.hex(), wrapped.blob.hex(), repr(wrapped.blob)) if each in told]

    async def test_once_closed_it_says_nothing(self, root: KeyRoot, cmk: CmkName) -> None:
        wrapped = await created(root, cmk)
        await root.close()
        await root.close()
        for outcome in (
            await root.unwrap(cmk, context_of(), wrapped),
            await root.create(cmk, context_of()),
            await root.status(cmk),
            await root.mac(cmk, b"a"),
        ):
            assert refusal(outcome).fault is RootFault.UNREACHABLE
