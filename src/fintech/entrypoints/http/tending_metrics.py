"""What tending of keys comes to in this process, for Prometheus. No figure names a merchant."""

from collections.abc import Iterator

from attrs import frozen
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fintech.application.sealing_anew import TouchedFigures
from fintech.entrypoints.key_tending import TendingFigures
from fintech.ports.clock import Clock


@frozen(eq=False, kw_only=True)
class TendingMetrics(Collector):
    """The figures of one process: of its rounds, and of what is sealed anew because somebody has opened it."""

    figures: TendingFigures
    touched: TouchedFigures
    clock: Clock

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: no name can be taken twice."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The figures as they are now."""
        figures = self.figures
        if figures.ended_at is not None:
            yield GaugeMetricFamily(
                "fintech_key_tending_age_seconds",
                "Since the last round of tending keys came to its end.",
                value=(self.clock.now() - figures.ended_at).total_seconds(),
            )
        yield _labelled(
            "fintech_key_tending_rounds",
            "Rounds of tending keys.",
            "result",
            {"done": figures.rounds - figures.failed, "failed": figures.failed},
        )
        yield _labelled(
            "fintech_key_tending_rings",
            "Rings of keys that were looked at, and those with which something is wrong.",
            "result",
            {"fine": figures.rings - figures.troubled, "troubled": figures.troubled},
        )
        yield _labelled(
            "fintech_key_tending_versions",
            "Versions of merchants' keys, and rings, by what was done to them.",
            "deed",
            {
                "rotated": figures.rotated,
                "retired": figures.retired,
                "shredded": figures.shredded,
                "certified": figures.certified,
            },
        )
        yield _labelled(
            "fintech_key_tending_values",
            "Sealed values by what was done to them; of unknown ones nobody knows whether they are needed.",
            "deed",
            {"resealed": figures.resealed, "removed": figures.removed, "unknown": figures.unknown},
        )
        yield _labelled(
            "fintech_key_values_touched",
            "Values that were opened and are of an older version: sealed anew at once, or left to the next round.",
            "result",
            {"resealed": self.touched.done, "failed": self.touched.failed},
        )


def _labelled(name: str, told: str, label: str, counts: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, told, labels=(label,))
    for value, count in counts.items():
        family.add_metric((value,), float(count))
    return family
