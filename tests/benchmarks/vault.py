"""Card payments over HTTP with typed-in cards: each sealed, looked for, and written down, against none of that."""

from collections.abc import Callable
from functools import partial

from tests.benchmarks.harness import Bench, Ratio, Rounds
from tests.benchmarks.http import shop

UNSEALED = "tests.benchmarks.unsealed"
#: What production runs with, so that what is freed is overwritten (docs/operations/protected-data.md).
OVERWRITING = {
    "PYTHONMALLOC": "malloc",
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0:glibc.malloc.perturb=165",
}

RATIOS = [
    Ratio("HTTP payments with typed-in cards: sealed / not sealed", "sealed", "not sealed", 0.85),
]
#: What else it costs, told beside.
BESIDE = {
    "not sealed / nor written into the audit trail": ("not sealed", "not sealed, not audited"),
    "what is freed overwritten / not": ("sealed, what is freed overwritten", "sealed"),
}


def vault(bench: Bench, rounds: int) -> bool:
    """All in every round, one service at work while the others are idle."""
    with (
        shop(bench) as sealed,
        shop(bench, module=UNSEALED) as bare,
        shop(bench, module=UNSEALED, argument="unwritten") as unwritten,
        shop(bench, variables=OVERWRITING) as overwriting,
    ):
        services = {
            "sealed": sealed,
            "not sealed": bare,
            "not sealed, not audited": unwritten,
            "sealed, what is freed overwritten": overwriting,
        }
        for each in services.values():
            each.load(2, typed=True)
        results = Rounds()
        measures: dict[str, Callable[[], dict[str, float]]] = {
            name: partial(each.load, bench.seconds, typed=True) for name, each in services.items()
        }
        results.run(measures, rounds)
        reached = results.show(RATIOS)
        for name, (over, under) in BESIDE.items():
            median, least, greatest = results.ratio(Ratio(name, over, under, 0))
            print(f"{name:<52}{median:>7.2f} [{least:.2f}, {greatest:.2f}]")
        return reached
