"""Runs subjects in processes of their own, and pgbench beside them, on one Postgres of this run."""

import json
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

ROOT = Path(__file__).parents[2]


@frozen
class Bench:
    """A database for the payments, one for pgbench, and the folder of the wheel's binaries."""

    dsn: str
    pgbench_dsn: str
    pgbench: Path
    seconds: float
    captures_max: int

    def subject(self, path: str, *, callers: int, processes: int = 1, **options: Any) -> dict[str, float]:
        """The figures of one path, summed over its processes."""
        command = [sys.executable, "-m", "tests.benchmarks.subject", "--path", path, "--dsn", self.dsn]
        command += ["--callers", str(callers // processes), "--seconds", str(self.seconds)]
        for name, value in options.items():
            if value is True:
                command.append(f"--{name}")
            elif value:
                command += [f"--{name}", str(value)]
        running = [
            subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(processes)
        ]
        for process in running:
            assert process.stdout is not None
            if process.stdout.readline().strip() != "ready":
                raise SystemExit(f"{path} did not start")
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        figures = [json.loads(process.communicate(timeout=120)[0]) for process in running]
        total: dict[str, float] = {
            "per_second": sum(each["per_second"] for each in figures),
            "p99_ms": max(each["p99_ms"] for each in figures),
            "refused": sum(each["refused"] for each in figures),
            "cpu_us": statistics.mean(each["cpu_us"] for each in figures),
        }
        return total

    def tpcb(self) -> dict[str, float]:
        """pgbench's TPC-B: scale 10, prepared, 8 clients."""
        command = [str(self.pgbench), "--protocol=prepared", "--client=8", "--jobs=1"]
        command += [f"--time={max(round(self.seconds), 1)}", "--no-vacuum", self.pgbench_dsn]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = re.search(r"tps = ([\d.]+)", output)
        latency = re.search(r"latency average = ([\d.]+)", output)
        assert found is not None
        assert latency is not None
        return {"per_second": float(found[1]), "p99_ms": 0, "refused": 0, "cpu_us": 0}


@frozen
class Ratio:
    """One row of the table: a measure over another, and what it has to reach."""

    name: str
    over: str
    under: str
    target: float
    smaller_is_better: bool = False


@define
class Rounds:
    """The figures of all rounds, by measure."""

    figures: dict[str, list[dict[str, float]]] = field(factory=dict)

    def run(self, measures: dict[str, Callable[[], dict[str, float]]], rounds: int) -> None:
        """Every measure once a round, one after the other, so that each round is one moment of the machine."""
        for number in range(1, rounds + 1):
            for name, measure in measures.items():
                figure = measure()
                self.figures.setdefault(name, []).append(figure)
                print(f"  round {number}  {name:<44}{figure['per_second']:>10,.0f} /s", flush=True)

    def ratio(self, row: Ratio) -> tuple[float, float, float]:
        """Median, least and greatest of the ratio inside each round."""
        pairs = zip(self.figures[row.over], self.figures[row.under], strict=True)
        ratios = [over["per_second"] / under["per_second"] for over, under in pairs if under["per_second"]]
        return statistics.median(ratios), min(ratios), max(ratios)

    def show(self, rows: list[Ratio]) -> bool:
        """Print the figures and the ratios; whether every target is reached."""
        print(f"\n{'measure':<48}{'median /s':>12}{'p99 ms':>9}{'cpu us':>8}{'refused':>9}")
        for name, figures in self.figures.items():
            median = statistics.median(each["per_second"] for each in figures)
            p99 = statistics.median(each.get("p99_ms", 0) for each in figures)
            cpu = statistics.median(each.get("cpu_us", 0) for each in figures)
            refused = sum(each.get("refused", 0) for each in figures)
            print(f"{name:<48}{median:>12,.0f}{p99:>9.1f}{cpu:>8.0f}{refused:>9,.0f}")
        print(f"\n{'ratio (median of rounds [least, greatest])':<74}{'target':>8}")
        reached = True
        for row in rows:
            median, least, greatest = self.ratio(row)
            fine = median <= row.target if row.smaller_is_better else median >= row.target
            reached &= fine
            sign = "<=" if row.smaller_is_better else ">="
            print(
                f"{row.name:<52}{median:>7.2f} [{least:.2f}, {greatest:.2f}]"
                f"{'':<4}{sign} {row.target:<6}{'ok' if fine else 'SHORT'}"
            )
        return reached
