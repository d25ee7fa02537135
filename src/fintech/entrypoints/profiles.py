"""Deployments of the core: the only module that names a core's adapters. Each is an async context manager that yields a `Core`.

| profile     | books                        | acquirer and bank       | clock and ids      |
|-------------|------------------------------|-------------------------|--------------------|
| `testing`   | memory                       | simulators, scriptable  | by hand, counting  |
| `in_memory` | memory                       | simulators              | the machine's      |
| `embedded`  | own PostgreSQL, in a folder  | simulators with journal | the machine's      |
| `container` | PostgreSQL at an address     | simulators              | the machine's      |

The simulators never serve live mode.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from os import PathLike
from pathlib import Path
from typing import Final

from attrs import asdict, frozen
from dependency_injector import providers

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.id_source import CountingIdSource
from fintech.adapters.memory.key_table import MemoryKeyTable
from fintech.adapters.memory.outbox import MemoryOutbox
from fintech.adapters.memory.proofs import MemoryProofs
from fintech.adapters.memory.protected_store import MemoryProtectedStore
from fintech.adapters.memory.queries import MemoryQueries
from fintech.adapters.memory.store import MemoryStore
from fintech.adapters.memory.webhook_sender import MemoryWebhookSender
from fintech.adapters.simulator.card_acquirer import SimulatedAcquirer
from fintech.adapters.simulator.card_vault import SimulatedCardVault
from fintech.adapters.simulator.payout_bank import SimulatedPayoutBank
from fintech.adapters.simulator.terminal import SimulatedTerminal
from fintech.adapters.system.clock import SystemClock
from fintech.adapters.system.id_source import RandomIdSource
from fintech.adapters.system.keyed_digest import LocalDigest
from fintech.domain.tax_invoices import SPECIMEN, Supplier
from fintech.entrypoints import custody_standins
from fintech.entrypoints.container import Core
from fintech.entrypoints.repeating import repeated
from fintech.entrypoints.secret_files import keep_secret, make_private_file, read_secret
from fintech.entrypoints.settings import DIGEST_KEY_BYTES_MIN, Settings, read_settings
from fintech.ports.card_acquirer import CardAcquirer
from fintech.ports.clock import Clock
from fintech.ports.errors import PortError
from fintech.ports.id_source import IdSource
from fintech.ports.key_table import KeyTable
from fintech.ports.outbox import Outbox
from fintech.ports.payout_bank import PayoutBank
from fintech.ports.proofs import Proofs
from fintech.ports.protected_store import ProtectedStore
from fintech.ports.queries import Page, Queries
from fintech.ports.signatures import SignatureChecker
from fintech.ports.store import Store
from fintech.ports.webhook_sender import WebhookSender

#: What a data folder holds beside its server's own files.
DIGEST_KEY_FILE: Final = "digest-key"
JOURNAL_FILE: Final = "simulator.jsonl"
BANK_JOURNAL_FILE: Final = "payout-bank.jsonl"


class CannotOpen(Exception):
    """The deployment cannot be had. The message is one line that says what to do."""


@frozen
class Ports:
    """What is different from one kind of store to the other, by the names that the core has for it."""

    store: Store
    queries: Queries
    proofs: Proofs
    outbox: Outbox
    key_table: KeyTable
    protected: ProtectedStore


@frozen
class Outside:
    """Who is asked for money, who pays it out, and what tells others."""

    acquirer: providers.Provider[CardAcquirer]
    bank: providers.Provider[PayoutBank]
    webhook_sender: providers.Provider[WebhookSender]


@asynccontextmanager
async def testing(
    *,
    acquirer: SimulatedAcquirer | None = None,
    bank: SimulatedPayoutBank | None = None,
    clock: ManualClock | None = None,
    sender: MemoryWebhookSender | None = None,
    officers: SignatureChecker | None = None,
) -> AsyncIterator[Core]:
    """Everything in memory, with a clock moved by hand, ids that count and webhooks that are kept: for anyone's tests."""
    clock = clock or ManualClock()
    outside = _simulated(
        acquirer or SimulatedAcquirer(answer_timeout_s=0),
        bank or SimulatedPayoutBank(clock, answer_timeout_s=0),
        providers.Object(sender or MemoryWebhookSender()),
    )
    yield _core(
        _memory(clock), outside, clock, CountingIdSource(), bytes(DIGEST_KEY_BYTES_MIN), officers=officers
    )


testing.__test__ = False  # type: ignore[attr-defined] # tells pytest, wherever it is imported, that it is no test


@asynccontextmanager
async def in_memory() -> AsyncIterator[Core]:
    """Everything in this process's memory, and gone with it: to try the core, or to embed it where nothing is kept."""
    clock, key = SystemClock(), secrets.token_bytes(DIGEST_KEY_BYTES_MIN)
    async with AsyncExitStack() as closing:
        outside = _simulated(SimulatedAcquirer(), SimulatedPayoutBank(clock), _sender(closing))
        yield _core(_memory(clock), outside, clock, RandomIdSource(), key)


@asynccontextmanager
async def embedded(data_dir: str | PathLike[str], *, supplier: Supplier = SPECIMEN) -> AsyncIterator[Core]:
    """On a PostgreSQL of its own in a folder, which is made at first use and brought up to date.

    Any number of processes may use the same folder at once; the server stops with the last. Raises `CannotOpen`.
    """
    async with AsyncExitStack() as closing:
        yield await _open_folder(closing, Path(data_dir), supplier)


@asynccontextmanager
async def container(settings: Settings) -> AsyncIterator[Core]:
    """On the PostgreSQL at ``settings.database_url``, whose schema is at head. Raises `CannotOpen`."""
    async with AsyncExitStack() as closing:
        yield await _open_address(closing, settings)


def on_postgres(database_url: str, *, digest_key: bytes) -> AbstractAsyncContextManager[Core]:
    """`container` for programs: what its variables would say, as arguments. Raises `SettingsInvalid`."""
    return container(
        read_settings({"FINTECH_DATABASE_URL": database_url, "FINTECH_DIGEST_KEY": digest_key.hex()})
    )


def simulated_terminal(host: str, port: int, number: str) -> SimulatedTerminal:
    """A terminal for a gateway that listens somewhere, with test cards to be put into it. Use it as a context."""
    return SimulatedTerminal(host, port, number, SystemClock())


@asynccontextmanager
async def webhook_forwarder() -> AsyncIterator[WebhookSender]:
    """A sender for whoever forwards to a URL of his own choice: it refuses no address."""
    from fintech.adapters.webhooks.sender import HttpSender  # noqa: PLC0415 - spares others its weight

    sender = HttpSender(anywhere=True)
    try:
        yield sender
    finally:
        await sender.close()


async def upgrade(settings: Settings) -> str:
    """Bring the tables at ``settings.database_url`` up to date; the revision they have now. Raises `CannotOpen`."""
    from fintech.adapters.postgres import database, schema  # noqa: PLC0415 - spares others its weight

    try:
        return await schema.upgrade(database.sqlalchemy_url(settings.addressed()))
    except PortError as error:
        raise CannotOpen(f"FINTECH_DATABASE_URL: {error}") from error


async def _open_folder(closing: AsyncExitStack, folder: Path, supplier: Supplier) -> Core:
    from fintech.adapters.postgres import database, embedded, schema  # noqa: PLC0415 - spares others its weight

    clock = SystemClock()
    try:
        server = await closing.enter_async_context(embedded.EmbeddedPostgres(folder).running())
        await schema.upgrade(server.sqlalchemy_url)
        await closing.enter_async_context(repeated(server.ensure))
        opened = await closing.enter_async_context(database.open_database(server.dsn, clock))
        key = await _folder_key(folder / DIGEST_KEY_FILE, opened.queries)
        make_private_file(folder / JOURNAL_FILE)
        make_private_file(folder / BANK_JOURNAL_FILE)
    except (embedded.EmbeddedPostgresError, PortError) as error:
        raise CannotOpen(str(error).partition("\n")[0]) from error
    except OSError as error:
        raise CannotOpen(f"{folder} cannot be used: {error}") from error

    def acquirer() -> CardAcquirer:
        """Made when it is first asked, for it reads its journal then; most commands never ask an acquirer."""
        made = SimulatedAcquirer(journal=folder / JOURNAL_FILE)
        closing.callback(made.close)
        return made

    def bank() -> PayoutBank:
        """Made when it is first asked, for the same reason."""
        made = SimulatedPayoutBank(clock, journal=folder / BANK_JOURNAL_FILE)
        closing.callback(made.close)
        return made

    ports = Ports(**asdict(opened, recurse=False))
    outside = Outside(providers.Singleton(acquirer), providers.Singleton(bank), _sender(closing))
    return _core(ports, outside, clock, RandomIdSource(), key, supplier)


async def _open_address(closing: AsyncExitStack, settings: Settings) -> Core:
    from fintech.adapters.postgres import database, schema  # noqa: PLC0415 - spares others its weight

    url, key, supplier = settings.addressed(), settings.keyed(), settings.supplier.named()
    clock = SystemClock()
    try:
        await schema.require_head(database.sqlalchemy_url(url))
        opened = await closing.enter_async_context(database.open_database(url, clock))
    except PortError as error:
        raise CannotOpen(f"FINTECH_DATABASE_URL: {error}") from error
    ports = Ports(**asdict(opened, recurse=False))
    outside = _simulated(SimulatedAcquirer(), SimulatedPayoutBank(clock), _sender(closing))
    return _core(ports, outside, clock, RandomIdSource(), key, supplier)


async def _folder_key(path: Path, queries: Queries) -> bytes:
    """The digest key of a folder: made with the folder, never again once anything hangs on it."""
    kept = read_secret(path)
    if kept is None:
        for livemode in (False, True):
            if (await queries.merchants(livemode, Page(limit=1))).items:
                raise CannotOpen(f"{path} is gone, and with it every API key's worth: restore it")
        kept = keep_secret(path, secrets.token_hex(DIGEST_KEY_BYTES_MIN))
    try:
        return bytes.fromhex(kept)
    except ValueError:
        raise CannotOpen(f"{path} is damaged: restore it") from None


def _memory(clock: Clock) -> Ports:
    store = MemoryStore(clock)
    return Ports(
        store=store,
        queries=MemoryQueries(store.memory),
        proofs=MemoryProofs(store.memory),
        outbox=MemoryOutbox(store.memory),
        key_table=MemoryKeyTable(),
        protected=MemoryProtectedStore(),
    )


def _sender(closing: AsyncExitStack) -> providers.Provider[WebhookSender]:
    """Made when something is first sent: most commands never send anything, and are spared the HTTP client."""

    def made() -> WebhookSender:
        from fintech.adapters.webhooks.sender import HttpSender  # noqa: PLC0415 - spares others its weight

        sender = HttpSender()
        closing.push_async_callback(sender.close)
        return sender

    return providers.Singleton(made)


def _simulated(
    acquirer: CardAcquirer, bank: PayoutBank, sender: providers.Provider[WebhookSender]
) -> Outside:
    return Outside(providers.Object(acquirer), providers.Object(bank), sender)


def _core(
    ports: Ports,
    outside: Outside,
    clock: Clock,
    ids: IdSource,
    key: bytes,
    supplier: Supplier = SPECIMEN,
    officers: SignatureChecker | None = None,
) -> Core:
    digests = LocalDigest(key)
    core = Core(
        **asdict(ports, recurse=False),
        acquirer=outside.acquirer,
        bank=outside.bank,
        webhook_sender=outside.webhook_sender,
        vault=SimulatedCardVault(digests, clock),
        clock=clock,
        ids=ids,
        digests=digests,
        supplier=supplier,
        **custody_standins.standins(ports.key_table, clock, ids, key, officers),
    )
    core.check_dependencies()
    return core
