"""Custody in figures, for Prometheus: what the bank said, how many merchants' keys are in which state, and how root keys do."""

from collections.abc import Iterator

from attrs import define, field
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fintech.application.keys.figures import OrderFigures
from fintech.application.keys.status import CustodyStatus, SumUpCustody


@define(eq=False)
class CustodyGauges(Collector):
    """Orders of this process, and the state of all as it was when it was last looked at; before that, nothing of it."""

    orders: OrderFigures
    sum_up: SumUpCustody
    _status: CustodyStatus | None = field(default=None, init=False)

    async def look(self) -> int:
        """Count again. There is never more to do. Raises `StoreUnavailable`."""
        self._status = await self.sum_up()
        return 0

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: no name can be taken twice."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The figures as they are now."""
        applied = CounterMetricFamily(
            "fintech_custody_orders", "The bank's orders that were carried out here.", labels=("action",)
        )
        for action, count in sorted(self.orders.applied.items()):
            applied.add_metric((action,), count)
        yield applied
        refused = CounterMetricFamily(
            "fintech_custody_orders_refused", "Orders that were refused here.", labels=("reason",)
        )
        for reason, count in self.orders.refused.items():
            refused.add_metric((reason,), count)
        yield refused
        if self._status is not None:
            yield from _states(self._status)


def _states(status: CustodyStatus) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "fintech_custody_last_order", "The number of the bank's last order.", value=float(status.last_order)
    )
    rings = GaugeMetricFamily(
        "fintech_custody_rings",
        "Merchants' rings of keys, by what the bank says of them.",
        labels=("custody",),
    )
    for custody, count in status.rings.items():
        rings.add_metric((custody.value,), count)
    yield rings
    yield GaugeMetricFamily(
        "fintech_custody_rings_opened", "Rings that broken glass keeps open.", value=float(status.opened)
    )
    yield GaugeMetricFamily(
        "fintech_custody_rings_uncertified",
        "Rings that are shredded, which the notary has not certified yet.",
        value=float(status.uncertified),
    )
    yield from _versions(status)
    shut = GaugeMetricFamily(
        "fintech_custody_root_key_usable",
        "Whether a root key is enabled, and not suspended by the bank.",
        labels=("root_key",),
    )
    ages = GaugeMetricFamily(
        "fintech_custody_heartbeat_age_seconds",
        "Since the root last let us use a root key.",
        labels=("root_key",),
    )
    for root_key in status.root_keys:
        shut.add_metric((root_key.cmk,), float(status.usable(root_key)))
        age = status.heartbeat_age(root_key)
        if age is not None:
            ages.add_metric((root_key.cmk,), age.total_seconds())
    yield shut
    yield ages


def _versions(status: CustodyStatus) -> Iterator[Metric]:
    versions = GaugeMetricFamily(
        "fintech_custody_key_versions",
        "Versions of merchants' keys, by the root key that they hang from.",
        labels=("root_key", "status"),
    )
    overdue = GaugeMetricFamily(
        "fintech_custody_key_versions_overdue",
        "Those that seal and are past their crypto-period.",
        labels=("root_key",),
    )
    oldest = GaugeMetricFamily(
        "fintech_custody_key_version_age_seconds",
        "Since the oldest that seals was made.",
        labels=("root_key",),
    )
    for cmk, count in sorted(status.hanging.items()):
        versions.add_metric((cmk, "active"), count.active)
        versions.add_metric((cmk, "decrypt_only"), count.decrypt_only)
        overdue.add_metric((cmk,), count.due)
        if count.oldest is not None:
            oldest.add_metric((cmk,), (status.at - count.oldest).total_seconds())
    yield from (versions, overdue, oldest)
