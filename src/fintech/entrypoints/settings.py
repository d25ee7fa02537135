"""Settings: what the environment says, read once at the start. Whatever is wrong is said by the variable's name."""

import math
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NewType, TypeVar
from urllib.parse import urlsplit

import attrs
from attrs import field, frozen
from attrs.validators import ge, le, optional
from cattrs import Converter

from fintech.domain.abn import Abn
from fintech.domain.tax_invoices import SPECIMEN, Supplier
from fintech.entrypoints.audit_settings import AuditSettings
from fintech.entrypoints.http.settings import HttpSettings
from fintech.entrypoints.key_settings import (
    DEVELOPMENT,
    CmkNames,
    Environment,
    KeySettings,
    NotaryKind,
    RootKind,
    environment_of,
    names_of,
)
from fintech.entrypoints.terminals.settings import TerminalSettings

PREFIX: Final = "FINTECH_"
DIGEST_KEY_BYTES_MIN: Final = 32
#: Longest name or address that fits on a document, in characters.
LINE_MAX: Final = 120

#: Address, user and password of a database, as libpq spells it: ``postgresql://…``.
DatabaseUrl = NewType("DatabaseUrl", str)
#: What digests are keyed with: API keys, card fingerprints. Whoever changes it changes them all.
DigestKey = NewType("DigestKey", bytes)

T = TypeVar("T")


class LogLevel(StrEnum):
    """From which severity on something is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class SettingsInvalid(ValueError):
    """A variable is missing or wrong. The message names each, and shows no secret."""


def _seconds(most: float) -> Any:
    return [ge(0.0), le(most)]


def _one_line(_instance: object, _attribute: object, text: str) -> None:
    if len(text) > LINE_MAX or not text.isprintable():
        raise ValueError(f"is one line of at most {LINE_MAX} characters")


@frozen(kw_only=True)
class SupplierSettings:
    """Who we are on tax invoices: all three or none."""

    legal_name: str | None = field(default=None, validator=optional(_one_line))
    abn: Abn | None = None
    address: str | None = field(default=None, validator=optional(_one_line))

    def named(self) -> Supplier:
        """The supplier, or the specimen where nobody has said. Raises `SettingsInvalid` for half of one."""
        if self.legal_name is None and self.abn is None and self.address is None:
            return SPECIMEN
        if self.legal_name is None or self.abn is None or self.address is None:
            raise SettingsInvalid(
                f"{PREFIX}SUPPLIER_LEGAL_NAME, {PREFIX}SUPPLIER_ABN, {PREFIX}SUPPLIER_ADDRESS: say all three, or none"
            )
        return Supplier(legal_name=self.legal_name, abn=self.abn, address=self.address)


@frozen(kw_only=True)
class Settings:
    """Each field is read from the variable ``FINTECH_`` and the field's name in capitals; ``audit`` from
    FINTECH_AUDIT_…, ``http`` from FINTECH_HTTP_…, ``keys`` from FINTECH_KEYS_…, ``supplier`` from FINTECH_SUPPLIER_…, ``terminals`` from FINTECH_TERMINALS_….

    ``sweep_interval_s`` is how often the sweeper looks for what is due, ``webhook_interval_s`` how often the dispatcher of
    webhooks does. When told to stop, a service answers 503 to
    readiness probes for ``drain_delay_s`` while it still takes requests, then finishes what it has, for at most
    ``drain_s``.
    """

    database_url: DatabaseUrl | None = field(default=None, repr=False)
    digest_key: DigestKey | None = field(default=None, repr=False)
    environment: Environment = DEVELOPMENT
    log_level: LogLevel = LogLevel.INFO
    sweep_interval_s: float = field(default=0.5, validator=_seconds(3600.0))
    webhook_interval_s: float = field(default=0.25, validator=[ge(0.01), le(60.0)])
    drain_delay_s: float = field(default=0.0, validator=_seconds(300.0))
    drain_s: float = field(default=20.0, validator=_seconds(300.0))
    audit: AuditSettings = field(factory=AuditSettings)
    http: HttpSettings = field(factory=HttpSettings)
    keys: KeySettings = field(factory=KeySettings)
    supplier: SupplierSettings = field(factory=SupplierSettings)
    terminals: TerminalSettings = field(factory=TerminalSettings)

    def addressed(self) -> DatabaseUrl:
        """The database's address. Raises `SettingsInvalid` where there is none."""
        if self.database_url is None:
            raise SettingsInvalid(
                f"{PREFIX}DATABASE_URL is missing: postgresql://user:password@host/database"
            )
        return self.database_url

    def keyed(self) -> DigestKey:
        """The digest key, which a database of one's own needs. Raises `SettingsInvalid` where there is none."""
        if self.digest_key is None:
            raise SettingsInvalid(
                f"{PREFIX}DIGEST_KEY is missing: {DIGEST_KEY_BYTES_MIN} random bytes or more, in hexadecimal"
            )
        return self.digest_key

    def custody(self) -> KeySettings:
        """Who keeps root keys, with all that takes. Raises `SettingsInvalid` for half of it."""
        faults = [f"{PREFIX}KEYS_{name.upper()}: {rule}" for name, rule in self.keys.faults()]
        if faults:
            raise SettingsInvalid("; ".join(faults))
        return self.keys


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings of an environment; an empty variable counts as absent. Raises `SettingsInvalid`."""
    return structure(Settings, PREFIX, environment)


def read_supplier(environment: Mapping[str, str]) -> Supplier:
    """Who we are on tax invoices, as an environment says. Raises `SettingsInvalid`."""
    return structure(SupplierSettings, f"{PREFIX}SUPPLIER_", environment).named()


def read_environment(environment: Mapping[str, str]) -> Environment:
    """What the deployment is called. Raises `SettingsInvalid`."""
    return structure(_Named, PREFIX, environment).environment


@frozen(kw_only=True)
class _Named:
    environment: Environment = DEVELOPMENT


def structure(kind: type[T], prefix: str, environment: Mapping[str, str]) -> T:
    """A settings class from the variables that are named after its fields. Raises `SettingsInvalid`."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for each in attrs.fields(kind):  # type: ignore[arg-type] # every settings class is an attrs class
        variable = prefix + each.name.upper()
        if each.type is not None and attrs.has(each.type):
            values[each.name] = structure(each.type, f"{variable}_", environment)
            continue
        text = environment.get(variable, "").strip()
        if not text:
            continue
        try:
            values[each.name] = _CONVERTER.structure(text, each.type)
            if each.validator is not None:
                each.validator(None, each, values[each.name])
        except (ValueError, TypeError) as error:
            problems.append(f"{variable}: {error.args[0]}")
    if problems:
        raise SettingsInvalid("; ".join(problems))
    return kind(**values)


def _url(text: object, _type: object) -> DatabaseUrl:
    """Also as SQLAlchemy spells it; the driver is ours to choose. No message shows it, for it holds a password."""
    try:
        parts = urlsplit(str(text))
        _ = parts.port
    except ValueError:
        raise ValueError("is not the address of a database") from None
    if parts.scheme.partition("+")[0] not in {"postgres", "postgresql"}:
        raise ValueError("begins with postgresql://")
    return DatabaseUrl(parts._replace(scheme="postgresql").geturl())


def _key(text: object, _type: object) -> DigestKey:
    try:
        key = bytes.fromhex(str(text))
    except ValueError:
        raise ValueError("is not hexadecimal") from None
    if len(key) < DIGEST_KEY_BYTES_MIN:
        raise ValueError(f"has at least {DIGEST_KEY_BYTES_MIN} bytes ({2 * DIGEST_KEY_BYTES_MIN} digits)")
    return DigestKey(key)


def _abn(text: object, _type: object) -> Abn:
    abn = Abn.parse(str(text))
    if abn is None:
        raise ValueError("is an ABN: eleven digits, the first two of which check the others")
    return abn


def _word(text: object, kind: type[StrEnum]) -> StrEnum:
    try:
        return kind(str(text).lower())
    except ValueError:
        raise ValueError(f"is one of {', '.join(kind)}") from None


def _number(text: object, _type: object) -> float:
    try:
        number = float(str(text))
    except ValueError:
        raise ValueError("is a number") from None
    if not math.isfinite(number):
        raise ValueError("is a finite number")
    return number


def _whole(text: object, _type: object) -> int:
    try:
        return int(str(text))
    except ValueError:
        raise ValueError("is a whole number") from None


def _flag(text: object, _type: object) -> bool:
    try:
        return {"0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}[
            str(text).lower()
        ]
    except KeyError:
        raise ValueError("is true or false") from None


def _converter() -> Converter:
    converter = Converter(detailed_validation=False)
    for kind, hook in {
        DatabaseUrl: _url,
        DigestKey: _key,
        Abn: _abn,
        Environment: lambda text, _type: environment_of(str(text)),
        CmkNames: lambda text, _type: names_of(str(text)),
        Path: lambda text, _type: Path(str(text)),
        LogLevel: _word,
        RootKind: _word,
        NotaryKind: _word,
        float: _number,
        int: _whole,
        bool: _flag,
    }.items():
        converter.register_structure_hook(kind, hook)
    return converter


_CONVERTER: Final = _converter()
