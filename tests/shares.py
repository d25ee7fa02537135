"""Who runs what, where several processes share the tests: the longest first, and nobody idle while another has work left."""

from collections.abc import Sequence

import pytest


def slow_first(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Work stealing deals the list out in so many parts, one after the other: each begins with its share of what is slow.

    One that takes a minute and is begun last keeps everybody waiting for most of it.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    dealt: list[pytest.Item] = []
    for worker in range(workers):
        share = slow[worker::workers]
        rest = max(0, (len(items) - len(dealt)) // (workers - worker) - len(share))
        dealt += share + quick[:rest]
        del quick[:rest]
    return dealt
