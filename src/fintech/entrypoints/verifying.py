"""Verifying the audit trail of a deployment: on connections that only read, beside the core. Names its adapters."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from fintech.adapters.system.clock import SystemClock
from fintech.application.audit import FirstKeys, SealedFirstKeys, VerifyAudit
from fintech.entrypoints.auditing import CHECKPOINTS_FILE, checkpoints_in
from fintech.entrypoints.key_custody import (
    Custody,
    custody_as_set,
    custody_in_folder,
    public_keys,
)
from fintech.entrypoints.key_settings import NotaryKind
from fintech.entrypoints.profiles import CannotOpen
from fintech.entrypoints.settings import PREFIX, Settings, SettingsInvalid
from fintech.ports.errors import PortError
from fintech.ports.signatures import SignatureChecker


@asynccontextmanager
async def verifier_in_folder(folder: Path, first_keys: FirstKeys | None = None) -> AsyncIterator[VerifyAudit]:
    """Verifies what is in a data folder, with ``first_keys`` or those that its root unseals. Raises `CannotOpen`."""
    from fintech.adapters.postgres import embedded  # noqa: PLC0415 - spares others its weight

    async with AsyncExitStack() as closing:
        try:
            server = await closing.enter_async_context(embedded.EmbeddedPostgres(folder).running())
            custody = custody_in_folder(
                closing, folder, hanging=True
            )  # there is a trail, or nothing to verify
            notaries = _own_notary(custody)
            opening = _on(server.dsn, custody, notaries, folder / CHECKPOINTS_FILE, first_keys)
            verify = await closing.enter_async_context(opening)
        except (embedded.EmbeddedPostgresError, PortError) as error:
            raise CannotOpen(str(error).partition("\n")[0]) from error
        except OSError as error:
            raise CannotOpen(f"{folder} cannot be used: {error}") from error
        yield verify


@asynccontextmanager
async def owned_database(folder: Path) -> AsyncIterator[str]:
    """The address at which a data folder's owner reaches its database, with every right: against whom it is verified."""
    from fintech.adapters.postgres import embedded  # noqa: PLC0415 - spares others its weight

    try:
        async with embedded.EmbeddedPostgres(folder).running() as server:
            yield server.dsn
    except embedded.EmbeddedPostgresError as error:
        raise CannotOpen(str(error).partition("\n")[0]) from error


@asynccontextmanager
async def verifier_as_set(
    settings: Settings, first_keys: FirstKeys | None = None
) -> AsyncIterator[VerifyAudit]:
    """Verifies what is at ``settings.database_url``, as whoever may read there. Raises `CannotOpen`, `SettingsInvalid`."""
    async with AsyncExitStack() as closing:
        url, custody = settings.addressed(), custody_as_set(closing, settings)
        notaries = _notaries_as_set(settings, custody)
        opening = _on(url, custody, notaries, settings.audit.checkpoints_file, first_keys)
        try:
            verify = await closing.enter_async_context(opening)
        except PortError as error:
            raise CannotOpen(f"FINTECH_DATABASE_URL: {error}") from error
        yield verify


@asynccontextmanager
async def _on(
    dsn: str,
    custody: Custody,
    notaries: SignatureChecker,
    checkpoints_file: Path | None,
    first_keys: FirstKeys | None,
) -> AsyncIterator[VerifyAudit]:
    from fintech.adapters.postgres.audit_sink import (  # noqa: PLC0415 - spares others its weight
        PostgresAuditSink,
        PostgresCheckpoints,
    )
    from fintech.adapters.postgres.connections import open_pool  # noqa: PLC0415 - the same

    async with open_pool(dsn, read_only=True) as pool:
        yield VerifyAudit(
            sink=PostgresAuditSink(pool),
            checkpoints=checkpoints_in(checkpoints_file) if checkpoints_file else PostgresCheckpoints(pool),
            signatures=notaries,
            first_keys=first_keys
            or SealedFirstKeys(root=custody.key_root(), environment=custody.terms.environment),
            clock=SystemClock(),
            environment=custody.terms.environment,
        )


def _notaries_as_set(settings: Settings, custody: Custody) -> SignatureChecker:
    path = settings.audit.notaries_file
    if path is not None:
        return public_keys(path, f"{PREFIX}AUDIT_NOTARIES_FILE")
    if settings.keys.notary is not NotaryKind.LOCAL:
        raise SettingsInvalid(
            f"{PREFIX}AUDIT_NOTARIES_FILE is missing: the public keys of who signs checkpoints"
        )
    return _own_notary(custody)


def _own_notary(custody: Custody) -> SignatureChecker:
    """Of a deployment that signs for itself."""
    from fintech.adapters.crypto.notary import LocalNotary  # noqa: PLC0415 - spares others its weight
    from fintech.adapters.crypto.signatures import Ed25519Checker  # noqa: PLC0415 - the same

    notary = custody.notary()
    assert isinstance(notary, LocalNotary)
    return Ed25519Checker({notary.name: notary.public_key})
