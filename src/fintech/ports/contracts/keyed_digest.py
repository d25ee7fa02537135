"""The promise of `KeyedDigest`, for every adapter's tests."""

from itertools import product

from fintech.ports.keyed_digest import KeyedDigest, Purpose

_DATA = (b"", b"a", b"b", b"ab", b"api_key", b"x" * 10_000, bytes(range(256)))


class KeyedDigestContract:
    """Subclass it and provide the fixtures ``digests`` and ``others`` (the same under another key)."""

    def test_it_is_32_bytes_and_always_the_same(self, digests: KeyedDigest) -> None:
        for purpose, data in product(Purpose, _DATA):
            digest = digests.digest(purpose, data)
            assert len(digest) == 32
            assert digests.digest(purpose, data) == digest

    def test_no_two_are_the_same(self, digests: KeyedDigest) -> None:
        every = {digests.digest(purpose, data) for purpose, data in product(Purpose, _DATA)}
        assert len(every) == len(Purpose) * len(_DATA)

    def test_another_key_has_other_digests(self, digests: KeyedDigest, others: KeyedDigest) -> None:
        for purpose, data in product(Purpose, _DATA):
            assert digests.digest(purpose, data) != others.digest(purpose, data)
