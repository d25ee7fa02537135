"""What every test may ask for: a real Postgres, started when the first test needs it and stopped with the last."""

import asyncio
import gc
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import settings
from sqlalchemy import URL, make_url
from xdist.scheduler import WorkStealingScheduling

from fintech.adapters.postgres import schema
from fintech.adapters.postgres.embedded import EmbeddedPostgres
from tests import softhsm as soft
from tests.scratch import SCRATCH
from tests.shares import slow_first

# Where Python may not keep what it has compiled, each command that a test starts would compile 300 modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

#: What others' processes are held to: its assertions tell what they found, too.
pytest.register_assert_rewrite("tests.scenarios.revoking")

#: Another Postgres (15 or later) to test on: a URL whose user may create databases.
DATABASE_URL = "FINTECH_TEST_DATABASE_URL"

#: Nothing that a test writes has to outlive the machine.
HASTY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "256MB",
    "min_wal_size": "64MB",
    "max_connections": "200",
    "autovacuum": "off",  # its workers would stand in the way of dropping a database
}

T = TypeVar("T")

settings.register_profile("fast", max_examples=50, deadline=None)
settings.register_profile("thorough", max_examples=2_000, deadline=None)
settings.load_profile("fast")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whatever asks for a database is marked for it; what is slow comes first."""
    for item in items:
        if "postgres_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.postgres)
    workers: dict[str, int] = getattr(config, "workerinput", {})
    items[:] = slow_first(items, workers.get("workercount", 1))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where nothing else is asked for, who has nothing left to do takes half of what another has left."""
    return WorkStealingScheduling(config, log) if config.getvalue("dist") == "load" else None


def pytest_collection_finish() -> None:
    """What was collected stays to the end: to look through it for garbage, again and again, takes a fifth of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def pytest_unconfigure(config: pytest.Config) -> None:
    """What was left out is the last thing that is said: a test that did not run has not passed."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput"):
        return
    reasons = Counter(
        str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        for report in reporter.stats.get("skipped", ())
    )
    if reasons:
        told = "; ".join(f"{count}: {reason.removeprefix('Skipped: ')}" for reason, count in reasons.items())
        config.get_terminal_writer().line(f"left out {reasons.total()} tests ({told})")


class Server:
    """A Postgres and a migrated database to copy; every copy is dropped when the test is over.

    What it is told goes over one connection, in a thread of its own: some callers have a loop, some have not.
    """

    def __init__(self, url: URL) -> None:
        self._url = url
        self._template = f"fintech_template_{uuid4().hex}"
        self._thread = ThreadPoolExecutor(1)
        self._runner = asyncio.Runner()
        self._connection: asyncpg.Connection | None = None

    def prepare(self) -> None:
        """Make the database that the others are copies of."""
        self._tell(f"create database {self._template}")
        done(lambda: schema.upgrade(spelt(self.url_of(self._template), "postgresql+asyncpg")))

    def new_database(self, *, like: str | None = None) -> str:
        """The name of a new database: a copy of another one, and by default an empty one that is up to date."""
        name = f"fintech_test_{uuid4().hex}"
        # The files are copied: to write them page by page into the log costs twice as much.
        self._tell(f"create database {name} template {like or self._template} strategy file_copy")
        return name

    def drop(self, name: str) -> None:
        """Drop a database whoever still uses it."""
        self._tell(f"drop database if exists {name} with (force)")

    def close(self) -> None:
        """Leave nothing behind."""
        self.drop(self._template)
        self._thread.submit(self._hang_up).result()
        self._thread.shutdown()

    def url_of(self, name: str) -> URL:
        """Where a database is."""
        return self._url.set(database=name)

    def _tell(self, command: str) -> None:
        async def tell() -> None:
            if self._connection is None:
                self._connection = await asyncpg.connect(spelt(self._url, "postgresql"))
            await self._connection.execute(command)

        self._thread.submit(lambda: self._runner.run(tell())).result()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._runner.run(self._connection.close())
        self._runner.close()


def spelt(url: URL, driver: str) -> str:
    """A URL as a driver reads it."""
    return url.set(drivername=driver).render_as_string(hide_password=False)


def done(work: Callable[[], Awaitable[T]]) -> T:
    """What asynchronous work comes to, whether or not a loop runs here."""

    async def run() -> T:
        return await work()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A server for this process (its own, so that nobody else's open transactions hold back the log of events)."""
    with ExitStack() as closing:
        given = os.environ.get(DATABASE_URL)
        if given is None:
            folder = Path(tempfile.mkdtemp(prefix="fintech-test-", dir=SCRATCH))
            closing.callback(shutil.rmtree, folder)
            folder.chmod(0o755)  # as root, the server runs as another account, which must reach it
            embedded = EmbeddedPostgres(folder / "data", settings=HASTY)
            given = closing.enter_context(embedded.running_blocking()).dsn
        server = Server(make_url(given))
        server.prepare()
        closing.callback(server.close)
        yield server


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[soft.SoftHsm]:
    """A token of this process's own, where SoftHSM is installed."""
    if soft.module() is None:
        pytest.skip(soft.MISSING)
    with soft.token_in(tmp_path_factory.mktemp("softhsm")) as token:
        yield token


@pytest.fixture
def empty_url(postgres_server: Server) -> Iterator[str]:
    """A database without any table, as SQLAlchemy spells it."""
    name = postgres_server.new_database(like="template0")
    yield spelt(postgres_server.url_of(name), "postgresql+asyncpg")
    postgres_server.drop(name)


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[URL]:
    """A database of this test's own, up to date and empty."""
    name = postgres_server.new_database()
    yield postgres_server.url_of(name)
    postgres_server.drop(name)


@pytest.fixture
def postgres_dsn(postgres_url: URL) -> str:
    """The database as libpq and asyncpg spell it."""
    return spelt(postgres_url, "postgresql")


@pytest.fixture
def sqlalchemy_url(postgres_url: URL) -> str:
    """The database as SQLAlchemy spells it."""
    return spelt(postgres_url, "postgresql+asyncpg")
