"""Identifiers from the machine's clock and randomness."""

import os
import random
import secrets
import time
from typing import Final

from fintech.domain.ids import ALPHABET
from fintech.ports.id_source import AnyId, IdSource

_PAIRS: Final = tuple(high + low for high in ALPHABET for low in ALPHABET)
_TIME_CHARACTERS: Final = 10
_SECRET_BYTES: Final = 24


def time_prefix(milliseconds: int) -> str:
    """Ten characters that sort as the milliseconds do (50 bits: until the year 37,648)."""
    shifts = range(5 * (_TIME_CHARACTERS - 1), -1, -5)
    return "".join([ALPHABET[(milliseconds >> shift) & 31] for shift in shifts])


class RandomIdSource(IdSource):
    """Ids of 50 bits of time and 70 of randomness: a collision needs 10^10 ids in one millisecond."""

    def __init__(self) -> None:
        self._random = random.Random()  # noqa: S311 - ids are unique, not secret; seeded by the system
        os.register_at_fork(after_in_child=self._random.seed)
        self._millisecond = 0
        self._prefix = time_prefix(0)

    def new(self, kind: type[AnyId]) -> AnyId:
        now = time.time_ns() // 1_000_000
        if now > self._millisecond:
            self._millisecond = now
            self._prefix = time_prefix(now)
        noise = self._random.getrandbits(70)
        pairs = _PAIRS
        body = (
            pairs[noise & 1023]
            + pairs[noise >> 10 & 1023]
            + pairs[noise >> 20 & 1023]
            + pairs[noise >> 30 & 1023]
            + pairs[noise >> 40 & 1023]
            + pairs[noise >> 50 & 1023]
            + pairs[noise >> 60]
        )
        return kind(kind.PREFIX + self._prefix + body)

    def secret(self) -> str:
        return secrets.token_hex(_SECRET_BYTES)
