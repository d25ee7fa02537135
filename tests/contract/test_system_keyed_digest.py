"""The digests of this process keep the promise of `KeyedDigest`."""

import hashlib
import hmac

import pytest

from fintech.adapters.system.keyed_digest import LocalDigest
from fintech.ports.contracts.keyed_digest import KeyedDigestContract
from fintech.ports.keyed_digest import Purpose


@pytest.fixture
def digests() -> LocalDigest:
    return LocalDigest(bytes(range(32)))


@pytest.fixture
def others() -> LocalDigest:
    return LocalDigest(bytes(range(1, 33)))


class TestLocalDigest(KeyedDigestContract):
    def test_a_short_key_is_refused(self) -> None:
        with pytest.raises(ValueError, match="at least 32 bytes"):
            LocalDigest(bytes(31))

    def test_the_same_key_has_the_same_digests_in_every_process(self, digests: LocalDigest) -> None:
        assert digests.digest(Purpose.CARD, b"x").hex() == (
            "504909db253a9da667097774bd1a74e5b23eb3b4e9e99a2c639452ccfa694586"
        )

    def test_cards_have_hmac_and_the_others_blake2(self, digests: LocalDigest) -> None:
        for purpose in Purpose:
            key = hmac.digest(bytes(range(32)), purpose.encode(), "sha256")
            expected = (
                hmac.digest(key, b"x", "sha256")
                if purpose is Purpose.CARD
                else hashlib.blake2b(b"x", key=key, digest_size=32).digest()
            )
            assert digests.digest(purpose, b"x") == expected
