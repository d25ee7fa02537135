"""Deployments of the core, each an async context manager that yields a `Core`. Nobody names a core's adapters but this module,
`outside`, `auditing` and `key_custody`, which has the table of who keeps root keys.

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
from typing import Any, Final

from attrs import asdict, evolve
from dependency_injector import providers

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.id_source import CountingIdSource
from fintech.adapters.memory.webhook_sender import MemoryWebhookSender
from fintech.adapters.simulator.card_acquirer import SimulatedAcquirer
from fintech.adapters.simulator.card_directory import SimulatedCardDirectory
from fintech.adapters.simulator.payout_bank import SimulatedPayoutBank
from fintech.adapters.simulator.terminal import SimulatedTerminal
from fintech.adapters.system.clock import SystemClock
from fintech.adapters.system.id_source import RandomIdSource
from fintech.adapters.system.keyed_digest import LocalDigest
from fintech.application.sealing_anew import ResealTouched
from fintech.domain.tax_invoices import SPECIMEN, Supplier
from fintech.entrypoints.audit_settings import AuditSettings
from fintech.entrypoints.auditing import CHECKPOINTS_FILE, checkpoints_in, trail_on
from fintech.entrypoints.container import Core
from fintech.entrypoints.keeping import Ports, kept_in_memory
from fintech.entrypoints.key_custody import (
    Custody,
    custody_as_set,
    custody_in_folder,
    custody_in_memory,
    sweep_terms,
    vault_on,
)
from fintech.entrypoints.key_settings import DEVELOPMENT, Environment
from fintech.entrypoints.outside import Outside, over_http, simulated, simulated_in_folder
from fintech.entrypoints.production import require_no_production, require_production_worthy
from fintech.entrypoints.repeating import repeated
from fintech.entrypoints.secret_files import keep_secret, read_secret
from fintech.entrypoints.settings import DIGEST_KEY_BYTES_MIN, Settings, read_settings
from fintech.ports.clock import Clock
from fintech.ports.errors import PortError
from fintech.ports.id_source import IdSource
from fintech.ports.key_root import KeyRoot
from fintech.ports.key_vault import KeyVault
from fintech.ports.queries import Page, Queries
from fintech.ports.signatures import SignatureChecker
from fintech.ports.webhook_sender import WebhookSender

#: What a data folder holds beside its server's own files, and what `key_custody` and `outside` keep in it.
DIGEST_KEY_FILE: Final = "digest-key"


class CannotOpen(Exception):
    """The deployment cannot be had. The message is one line that says what to do."""


@asynccontextmanager
async def testing(
    *,
    acquirer: SimulatedAcquirer | None = None,
    bank: SimulatedPayoutBank | None = None,
    clock: ManualClock | None = None,
    sender: MemoryWebhookSender | None = None,
    root: KeyRoot | None = None,
    officers: SignatureChecker | None = None,
    key_vault: KeyVault | None = None,
) -> AsyncIterator[Core]:
    """Everything in memory, with a clock moved by hand, ids that count and webhooks that are kept: for anyone's tests."""
    clock = clock or ManualClock()
    outside = simulated(
        acquirer or SimulatedAcquirer(answer_timeout_s=0),
        bank or SimulatedPayoutBank(clock, answer_timeout_s=0),
        providers.Object(sender or MemoryWebhookSender()),
    )
    async with AsyncExitStack() as closing:
        custody = custody_in_memory(closing, root, officers)
        key = bytes(DIGEST_KEY_BYTES_MIN)
        yield _core(
            closing,
            kept_in_memory(clock),
            outside,
            custody,
            clock,
            CountingIdSource(),
            key,
            attended=False,
            lending=key_vault,
        )


testing.__test__ = False  # type: ignore[attr-defined] # tells pytest, wherever it is imported, that it is no test


@asynccontextmanager
async def in_memory() -> AsyncIterator[Core]:
    """Everything in this process's memory, and gone with it: to try the core, or to embed it where nothing is kept."""
    clock, key = SystemClock(), secrets.token_bytes(DIGEST_KEY_BYTES_MIN)
    async with AsyncExitStack() as closing:
        outside = simulated(SimulatedAcquirer(), SimulatedPayoutBank(clock), over_http(closing))
        custody = custody_in_memory(closing)
        yield _core(closing, kept_in_memory(clock), outside, custody, clock, RandomIdSource(), key)


@asynccontextmanager
async def embedded(
    data_dir: str | PathLike[str], *, supplier: Supplier = SPECIMEN, environment: Environment = DEVELOPMENT
) -> AsyncIterator[Core]:
    """On a PostgreSQL of its own in a folder, which is made at first use and brought up to date.

    Any number of processes may use the same folder at once; the server stops with the last. Raises `CannotOpen`, and
    `SettingsInvalid` in production.
    """
    require_no_production(environment)
    async with AsyncExitStack() as closing:
        yield await _open_folder(closing, Path(data_dir), supplier)


@asynccontextmanager
async def container(settings: Settings) -> AsyncIterator[Core]:
    """On the PostgreSQL at ``settings.database_url``, whose schema is at head. Raises `CannotOpen`, `SettingsInvalid`."""
    require_production_worthy(settings)
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
async def kms_simulator(
    host: str, port: int, *, state: Path | None, grant_delay_s: float
) -> AsyncIterator[dict[str, Any]]:
    """AWS KMS as the bank would keep it, simulated meanwhile: where, and with which keys. Raises `CannotOpen`."""
    from fintech.adapters.simulator.kms.server import SimulatedKms  # noqa: PLC0415 - spares others its weight

    try:
        kms = SimulatedKms(state=state, grant_delay_s=grant_delay_s)
    except OSError as error:
        raise CannotOpen(f"{state} cannot be used: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CannotOpen(f"{state} is damaged, or was never kept by this simulator") from error
    async with AsyncExitStack() as closing:
        try:
            running = await closing.enter_async_context(kms.running(host, port))
        except OSError as error:
            raise CannotOpen(f"cannot listen on {host}, port {port}: {error.strerror}") from error
        yield running.told()


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
        outside = simulated_in_folder(closing, folder, clock)
        hanging = await opened.key_table.rings(None, None, 1) or await opened.audit_sink.streams("", 1)
        custody = custody_in_folder(closing, folder, hanging=bool(hanging))
    except (embedded.EmbeddedPostgresError, PortError) as error:
        raise CannotOpen(str(error).partition("\n")[0]) from error
    except OSError as error:
        raise CannotOpen(f"{folder} cannot be used: {error}") from error
    ports = Ports(**asdict(opened, recurse=False))
    ports = evolve(ports, checkpoints=checkpoints_in(folder / CHECKPOINTS_FILE))
    return _core(closing, ports, outside, custody, clock, RandomIdSource(), key, supplier)


async def _open_address(closing: AsyncExitStack, settings: Settings) -> Core:
    from fintech.adapters.postgres import database, schema  # noqa: PLC0415 - spares others its weight

    url, key, supplier = settings.addressed(), settings.keyed(), settings.supplier.named()
    custody = custody_as_set(closing, settings)
    clock = SystemClock()
    try:
        await schema.require_head(database.sqlalchemy_url(url))
        opened = await closing.enter_async_context(database.open_database(url, clock))
    except PortError as error:
        raise CannotOpen(f"FINTECH_DATABASE_URL: {error}") from error
    ports = Ports(**asdict(opened, recurse=False))
    if settings.audit.checkpoints_file is not None:
        ports = evolve(ports, checkpoints=checkpoints_in(settings.audit.checkpoints_file))
    outside = simulated(SimulatedAcquirer(), SimulatedPayoutBank(clock), over_http(closing))
    ids = RandomIdSource()
    return _core(closing, ports, outside, custody, clock, ids, key, supplier, auditing=settings.audit)


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


def _core(
    closing: AsyncExitStack,
    ports: Ports,
    outside: Outside,
    custody: Custody,
    clock: Clock,
    ids: IdSource,
    key: bytes,
    supplier: Supplier = SPECIMEN,
    *,
    auditing: AuditSettings | None = None,
    attended: bool = True,
    lending: KeyVault | None = None,
) -> Core:
    digests = LocalDigest(key)
    touched = ResealTouched(protected=ports.protected)
    closing.push_async_callback(touched.close)
    trail = trail_on(closing, custody, ports.audit_sink, ports.checkpoints, clock, ids, auditing)
    key_vault = vault_on(
        closing,
        custody,
        table=ports.key_table,
        audit=trail.audit,
        clock=clock,
        ids=ids,
        attended=attended,
        given=lending,
    )
    core = Core(
        **asdict(ports, recurse=False),
        **asdict(outside, recurse=False),
        **asdict(trail, recurse=False),
        key_root=custody.key_root,
        officers=custody.officers,
        notary=custody.notary,
        key_policy=custody.terms.policy,
        key_environment=custody.terms.environment,
        key_vault=key_vault,
        reseal_touched=touched,
        sweep_terms=sweep_terms(custody.terms),
        cards=SimulatedCardDirectory(digests, clock),
        clock=clock,
        ids=ids,
        digests=digests,
        supplier=supplier,
    )
    core.check_dependencies()
    return core
