"""``fintech db``: a database's tables."""

import asyncio
from pathlib import Path

import click

from fintech.entrypoints import profiles
from fintech.entrypoints.cli.options import data_option, json_option
from fintech.entrypoints.cli.printing import print_json
from fintech.entrypoints.cli.working import MissingData, ending, settings, work
from fintech.entrypoints.container import Core


@click.group()
def db() -> None:
    """Bring a database's tables up to date."""


@db.command()
@data_option
@json_option
def upgrade(data: Path | None, as_json: bool) -> None:
    """Bring the tables up to date. Safe while a service runs, which goes on working with them.

    A data folder is brought up to date by whoever opens it; this does only that.
    """
    revision = None
    if data is not None:
        work(data, _nothing_more)
    else:
        read = settings()
        if read.database_url is None:
            raise MissingData
        with ending():
            revision = asyncio.run(profiles.upgrade(read))
    if as_json:
        print_json({"up_to_date": True, "revision": revision})
    else:
        print(f"the tables are up to date{f': {revision}' if revision else ''}")


async def _nothing_more(_core: Core) -> None:
    """Opening the folder was all."""
