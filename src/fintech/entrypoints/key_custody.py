"""Who keeps root keys and who signs, in each deployment. Names their adapters.

| profile                | root keys                                 | officers            | notary                 |
|------------------------|-------------------------------------------|---------------------|------------------------|
| `testing`, `in_memory` | in memory, gone with it                   | as the test says    | in memory              |
| `embedded`             | of the secret in the folder               | the folder's file   | of the folder's secret |
| `container`            | as settings say: KMS, a token, or our own | as settings say     | as settings say        |

Each is made when it is first asked for: most commands never ask, and are spared cryptography and the cloud's client.
"""

import hashlib
import hmac
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from attrs import evolve, field, frozen
from dependency_injector import providers

from fintech.application.keys.sweep import SweepTerms
from fintech.domain.keys.custody import CmkName, Derivation
from fintech.domain.keys.periods import KeyPolicy
from fintech.domain.keys.timing import USUAL, CustodyTiming
from fintech.entrypoints.key_settings import (
    DEVELOPMENT,
    Environment,
    KeySettings,
    NotaryKind,
    RootKind,
)
from fintech.entrypoints.secret_files import keep_secret, read_secret
from fintech.entrypoints.settings import PREFIX, Settings, SettingsInvalid
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.clock import Clock
from fintech.ports.id_source import IdSource
from fintech.ports.key_root import KeyRoot
from fintech.ports.key_table import KeyTable
from fintech.ports.key_vault import KeyVault
from fintech.ports.signatures import Notary, SignatureChecker

#: What a data folder holds of ours: what its root keys are made of, the notary's key, and the officers' public keys.
ROOT_FILE: Final = "keys-root"
NOTARY_FILE: Final = "notary-key"
OFFICERS_FILE: Final = "officers.json"
SECRET_BYTES: Final = 32
PIN_MAX: Final = 256
DOCUMENT_MAX: Final = 64 * 1024

T = TypeVar("T")


@frozen(kw_only=True)
class KeyTerms:
    """On which terms merchants' keys hang from root keys: new ones from ``cmks``, bound to the ``environment``."""

    environment: Environment = DEVELOPMENT
    cmks: tuple[CmkName, ...]
    derivation: Derivation = Derivation.WRAPPED
    timing: CustodyTiming = USUAL
    policy: KeyPolicy = field(factory=KeyPolicy)


@frozen(kw_only=True)
class Custody:
    """The root and whoever signs, to be made when they are asked for."""

    terms: KeyTerms
    key_root: providers.Provider[KeyRoot] = field(repr=False)
    officers: providers.Provider[SignatureChecker] = field(repr=False)
    notary: providers.Provider[Notary] = field(repr=False)


def custody_in_memory(
    closing: AsyncExitStack, root: KeyRoot | None = None, officers: SignatureChecker | None = None
) -> Custody:
    """With root keys that nobody has afterwards; or a root and officers that a test has scripted."""
    name = CmkName("local/1")
    return Custody(
        terms=KeyTerms(cmks=(name,)),
        key_root=_given(root) or providers.Singleton(_local_root, closing, None, name),
        officers=_given(officers) or providers.Singleton(_officers, None),
        notary=providers.Singleton(lambda: _local_notary(secrets.token_bytes(SECRET_BYTES))),
    )


def custody_in_folder(closing: AsyncExitStack, folder: Path, *, hanging: bool) -> Custody:
    """With what the folder holds, which is made at first use. Raises ``OSError``, also where keys are ``hanging`` from what it
    held, and that is gone: another one opens none of them."""
    path = folder / ROOT_FILE
    if hanging and read_secret(path) is None:
        raise OSError(f"{path} is gone, and every key of a merchant hangs from what is in it: restore it")
    secret = _kept(path)
    name = local_cmk(secret)
    officers = folder / OFFICERS_FILE
    return Custody(
        terms=KeyTerms(cmks=(name,)),
        key_root=providers.Singleton(_local_root, closing, secret, name),
        officers=providers.Singleton(_officers, officers if officers.exists() else None),
        notary=providers.Singleton(lambda: _local_notary(_kept(folder / NOTARY_FILE))),
    )


def custody_as_set(closing: AsyncExitStack, settings: Settings) -> Custody:
    """With what the settings say. Root keys of our own are of the digest key's making, so that processes agree. Raises
    `SettingsInvalid`."""
    keys = settings.custody()
    officers = _officers(keys.officers_file) if keys.officers_file is not None else None
    secret, seed = (hmac.digest(settings.keyed(), use, "sha256") for use in (b"keys-root", b"notary"))
    cmks = (local_cmk(secret),) if keys.root is RootKind.LOCAL else keys.cmks
    made: dict[RootKind, Callable[[], KeyRoot]] = {
        RootKind.LOCAL: partial(_local_root, closing, secret, *cmks),
        RootKind.KMS: partial(_kms_root, closing, keys),
        RootKind.PKCS11: partial(_token_root, closing, keys),
    }
    return Custody(
        terms=KeyTerms(
            environment=settings.environment,
            cmks=cmks,
            derivation=Derivation.DERIVED if keys.derived else Derivation.WRAPPED,
            timing=evolve(USUAL, lease=timedelta(seconds=keys.lent_s)),
            policy=keys.policy,
        ),
        key_root=providers.Singleton(made[keys.root]),
        officers=_given(officers) or providers.Singleton(_officers, None),
        notary=providers.Singleton(
            partial(_kms_notary, closing, keys)
            if keys.notary is NotaryKind.KMS
            else partial(_local_notary, seed)
        ),
    )


def public_keys(path: Path, said: str) -> SignatureChecker:
    """The keys of a file that was named by ``said``. Raises `SettingsInvalid`."""
    from fintech.adapters.crypto.signatures import (  # noqa: PLC0415 - spares others its weight
        Ed25519Checker,
        PublicKeyInvalid,
        read_public_keys,
    )

    try:
        with path.open("rb") as file:
            return Ed25519Checker(read_public_keys(file.read(DOCUMENT_MAX + 1)))
    except (OSError, PublicKeyInvalid) as error:
        raise SettingsInvalid(f"{said}: {path}: {error}") from error


def vault_on(
    closing: AsyncExitStack,
    custody: Custody,
    *,
    table: KeyTable,
    audit: providers.Provider[AuditTrail],
    clock: Clock,
    ids: IdSource,
    attended: bool = True,
    given: KeyVault | None = None,
) -> providers.Provider[KeyVault]:
    """The vault of this process, made when something is first sealed or opened, or the ``given`` one. ``attended``: see
    `LeasingVault`."""

    def made() -> KeyVault:
        from fintech.adapters.crypto.leasing import LeasingVault  # noqa: PLC0415 - spares others its weight
        from fintech.adapters.crypto.lending import VaultSettings  # noqa: PLC0415 - the same

        terms = custody.terms
        settings = VaultSettings(
            environment=terms.environment,
            cmks=terms.cmks,
            derivation=terms.derivation,
            timing=terms.timing,
            policy=terms.policy,
        )
        root = custody.key_root()
        vault = LeasingVault(
            root=root, table=table, audit=audit(), clock=clock, ids=ids, settings=settings, attended=attended
        )
        return _closed(closing, vault.close, vault)

    return _given(given) or providers.Singleton(made)


def sweep_terms(terms: KeyTerms) -> SweepTerms:
    """What this process sweeps keys on, if it does, and by which name."""
    name = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(8)}"
    return SweepTerms(name=name, environment=terms.environment, cmks=terms.cmks, timing=terms.timing)


def local_cmk(secret: bytes) -> CmkName:
    """The name of the root key that is made of a secret: under another secret, what hangs from it is missed by name, and not
    taken for forged."""
    return CmkName("local/" + hashlib.sha256(b"fintech/keys-root/" + secret).hexdigest()[:16])


def _given(port: T | None) -> providers.Provider[T] | None:
    return None if port is None else providers.Object(port)


def _closed(closing: AsyncExitStack, close: Callable[[], Awaitable[None]], made: T) -> T:
    closing.push_async_callback(close)
    return made


def _local_root(closing: AsyncExitStack, secret: bytes | None, *cmks: CmkName) -> KeyRoot:
    from fintech.adapters.crypto.local import LocalRoot  # noqa: PLC0415 - spares others its weight

    root = LocalRoot(secret, cmks)
    return _closed(closing, root.close, root)


def _kms_root(closing: AsyncExitStack, keys: KeySettings) -> KeyRoot:
    from fintech.adapters.crypto.kms import KmsRoot, KmsSettings  # noqa: PLC0415 - spares others its weight

    root = KmsRoot(
        KmsSettings(
            region=keys.region or "",
            grantee=keys.grantee or "",
            mac_keys=dict(zip(keys.cmks, keys.mac_keys, strict=False)),
            endpoint_url=keys.endpoint_url,
        )
    )
    return _closed(closing, root.close, root)


def _token_root(closing: AsyncExitStack, keys: KeySettings) -> KeyRoot:
    from fintech.adapters.crypto.pkcs11 import Pkcs11Root  # noqa: PLC0415 - spares others its weight

    root = Pkcs11Root(str(keys.module), keys.token or "", partial(_pin, keys.pin_file))
    return _closed(closing, root.close, root)


def _local_notary(seed: bytes) -> Notary:
    from fintech.adapters.crypto.notary import LocalNotary  # noqa: PLC0415 - spares others its weight

    return LocalNotary(seed)


def _kms_notary(closing: AsyncExitStack, keys: KeySettings) -> Notary:
    from fintech.adapters.crypto.kms import KmsSettings, kms_client  # noqa: PLC0415 - spares others its weight
    from fintech.adapters.crypto.notary import KmsNotary  # noqa: PLC0415 - the same

    client = kms_client(KmsSettings(region=keys.region or "", grantee="", endpoint_url=keys.endpoint_url))
    notary = KmsNotary(client, keys.notary_key or "")
    return _closed(closing, notary.close, notary)


def _officers(path: Path | None) -> SignatureChecker:
    from fintech.adapters.crypto.signatures import Ed25519Checker  # noqa: PLC0415 - spares others its weight

    return Ed25519Checker({}) if path is None else public_keys(path, f"{PREFIX}KEYS_OFFICERS_FILE")


def _kept(path: Path) -> bytes:
    """What a file of the folder says: made once, the same for all who race. Raises ``OSError``."""
    text = read_secret(path) or keep_secret(path, secrets.token_hex(SECRET_BYTES))
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise OSError(f"{path} is damaged: restore it")
    return secret


def _pin(path: Path | None) -> str | None:
    """What the file says now, if it can be read: whoever changes the PIN changes the file, and restarts nothing."""
    try:
        with (path or Path()).open(encoding="utf-8") as file:
            return file.read(PIN_MAX).strip()
    except (OSError, UnicodeError):
        return None
