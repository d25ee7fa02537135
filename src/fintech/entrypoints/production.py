"""What no production may be started with (PCI DSS 2.2, 3.6.1): whoever forgets something is told, before anything is open."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, urlsplit

from fintech.entrypoints.key_settings import Environment, NotaryKind, RootKind, is_production
from fintech.entrypoints.settings import PREFIX, LogLevel, Settings, SettingsInvalid

#: A key of 32 random bytes has about 30 different ones; a sample that was copied from somewhere has few.
DISTINCT_BYTES_MIN: Final = 16

_COMMON_PASSWORDS: Final = frozenset({"", "admin", "changeme", "fintech", "password", "postgres", "secret"})


def require_production_worthy(settings: Settings) -> None:
    """Raises `SettingsInvalid` in production, with everything that is wrong; elsewhere anything goes.

    Production is what ``FINTECH_ENVIRONMENT`` calls so (`is_production`), and not whether there are live books: every
    deployment can have them, for they are how live mode is tried, and the simulators that are all there is outside
    production serve none.
    """
    if is_production(settings.environment):
        faults = [f"{PREFIX}{name.upper()}: {rule}" for name, rule in _faults(settings)]
        if faults:
            raise SettingsInvalid(f"not fit for {settings.environment}: " + "; ".join(faults))


def require_no_production(environment: Environment) -> None:
    """Raises `SettingsInvalid` in production, for a deployment that keeps its root keys beside its data."""
    if is_production(environment):
        raise SettingsInvalid(
            f"{PREFIX}ENVIRONMENT: {environment} has its data at {PREFIX}DATABASE_URL, for a folder holds its own root key"
        )


def _faults(settings: Settings) -> Iterator[tuple[str, str]]:
    keys = settings.keys
    if keys.root is RootKind.LOCAL:
        yield "keys_root", "is kms or pkcs11: the bank keeps the root"
    if keys.notary is NotaryKind.LOCAL:
        yield "keys_notary", "is kms: somebody else signs"
    if keys.officers_file is None:
        yield "keys_officers_file", "is missing: nobody's orders would be taken"
    if settings.audit.checkpoints_file is None:
        yield (
            "audit_checkpoints_file",
            "is missing: checkpoints are kept where the database's owner cannot remove them",
        )
    if keys.endpoint_url is not None and not keys.endpoint_url.startswith("https://"):
        yield "keys_endpoint_url", "begins with https://"
    if settings.log_level is LogLevel.DEBUG:
        yield "log_level", "is info, warning or error"
    if settings.digest_key is not None and len(set(settings.digest_key)) < DISTINCT_BYTES_MIN:
        yield "digest_key", "is random: this one is a sample"
    if settings.database_url is not None and _has_common_password(settings.database_url):
        yield "database_url", "has a password of its own: this one is everybody's"


def _has_common_password(url: str) -> bool:
    """A URL without a password is one of a client certificate, a password file or a token."""
    parts = urlsplit(url)
    return parts.password is not None and unquote(parts.password).lower() in {
        *_COMMON_PASSWORDS,
        unquote(parts.username or "").lower(),
    }
