"""What the face counts, for Prometheus. Plain numbers that a scrape reads, so that counting costs nothing."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from attrs import define, field
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

#: Upper bounds of the latency histogram, in seconds.
BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@define
class Series:
    """The requests of one route: how many of each status, and how long they took."""

    method: str
    route: str
    statuses: dict[int, int] = field(factory=dict, init=False)
    buckets: list[int] = field(factory=lambda: [0] * (len(BUCKETS_S) + 1), init=False)
    total_s: float = field(default=0.0, init=False)

    def add(self, status: int, seconds: float) -> None:
        """One more."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.buckets[bisect_left(BUCKETS_S, seconds)] += 1
        self.total_s += seconds


@define(eq=False)
class Meter(Collector):
    """The figures of one application, in a registry of its own."""

    in_flight: int = 0
    shed: int = 0
    rate_limited: int = 0
    _series: list[Series] = field(factory=list, init=False)
    _registry: CollectorRegistry = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def beside(self, others: Collector) -> None:
        """Tell other figures with these."""
        self._registry.register(others)

    def series(self, method: str, route: str) -> Series:
        """The figures of a route, for its handler to add to."""
        series = Series(method, route)
        self._series.append(series)
        return series

    def exposition(self) -> bytes:
        """The figures in Prometheus' text format 0.0.4."""
        return generate_latest(self._registry)

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: the registry is this meter's own, so no name can be taken twice."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The figures as they are now."""
        requests = CounterMetricFamily(
            "fintech_http_requests", "Requests by route and status.", labels=("method", "route", "status")
        )
        durations = HistogramMetricFamily(
            "fintech_http_request_duration_seconds",
            "From the headers read to the answer made.",
            labels=("method", "route"),
        )
        for series in self._series:
            labels = (series.method, series.route)
            for status, count in sorted(series.statuses.items()):
                requests.add_metric((*labels, str(status)), count)
            counts = accumulate(series.buckets)
            bounds = (*map(str, BUCKETS_S), "+Inf")
            durations.add_metric(labels, [*zip(bounds, map(float, counts), strict=True)], series.total_s)
        yield requests
        yield durations
        yield GaugeMetricFamily(
            "fintech_http_requests_in_flight", "Requests under way.", value=float(self.in_flight)
        )
        yield CounterMetricFamily(
            "fintech_http_requests_shed",
            "Requests turned away before any work was done.",
            value=float(self.shed),
        )
        yield CounterMetricFamily(
            "fintech_http_requests_rate_limited",
            "Requests over their API key's rate.",
            value=float(self.rate_limited),
        )
