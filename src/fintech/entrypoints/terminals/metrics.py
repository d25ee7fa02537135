"""What the door of terminals counts, for Prometheus."""

from collections.abc import Iterator
from typing import Final

from attrs import define, field
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fintech.iso8583.session import SERVED

#: A type that nobody serves, whichever it is, so that nobody can fill the memory with names.
OTHER: Final = "other"
#: What stands for the response code of a message that was not answered.
UNANSWERED: Final = "none"


@define(eq=False)
class TerminalMeter(Collector):
    """The figures of one gateway. ``turned_away`` are connections, ``shed`` messages, ``broken`` what is no message."""

    connections: int = 0
    in_flight: int = 0
    turned_away: int = 0
    timed_out: int = 0
    broken: int = 0
    shed: int = 0
    messages: dict[tuple[str, str], int] = field(factory=dict)

    def count(self, mti: str, code: str | None) -> None:
        """One more message, and what it was told."""
        series = mti if mti in SERVED else OTHER, code or UNANSWERED
        self.messages[series] = self.messages.get(series, 0) + 1

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: no other collector has these names."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The figures as they are now."""
        messages = CounterMetricFamily(
            "fintech_terminal_messages", "Messages by type and response code.", labels=("type", "code")
        )
        for labels, count in sorted(self.messages.items()):
            messages.add_metric(labels, count)
        yield messages
        for name, about, value in (
            ("connections", "Connections of terminals.", self.connections),
            ("messages_in_flight", "Messages under way.", self.in_flight),
        ):
            yield GaugeMetricFamily(f"fintech_terminal_{name}", about, value=float(value))
        for name, about, value in (
            ("connections_turned_away", "Connections beyond the limit.", self.turned_away),
            ("connections_timed_out", "Connections that were idle or too slow.", self.timed_out),
            ("connections_broken", "Connections closed for what is no message.", self.broken),
            ("messages_shed", "Messages that were not looked at, for there were too many.", self.shed),
        ):
            yield CounterMetricFamily(f"fintech_terminal_{name}", about, value=float(value))
