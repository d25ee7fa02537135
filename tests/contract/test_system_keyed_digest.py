"""HMAC keeps the promise of `KeyedDigest`."""

import pytest

from fintech.adapters.system.keyed_digest import REMEMBERED_MAX, HmacDigest
from fintech.ports.contracts.keyed_digest import KeyedDigestContract
from fintech.ports.keyed_digest import Purpose


@pytest.fixture
def digests() -> HmacDigest:
    return HmacDigest(bytes(range(32)))


@pytest.fixture
def others() -> HmacDigest:
    return HmacDigest(bytes(range(1, 33)))


class TestHmacDigest(KeyedDigestContract):
    def test_a_short_key_is_refused(self) -> None:
        with pytest.raises(ValueError, match="at least 32 bytes"):
            HmacDigest(bytes(31))

    def test_the_same_key_has_the_same_digests_in_every_process(self, digests: HmacDigest) -> None:
        assert digests.digest(Purpose.CARD, b"x").hex() == (
            "504909db253a9da667097774bd1a74e5b23eb3b4e9e99a2c639452ccfa694586"
        )

    def test_what_is_remembered_is_bounded_and_is_not_the_secret(self, digests: HmacDigest) -> None:
        secrets = [b"sk_test_%d" % number for number in range(REMEMBERED_MAX + 1)]
        first = [digests.digest(Purpose.API_KEY, secret) for secret in secrets]
        remembered = vars(digests)["_remembered"]
        assert 0 < len(remembered) <= REMEMBERED_MAX
        assert not remembered.keys() & {*secrets, *first}
        assert [digests.digest(Purpose.API_KEY, secret) for secret in secrets] == first
