"""One process that settles everybody. Prints its figures as JSON: seconds, settlements, the most memory it had."""

import argparse
import asyncio
import json
import time
from datetime import date
from pathlib import Path

from fintech.application.settlement import SettledAll
from fintech.domain.scope import Actor, Face
from fintech.entrypoints import profiles

ACTOR = Actor("bench", Face.EMBEDDED)


def peak_mib() -> float:
    """The most memory that this process has had since it was started."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


async def run(dsn: str, through: date) -> tuple[SettledAll, float]:
    """Settle, as `fintech settle --all` does."""
    async with profiles.on_postgres(dsn, digest_key=bytes(32)) as core:
        started = time.perf_counter()
        ran = await core.settle_everybody()(ACTOR, livemode=False, through=through, told=lambda _: None)
        return ran, time.perf_counter() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--through", type=date.fromisoformat, required=True)
    options = parser.parse_args()
    settled, seconds = asyncio.run(run(options.dsn, options.through))
    figures = {"seconds": seconds, "settlements": settled.settlements, "troubled": settled.troubled}
    print(json.dumps({**figures, "peak_mib": peak_mib()}), flush=True)
