"""The inventory of cryptographic keys: every kind of key in the system, in one table (PCI DSS 12.3.3, 3.6.1.1). What is not
here is not a key of ours; whoever adds one adds it here (docs/operations/key-inventory.md is made from it)."""

from enum import StrEnum
from typing import Final

from attrs import frozen

from fintech.domain.keys.purposes import KeyPurpose


class Custodian(StrEnum):
    """Who answers for a kind of key."""

    BANK = "bank"
    PLATFORM = "platform"  #: whoever runs this software
    MERCHANT = "merchant"
    NOTARY = "notary"  #: outside our account


class Counted(StrEnum):
    """What of the key table tells how many there are."""

    ROOT_KEYS = "root_keys"
    VERSIONS = "versions"


@frozen(kw_only=True)
class KeyKind:
    """One kind of key. ``period`` is its crypto-period in words, ``replaced`` how another takes its place; ``purpose`` is
    the purpose of merchants' keys that it is, if it is one."""

    name: str
    algorithm: str
    bits: int
    used_for: str
    custodian: Custodian
    kept: str
    period: str
    replaced: str
    counted: Counted | None = None
    purpose: KeyPurpose | None = None


def _of_purpose(purpose: KeyPurpose, algorithm: str, used_for: str) -> KeyKind:
    return KeyKind(
        name=f"{purpose.value} key of a merchant",
        algorithm=algorithm,
        bits=512,
        used_for=used_for,
        custodian=Custodian.PLATFORM,
        kept="nowhere; memory of a process, for a lease",
        period="its merchant key's",
        replaced="with its merchant key",
        purpose=purpose,
    )


_SEALS: Final = "HKDF-SHA-512 to a key for each message, AES-256-GCM"
_DIGESTS: Final = "HMAC-SHA-256"

KEY_KINDS: Final = (
    KeyKind(
        name="root key (CMK)",
        algorithm="AES-256-GCM",
        bits=256,
        used_for="wrapping merchants' keys",
        custodian=Custodian.BANK,
        kept="the bank's KMS or HSM, which it never leaves",
        period="the bank's; KMS: backing key each year",
        replaced="by the bank in place; by another with `fintech keys move`",
        counted=Counted.ROOT_KEYS,
    ),
    KeyKind(
        name="root MAC key",
        algorithm=_DIGESTS,
        bits=256,
        used_for="half of a merchant's key where it is derived",
        custodian=Custodian.BANK,
        kept="the bank's KMS or HSM, which it never leaves",
        period="as long as keys derived from it",
        replaced="rotate every merchant key, seal anew, retire",
    ),
    KeyKind(
        name="merchant key, and the platform's own",
        algorithm="HKDF-SHA-512",
        bits=256,
        used_for="deriving keys of one purpose; never used itself",
        custodian=Custodian.PLATFORM,
        kept="key table, wrapped by a root key; memory of a process, for a lease",
        period="365 days, refuses to seal 30 days later (`KeyPolicy`)",
        replaced="by the sweep or `fintech keys rotate`; retired 35 days later at the earliest",
        counted=Counted.VERSIONS,
    ),
    _of_purpose(KeyPurpose.PAN, _SEALS, "card numbers"),
    _of_purpose(KeyPurpose.PII, _SEALS, "names, addresses, telephone and account numbers, evidence"),
    _of_purpose(KeyPurpose.WEBHOOK, _SEALS, "secrets of webhook endpoints"),
    _of_purpose(KeyPurpose.MAC, _DIGESTS, "messages of terminals"),
    _of_purpose(KeyPurpose.FINGERPRINT, _DIGESTS, "blind indexes and card fingerprints"),
    KeyKind(
        name="message key and commitment",
        algorithm="AES-256-GCM",
        bits=512,
        used_for="sealing one message",
        custodian=Custodian.PLATFORM,
        kept="nowhere; derived for one message",
        period="one message",
        replaced="every message has its own",
    ),
    KeyKind(
        name="digest key",
        algorithm="keyed BLAKE2b, HMAC-SHA-256",
        bits=256,
        used_for="digests of API keys and requests, ids of honeytokens",
        custodian=Custodian.PLATFORM,
        kept="`FINTECH_DIGEST_KEY`, or a private file of the data folder",
        period="as long as API keys made with it",
        replaced="with all API keys and honeytokens",
    ),
    KeyKind(
        name="API key",
        algorithm="random",
        bits=128,
        used_for="authenticating merchants' programs and officers",
        custodian=Custodian.MERCHANT,
        kept="books, as a keyed digest",
        period="the merchant's",
        replaced="`fintech key roll`; the old one may live on for a while",
    ),
    KeyKind(
        name="webhook secret",
        algorithm=_DIGESTS,
        bits=256,
        used_for="signing what merchants are told",
        custodian=Custodian.PLATFORM,
        kept="protected store, sealed with the merchant's webhook key",
        period="the merchant's",
        replaced="`fintech webhook rotate`; the old one signs on for a while",
    ),
    KeyKind(
        name="audit key",
        algorithm="HMAC-SHA-256, replaced by its SHA-256 after every entry",
        bits=256,
        used_for="chaining the entries of one process",
        custodian=Custodian.PLATFORM,
        kept="memory of one process; the first, sealed for the verifier, with the stream",
        period="one entry",
        replaced="by itself; a new one with every process",
    ),
    KeyKind(
        name="notary's key",
        algorithm="Ed25519",
        bits=256,
        used_for="signing checkpoints of the audit trail and certificates of destruction",
        custodian=Custodian.NOTARY,
        kept="KMS of another account",
        period="the notary's",
        replaced="by the notary; public keys of old ones are kept",
    ),
    KeyKind(
        name="officer's key",
        algorithm="Ed25519",
        bits=256,
        used_for="signing the bank's orders and the breaking of glass",
        custodian=Custodian.BANK,
        kept="the officer's token; its public key in the settings",
        period="the bank's",
        replaced="by another public key in the settings",
    ),
    KeyKind(
        name="local root secret",
        algorithm="HMAC-SHA-256",
        bits=256,
        used_for="root keys of development, never of production",
        custodian=Custodian.PLATFORM,
        kept="a private file of the data folder",
        period="none: nothing of worth hangs from it",
        replaced="with the data folder",
    ),
    KeyKind(
        name="TLS keys",
        algorithm="TLS 1.2 or later: ECDHE, AES-GCM or ChaCha20-Poly1305",
        bits=256,
        used_for="HTTP, the bank's lines, the database, KMS",
        custodian=Custodian.PLATFORM,
        kept="the load balancer and the deployment's secrets; this software has none",
        period="the certificate's, 398 days at most",
        replaced="by the deployment",
    ),
)
