"""Metadata: what a merchant hangs on a thing, changed key by key."""

import pytest

from fintech.domain.metadata import METADATA_KEYS_MAX, Metadata, TooManyKeys, merged
from fintech.domain.outcome import Failure, Success

BEFORE: Metadata = (("a", "1"), ("b", "2"))


@pytest.mark.parametrize(
    ("changes", "after"),
    [
        ((("c", "3"),), (("a", "1"), ("b", "2"), ("c", "3"))),
        ((("a", "9"),), (("a", "9"), ("b", "2"))),
        ((("a", ""),), (("b", "2"),)),
        ((("z", ""),), BEFORE),
        ((("a", ""), ("b", ""), ("c", "3")), (("c", "3"),)),
        ((), ()),
        (None, BEFORE),
    ],
    ids=[
        "added",
        "changed",
        "removed",
        "removed what there is not",
        "all at once",
        "all removed",
        "nothing changed",
    ],
)
def test_what_is_named_changes_and_the_rest_stays(changes: Metadata | None, after: Metadata) -> None:
    assert merged(BEFORE, changes) == Success(after)


def test_there_is_a_limit_to_the_keys_and_it_counts_what_is_left() -> None:
    full = tuple((f"k{n}", "v") for n in range(METADATA_KEYS_MAX))
    assert merged((), full) == Success(full)
    assert merged(full, (("one", "more"),)) == Failure(TooManyKeys(50))
    assert merged(full, (("k0", ""), ("one", "more"))) == Success((*full[1:], ("one", "more")))
