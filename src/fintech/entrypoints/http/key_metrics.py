"""What the key vault and the sweep of keys count, for Prometheus. No figure names a merchant."""

from collections.abc import Iterator

from attrs import frozen
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fintech.application.keys.sweep import KeySweep
from fintech.ports.key_vault import KeyVault


@frozen(eq=False)
class KeyFigures(Collector):
    """The figures of one process."""

    vault: KeyVault
    sweep: KeySweep

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: no name can be taken twice."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The figures as they are now."""
        yield from self._lent()
        yield from self._asked()
        yield from self._stands()
        yield from self._swept()

    def _lent(self) -> Iterator[Metric]:
        figures = self.vault.figures
        yield _labelled(
            "fintech_key_leases_lent",
            "Leases by how they were come by.",
            "how",
            {"hit": figures.hits, "load": figures.loads, "renewal": figures.renewals},
        )
        yield _labelled(
            "fintech_key_leases_refused",
            "Leases that were refused, by reason.",
            "reason",
            {reason.value: count for reason, count in figures.refusals.items()},
        )
        yield _labelled(
            "fintech_key_leases_ended",
            "Leases that ended before their time.",
            "why",
            {"taken back": figures.evictions, "made room": figures.pushed_out},
        )
        yield _counted("fintech_key_loads_shed", "Loads turned away because too many waited.", figures.shed)
        yield _counted("fintech_key_messages_damaged", "Sealed values that did not open.", figures.damaged)

    def _asked(self) -> Iterator[Metric]:
        figures = self.vault.figures
        yield _counted("fintech_key_root_calls", "Calls to the keeper of root keys.", figures.root_calls)
        yield _labelled(
            "fintech_key_root_faults",
            "Calls to the keeper of root keys that came to nothing.",
            "fault",
            {fault.value: count for fault, count in figures.root_faults.items()},
        )
        yield _labelled(
            "fintech_key_table_looks",
            "Looks at the key table.",
            "result",
            {"seen": figures.looks - figures.failed_looks, "failed": figures.failed_looks},
        )

    def _stands(self) -> Iterator[Metric]:
        health = self.vault.health()
        yield GaugeMetricFamily("fintech_key_leases", "Leases in memory.", value=float(health.leases))
        yield GaugeMetricFamily(
            "fintech_key_custody_ready",
            "Whether keys can be lent now.",
            value=float(health.reason is None),
        )
        if health.look_age_s is not None:
            yield GaugeMetricFamily(
                "fintech_key_table_look_age_seconds",
                "How long ago the key table was last read.",
                value=health.look_age_s,
            )
        heartbeats = GaugeMetricFamily(
            "fintech_key_heartbeat_age_seconds", "How long ago the root last said yes.", labels=("cmk",)
        )
        for cmk, age_s in health.heartbeats_s.items():
            heartbeats.add_metric((cmk,), age_s)
        yield heartbeats

    def _swept(self) -> Iterator[Metric]:
        figures = self.sweep.figures
        yield GaugeMetricFamily(
            "fintech_key_sweep_leads", "Whether this process sweeps keys.", value=float(figures.leading)
        )
        yield _labelled(
            "fintech_key_sweep_findings",
            "What the sweep of keys found out.",
            "finding",
            {
                "root key shut": figures.shut,
                "root key opened": figures.opened,
                "merchant suspended": figures.suspended,
                "key damaged": figures.damaged,
            },
        )
        yield _counted("fintech_key_sweep_questions", "Questions of the sweep to the root.", figures.asked)
        yield _counted("fintech_key_sweep_unanswered", "Those without an answer.", figures.unanswered)
        yield GaugeMetricFamily(
            "fintech_key_sweep_round_seconds", "How long all merchants took.", value=figures.round_s
        )


def _counted(name: str, told: str, count: int) -> CounterMetricFamily:
    return CounterMetricFamily(name, told, value=float(count))


def _labelled(name: str, told: str, label: str, counts: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, told, labels=(label,))
    for value, count in counts.items():
        family.add_metric((value,), float(count))
    return family
