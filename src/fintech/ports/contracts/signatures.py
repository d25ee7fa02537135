"""The promises of `SignatureChecker` and `Notary`, for every adapter's tests."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

import pytest

from fintech.ports.signatures import Notary, SignatureChecker

#: The signature over a message with the key of a name.
Sign: TypeAlias = Callable[[str, bytes], bytes]

ORDER = b'{"action":"suspend","sequence":7}'


class SignatureCheckerContract:
    """Subclass it and provide the fixtures ``checker``, which knows ``alice`` and ``bob`` and nobody else, and ``sign``, which
    signs as one of them, or as ``mallory``."""

    def test_it_knows_them_by_name(self, checker: SignatureChecker) -> None:
        assert checker.keys == {"alice", "bob"}

    @pytest.mark.parametrize("name", ["alice", "bob"])
    @pytest.mark.parametrize("message", [b"", b"\x00", ORDER, bytes(range(256)) * 16])
    def test_what_was_signed_is_known(
        self, checker: SignatureChecker, sign: Sign, name: str, message: bytes
    ) -> None:
        assert checker.check(name, message, sign(name, message))

    def test_it_is_not_anothers(self, checker: SignatureChecker, sign: Sign) -> None:
        assert not checker.check("alice", ORDER, sign("bob", ORDER))
        for name in ("alice", "bob", "mallory", "", "ALICE", "alice\x00"):
            assert not checker.check(name, ORDER, sign("mallory", ORDER))

    def test_it_is_of_no_other_message(self, checker: SignatureChecker, sign: Sign) -> None:
        signature = sign("alice", ORDER)
        for message in (b"", ORDER + b" ", ORDER[:-1], ORDER.replace(b"7", b"8")):
            assert not checker.check("alice", message, signature)

    def test_no_bit_of_it_may_change(self, checker: SignatureChecker, sign: Sign) -> None:
        signature = sign("alice", ORDER)
        for bit in range(len(signature) * 8):
            changed = bytearray(signature)
            changed[bit // 8] ^= 1 << bit % 8
            assert not checker.check("alice", ORDER, bytes(changed))

    def test_what_is_no_signature_is_none(self, checker: SignatureChecker, sign: Sign) -> None:
        signature = sign("alice", ORDER)
        for no_signature in (
            b"",
            bytes(64),
            signature[:-1],
            signature + b"\x00",
            signature * 2,
            bytes(10_000),
        ):
            assert not checker.check("alice", ORDER, no_signature)


class NotaryContract:
    """Subclass it and provide the fixtures ``notary`` and ``witness``, a checker that knows the notary's key by its name."""

    @pytest.mark.parametrize("message", [b"\x00", ORDER, b"x" * 4_096])
    async def test_what_it_signs_is_known_by_its_name(
        self, notary: Notary, witness: SignatureChecker, message: bytes
    ) -> None:
        key, signature = await notary.sign(message)
        assert witness.check(key, message, signature)
        assert not witness.check(key, message + b"\x00", signature)

    async def test_it_signs_several_at_once(self, notary: Notary, witness: SignatureChecker) -> None:
        messages = [f"checkpoint {number}".encode() for number in range(12)]
        for message, (key, signature) in zip(
            messages, await asyncio.gather(*map(notary.sign, messages)), strict=True
        ):
            assert witness.check(key, message, signature)

    async def test_what_is_nothing_or_too_long_is_a_bug(self, notary: Notary) -> None:
        for message in (b"", bytes(4_097)):
            with pytest.raises(ValueError, match="1 to 4096 bytes"):
                await notary.sign(message)
