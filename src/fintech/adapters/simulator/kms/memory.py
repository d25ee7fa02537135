"""What the simulated KMS knows, and the file by which it knows it after a kill -9.

Everything that changes is an entry, done in one place whether it happens now or is read again; every entry is written
before it is answered. When a file is opened it is written anew, so that it grows with the changes of one run only.
"""

import hmac
import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TextIO, TypeAlias

from attrs import asdict

from fintech.adapters.simulator.kms.grants import Grant
from fintech.adapters.simulator.kms.keys import KeyState, KmsKey
from fintech.adapters.simulator.kms.permissions import BANK_ACCOUNT, REGION
from fintech.adapters.simulator.kms.refusals import KmsRefused

ARN_HEAD: Final = f"arn:aws:kms:{REGION}:{BANK_ACCOUNT}:"
KEYS_MAX: Final = 10_000

Entry: TypeAlias = dict[str, Any]


class KmsMemory:
    """Keys, their grants and aliases. ``now`` is seconds since 1970; ``file`` keeps it all, readable to its owner alone."""

    def __init__(self, now: Callable[[], float], file: Path | None = None) -> None:
        self.keys: dict[str, KmsKey] = {}
        self.aliases: dict[str, str] = {}
        self.now = now
        self._token_secret = secrets.token_bytes(16)
        self._file: TextIO | None = None
        if file is not None:
            self._open(file)

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            self._file.close()

    def key(self, name: str) -> KmsKey:
        """A key by its id, ARN or alias."""
        bare = name.removeprefix(ARN_HEAD)
        id = self.aliases.get(bare) if bare.startswith("alias/") else bare.removeprefix("key/")
        key = self.keys.get(id or "")
        if key is None or (key.deletion_at is not None and key.deletion_at <= self.now()):
            raise KmsRefused("NotFoundException", f"Key '{name}' does not exist")
        return key

    def keep_key(self, key: KmsKey) -> None:
        """A new key."""
        if len(self.keys) >= KEYS_MAX:
            raise KmsRefused("LimitExceededException", "too many keys")
        self._do(_key_entry(key))

    def place(self, key: KmsKey, state: KeyState, deletion_at: float | None = None) -> None:
        """Another state of a key's."""
        self._do({"state": state, "of": key.id, "deletion_at": deletion_at})

    def keep_alias(self, name: str, key: KmsKey) -> None:
        """Another name for a key."""
        self._do({"alias": name, "of": key.id})

    def keep_grant(self, key: KmsKey, grant: Grant) -> None:
        """A new grant on a key."""
        key.grants.forget_ended(self.now())
        self._do({"grant": asdict(grant), "on": key.id})

    def end_grant(self, key: KmsKey, id: str, at: float) -> None:
        """A grant works no more from a moment on."""
        self._do({"ended": id, "on": key.id, "at": at})

    def token_of(self, grant: Grant) -> str:
        """What proves a grant before it has got about."""
        return f"{grant.id}.{self._seal(grant.id)}"

    def granted_by(self, token: str) -> str:
        """The grant that a token proves."""
        id, _, seal = token.partition(".")
        if not hmac.compare_digest(seal, self._seal(id)):
            raise KmsRefused("InvalidGrantTokenException")
        return id

    def _seal(self, id: str) -> str:
        return hmac.digest(self._token_secret, id.encode(), "sha256").hex()

    def _open(self, file: Path) -> None:
        if file.exists():
            for line in file.read_text(encoding="utf-8").splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue  # half of a line, in whose middle the process was killed
                self._apply(entry)
        fresh = file.with_name(f"{file.name}.new")
        with fresh.open("w", encoding="utf-8") as written:
            fresh.chmod(0o600)
            written.writelines(f"{json.dumps(entry)}\n" for entry in self._entries())
        fresh.replace(file)
        self._file = file.open("a", buffering=1, encoding="utf-8")

    def _entries(self) -> Iterator[Entry]:
        yield {"token_secret": self._token_secret.hex()}
        for key in self.keys.values():
            yield _key_entry(key)
            for id, grant in key.grants.by_id.items():
                yield {"grant": asdict(grant), "on": key.id}
                if id in key.grants.ends_at:
                    yield {"ended": id, "on": key.id, "at": key.grants.ends_at[id]}
        for name, id in self.aliases.items():
            yield {"alias": name, "of": id}

    def _do(self, entry: Entry) -> None:
        self._apply(entry)
        if self._file is not None:
            self._file.write(json.dumps(entry) + "\n")

    def _apply(self, entry: Entry) -> None:
        match entry:
            case {"token_secret": str(secret)}:
                self._token_secret = bytes.fromhex(secret)
            case {"key": dict(parts)}:
                fields = {**parts, "material": bytes.fromhex(parts["material"])}
                key = KmsKey(**{**fields, "state": KeyState(fields["state"])})
                self.keys[key.id] = key
            case {"state": str(state), "of": str(id), "deletion_at": deletion_at}:
                self.keys[id].state = KeyState(state)
                self.keys[id].deletion_at = deletion_at
            case {"alias": str(name), "of": str(id)}:
                self.aliases[name] = id
            case {"grant": dict(parts), "on": str(id)}:
                self.keys[id].grants.add(_grant(parts))
            case {"ended": str(grant), "on": str(id), "at": at}:
                self.keys[id].grants.end(grant, at)


def _key_entry(key: KmsKey) -> Entry:
    return {
        "key": {
            "id": key.id,
            "arn": key.arn,
            "spec": key.spec,
            "created_at": key.created_at,
            "material": key.material.hex(),
            "description": key.description,
            "state": key.state,
            "deletion_at": key.deletion_at,
        }
    }


def _grant(parts: Entry) -> Grant:
    def pairs(name: str) -> tuple[tuple[str, str], ...] | None:
        return None if parts[name] is None else tuple((key, value) for key, value in parts[name])

    return Grant(
        **{
            **parts,
            "operations": tuple(parts["operations"]),
            "subset": pairs("subset"),
            "equals": pairs("equals"),
        }
    )
