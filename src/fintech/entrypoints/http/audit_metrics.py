"""What the audit trail of a process counts, for Prometheus."""

from collections.abc import Iterator

from attrs import frozen
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fintech.ports.audit_trail import AuditFigures
from fintech.ports.clock import Clock


@frozen(eq=False)
class AuditMetrics(Collector):
    """The figures of one process."""

    figures: AuditFigures
    clock: Clock

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: no name can be taken twice."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The figures as they are now."""
        figures = self.figures
        since = figures.uncovered_since
        uncovered_s = 0.0 if since is None else (self.clock.now() - since).total_seconds()
        yield CounterMetricFamily(
            "fintech_audit_entries", "Entries that are durable.", value=float(figures.entries)
        )
        yield CounterMetricFamily(
            "fintech_audit_entries_refused",
            "Entries whose writers were told that they are not there.",
            value=float(figures.refused),
        )
        yield GaugeMetricFamily(
            "fintech_audit_failing",
            "1 while nothing can be written, and so nothing protected is done.",
            value=float(figures.failing),
        )
        yield CounterMetricFamily(
            "fintech_audit_checkpoints",
            "Checkpoints that were signed and kept.",
            value=float(figures.checkpoints),
        )
        yield CounterMetricFamily(
            "fintech_audit_checkpoint_failures",
            "Checkpoints that could not be had; they are asked for again.",
            value=float(figures.checkpoint_failures),
        )
        yield GaugeMetricFamily(
            "fintech_audit_uncovered_entries",
            "Entries that no checkpoint covers yet.",
            value=float(figures.uncovered),
        )
        yield GaugeMetricFamily(
            "fintech_audit_uncovered_seconds",
            "How long the oldest of them has waited for one.",
            value=max(0.0, uncovered_s),
        )
