"""Idempotency keys: the name of a request, and a digest by which a repeat is told from another request."""

from collections.abc import Iterable
from operator import itemgetter
from typing import Final

from attrs import frozen

from fintech.application.commits import RequestKey
from fintech.domain.changeset import KEY_MAX
from fintech.entrypoints.http.errors import Problem, Refused
from fintech.entrypoints.http.parameters import without_card_number
from fintech.ports.keyed_digest import KeyedDigest, Purpose

_BAD_KEY: Final = Problem(
    code="idempotency_key_invalid",
    message=f"An Idempotency-Key has 1 to {KEY_MAX} printable ASCII characters.",
    param="Idempotency-Key",
)
_NAME: Final = itemgetter(0)


@frozen
class Idempotency:
    """Makes request keys. The digest is keyed, since card numbers are among what it digests."""

    digests: KeyedDigest

    def key(self, given: str, operation: str, path: str, pairs: Iterable[tuple[str, str]]) -> RequestKey:
        """The key of a request, whatever order its parameters are in. Raises `Refused` for one that is none."""
        if not 0 < len(given) <= KEY_MAX or not given.isascii() or not given.isprintable():
            raise Refused(_BAD_KEY)
        without_card_number(given, "Idempotency-Key")
        # Control characters set the parts off: no name or value has these two, so nothing can be shifted about.
        parts = [operation, path, given, *["\x1f".join(pair) for pair in sorted(pairs, key=_NAME)]]
        digest = self.digests.digest(Purpose.REQUEST, "\x1e".join(parts).encode())
        return RequestKey(key=given, operation=operation, fingerprint=digest)
