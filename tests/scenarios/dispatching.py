"""A dispatcher in a process of its own, to be killed: ``python -m tests.scenarios.dispatching DSN LEASE_S``."""

import asyncio
import sys
from datetime import timedelta

import fintech
from fintech.application.webhooks import dispatch
from fintech.entrypoints.worker import dispatcher

DIGEST_KEY = bytes(32)


async def work(dsn: str) -> None:
    """Dispatch until the end."""
    async with fintech.on_postgres(dsn, digest_key=DIGEST_KEY) as core:
        print("ready", flush=True)
        await dispatcher(core).run(0.02)


if __name__ == "__main__":
    dispatch.LEASE = timedelta(seconds=float(sys.argv[2]))  # type: ignore[misc] # so that nobody waits a minute
    dispatch.LEASE_RESERVE = timedelta()  # type: ignore[misc] # the same
    asyncio.run(work(sys.argv[1]))
