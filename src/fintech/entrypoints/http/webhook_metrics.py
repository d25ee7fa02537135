"""What the dispatcher of webhooks counts, for Prometheus."""

from collections.abc import Iterator
from itertools import accumulate

from attrs import frozen
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from fintech.application.webhooks.figures import LAG_BUCKETS_S, Figures


@frozen(eq=False)
class DeliveryFigures(Collector):
    """The figures of one dispatcher."""

    figures: Figures

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: no name can be taken twice."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The figures as they are now."""
        endings = CounterMetricFamily(
            "fintech_webhook_deliveries",
            "Tries to deliver an event, by what became of them.",
            labels=("ending",),
        )
        for ending, count in self.figures.endings.items():
            endings.add_metric((ending.value,), count)
        yield endings
        lag = HistogramMetricFamily(
            "fintech_webhook_delivery_lag_seconds", "From the event to its arrival at an endpoint."
        )
        bounds = (*map(str, LAG_BUCKETS_S), "+Inf")
        counts = map(float, accumulate(self.figures.lag_buckets))
        lag.add_metric((), [*zip(bounds, counts, strict=True)], self.figures.lag_total_s)
        yield lag
        yield GaugeMetricFamily(
            "fintech_webhook_deliveries_under_way", "Posts under way.", value=float(self.figures.under_way)
        )
        yield CounterMetricFamily(
            "fintech_webhook_endpoints_disabled",
            "Endpoints disabled because nothing had arrived for days.",
            value=float(self.figures.disabled),
        )
