"""Metadata: free text that a merchant hangs on a thing, key by key."""

from typing import Final, TypeAlias

from attrs import frozen

from fintech.domain.outcome import Failure, Outcome, Success

#: In the order in which it was given; values are strings.
Metadata: TypeAlias = tuple[tuple[str, str], ...]

#: As many keys of its own as a merchant may hang on one thing.
METADATA_KEYS_MAX: Final = 50


@frozen
class TooManyKeys:
    """The thing would have more keys than it may."""

    most: int


def merged(metadata: Metadata, changes: Metadata | None) -> Outcome[Metadata, TooManyKeys]:
    """Metadata with some keys added or changed. An empty value removes its key, ``()`` every key, None nothing."""
    if changes is None:
        return Success(metadata)
    if not changes:
        return Success(())
    after = tuple((key, value) for key, value in dict((*metadata, *changes)).items() if value)
    if len(after) > METADATA_KEYS_MAX:
        return Failure(TooManyKeys(METADATA_KEYS_MAX))
    return Success(after)
