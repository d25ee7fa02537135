"""Who keeps the bank's root keys for us, on which terms, and who signs."""

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final, NewType

from attrs import field, frozen
from attrs.validators import ge, le

from fintech.domain.keys.custody import CmkName
from fintech.domain.keys.documents import ENVIRONMENT
from fintech.domain.keys.periods import PERIOD_MIN, RETIRE_AFTER_MIN, KeyPolicy

#: How many root keys merchants are spread over.
CMKS_MAX: Final = 16
#: How long keys are lent at most in strict mode.
STRICT_LEASE_S: Final = 60.0
#: How long a version may seal, in days (NIST SP 800-57 part 1, table 1: a key that encrypts data, two years at most); and how
#: long anything else may last.
PERIOD_MAX_DAYS: Final = 730.0
LONG_DAYS: Final = 3_650.0
DAY: Final = timedelta(days=1)

#: The name of a deployment. It is bound to every merchant's key, so that no other deployment's opens: a database that is
#: copied from production to a test stays shut there. Whatever the bank or the notary signs names it, too.
Environment = NewType("Environment", str)
#: Names, in an order that stays.
CmkNames = NewType("CmkNames", tuple[CmkName, ...])

DEVELOPMENT: Final = Environment("development")


class RootKind(StrEnum):
    """Who keeps root keys."""

    LOCAL = "local"  #: we do: for development
    KMS = "kms"
    PKCS11 = "pkcs11"


class NotaryKind(StrEnum):
    """Who signs checkpoints."""

    LOCAL = "local"  #: we do: for development
    KMS = "kms"


@frozen(kw_only=True)
class KeySettings:
    """Each field is read from the variable ``FINTECH_KEYS_`` and its name in capitals.

    ``cmks`` are the root keys that new merchants' keys hang from: ARNs for KMS, labels for a token. For KMS: ``region``,
    ``grantee`` (the ARN of the role that we are), ``mac_keys`` (one for each of ``cmks``, in their order), ``endpoint_url``
    (another address than AWS's own). For a token: ``module`` (the vendor's library), ``token`` (its label), ``pin_file``
    (which is read when somebody logs in; the PIN is in no variable). ``derived``: merchants' keys take the root's MAC, too.

    How long keys and what they seal live, in days (`KeyPolicy`): ``period_days``, ``margin_days``, ``retire_after_days``,
    ``backups_kept_days``, ``unclaimed_kept_days``, ``ended_kept_days``.

    ``lease_s`` is how long keys are lent; with ``strict`` it is `STRICT_LEASE_S` at most. ``officers_file`` has the public
    keys of the bank's officers, as a JSON object. ``notary_key`` is the ARN of a key in somebody else's account.
    """

    root: RootKind = RootKind.LOCAL
    cmks: CmkNames = CmkNames(())
    region: str | None = None
    endpoint_url: str | None = None
    grantee: str | None = None
    mac_keys: CmkNames = CmkNames(())
    module: Path | None = None
    token: str | None = None
    pin_file: Path | None = None
    lease_s: float = field(default=300.0, validator=[ge(5.0), le(3_600.0)])
    strict: bool = False
    derived: bool = False
    period_days: float = field(default=365.0, validator=[ge(PERIOD_MIN / DAY), le(PERIOD_MAX_DAYS)])
    margin_days: float = field(default=30.0, validator=[ge(0.0), le(LONG_DAYS)])
    retire_after_days: float = field(default=35.0, validator=[ge(RETIRE_AFTER_MIN / DAY), le(LONG_DAYS)])
    backups_kept_days: float = field(default=35.0, validator=[ge(0.0), le(LONG_DAYS)])
    unclaimed_kept_days: float = field(default=1.0, validator=[ge(RETIRE_AFTER_MIN / DAY), le(LONG_DAYS)])
    ended_kept_days: float = field(default=180.0, validator=[ge(0.0), le(LONG_DAYS)])
    officers_file: Path | None = None
    notary: NotaryKind = NotaryKind.LOCAL
    notary_key: str | None = None

    @property
    def lent_s(self) -> float:
        """How long keys are lent, in seconds."""
        return min(self.lease_s, STRICT_LEASE_S) if self.strict else self.lease_s

    @property
    def policy(self) -> KeyPolicy:
        """How long keys live."""
        return KeyPolicy(
            period=timedelta(days=self.period_days),
            margin=timedelta(days=self.margin_days),
            retire_after=timedelta(days=self.retire_after_days),
            backups_kept=timedelta(days=self.backups_kept_days),
            unclaimed_kept=timedelta(days=self.unclaimed_kept_days),
            ended_kept=timedelta(days=self.ended_kept_days),
        )

    def faults(self) -> Iterator[tuple[str, str]]:
        """What is missing or does not go together: the field, and what it has to be."""
        if self.retire_after_days < self.backups_kept_days:
            yield (
                "retire_after_days",
                "is as long as backups_kept_days at least: a backup needs the keys of its time",
            )
        if self.period_days + self.margin_days > PERIOD_MAX_DAYS:
            yield "margin_days", f"is {PERIOD_MAX_DAYS:.0f} at most, with period_days"
        if self.root is not RootKind.LOCAL and not self.cmks:
            yield "cmks", "names a root key at least"
        if self.root is RootKind.KMS and self.grantee is None:
            yield "grantee", "is the ARN of the role that we are"
        if RootKind.KMS in (self.root, self.notary) and self.region is None:
            yield "region", "is where AWS KMS is asked, as in ap-southeast-2"
        if self.root is RootKind.KMS and len(self.mac_keys) not in self._mac_keys_wanted():
            yield "mac_keys", "has one for each of cmks, in their order"
        if self.root is RootKind.PKCS11:
            yield from self._faults_of_token()
        if self.notary is NotaryKind.KMS and self.notary_key is None:
            yield "notary_key", "is the ARN of a key of AWS KMS"

    def _mac_keys_wanted(self) -> tuple[int, ...]:
        return (len(self.cmks),) if self.derived else (0, len(self.cmks))

    def _faults_of_token(self) -> Iterator[tuple[str, str]]:
        if self.module is None or not self.module.is_file():
            yield "module", "is the file of a PKCS#11 module"
        if self.token is None:
            yield "token", "is the label of a token"
        if self.pin_file is None or not self.pin_file.exists():
            yield "pin_file", "is a file with the PIN of the token"


def environment_of(text: str) -> Environment:
    """Raises ``ValueError`` for what is no name."""
    if ENVIRONMENT.fullmatch(text) is None:
        raise ValueError("begins with a letter and has up to 32 small letters, digits and hyphens")
    return Environment(text)


def is_production(environment: Environment) -> bool:
    """Whether merchants' real money and cards are there: ``prod``, ``production``, ``production-sydney``."""
    return environment.startswith("prod")


def names_of(text: str) -> CmkNames:
    """Names, with commas between them. Raises ``ValueError`` for none, for too many, and for one that comes twice."""
    names = tuple(CmkName(name.strip()) for name in text.split(","))
    if not all(name and name.isprintable() and len(name) <= 2_048 for name in names):
        raise ValueError("has names with commas between them")
    if len(names) > CMKS_MAX or len(set(names)) != len(names):
        raise ValueError(f"has at most {CMKS_MAX} names, each once")
    return CmkNames(names)
