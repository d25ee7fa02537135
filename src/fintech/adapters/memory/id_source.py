"""Ids that count up from one: the same in every run."""

from fintech.domain.ids import ALPHABET, BODY_LENGTH
from fintech.ports.id_source import AnyId, IdSource


class CountingIdSource(IdSource):
    """``pi_000000000000000000000001``, and so on, one count for all kinds."""

    def __init__(self) -> None:
        self._count = 0

    def new(self, kind: type[AnyId]) -> AnyId:
        self._count += 1
        return kind(kind.PREFIX + _spell(self._count))

    def secret(self) -> str:
        self._count += 1
        return f"{self._count:032d}"


def _spell(number: int) -> str:
    digits = [ALPHABET[(number >> shift) & 31] for shift in range(5 * (BODY_LENGTH - 1), -1, -5)]
    return "".join(digits)
