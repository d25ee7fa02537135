"""The sandbox: a merchant in test mode that a data folder has from its first start, and a key that stays the same."""

from pathlib import Path
from typing import Final

from attrs import field, frozen

from fintech.application.merchants import MerchantExists
from fintech.domain.api_keys import SECRET_PREFIXES
from fintech.domain.changeset import UniqueTaken
from fintech.domain.ids import MerchantId
from fintech.domain.outcome import Failure
from fintech.domain.scope import Actor, Face, Scope
from fintech.entrypoints.container import Core
from fintech.entrypoints.secret_files import read_secret, write_secret
from fintech.ports.keyed_digest import Purpose

#: The same in every folder, so that examples can name it. Its first characters say 1970: nobody is older.
SANDBOX: Final = MerchantId("acct_000000000000000000000001")
KEY_FILE: Final = "sandbox-key"
KEY_NAME: Final = "sandbox"

_SCOPE: Final = Scope(SANDBOX, livemode=False)
_ACTOR: Final = Actor("serve", Face.WORKER, "the sandbox of this data folder")


@frozen(kw_only=True)
class Sandbox:
    """Whose key it is, and its secret: test mode only, and only for who may read the folder."""

    account: MerchantId
    key: str = field(repr=False)


async def ready_sandbox(core: Core, data_dir: Path) -> Sandbox:
    """The folder's sandbox, made at the first start.

    Its key is in the folder's `KEY_FILE`. Where that is lost, or its key was revoked, there is a new key and the old
    ones are worth nothing any more. Raises ``OSError`` when the file cannot be read or written.
    """
    onboarded = await core.onboard_merchant()(_ACTOR, SANDBOX, livemode=False, name="Sandbox")
    if isinstance(onboarded, Failure):
        _expect(onboarded.failure(), MerchantExists)
    path = data_dir / KEY_FILE
    secret = read_secret(path)
    if not secret or not await _opens(core, secret):
        secret = await _key_made(core, path, secret)
    return Sandbox(account=SANDBOX, key=secret)


async def _key_made(core: Core, path: Path, known: str | None) -> str:
    """A key for the secret that the file has, which a first start may not have come to make; else a new one."""
    if known and known.startswith(SECRET_PREFIXES[False]):
        made = await core.create_api_key()(_ACTOR, _SCOPE, KEY_NAME, secret=known)
        if not isinstance(made, Failure):
            return known
        _expect(made.failure(), UniqueTaken)  # it was revoked
    await _end_keys(core)
    secret = SECRET_PREFIXES[False] + core.ids().secret()
    write_secret(path, secret)
    made = await core.create_api_key()(_ACTOR, _SCOPE, KEY_NAME, secret=secret)
    if isinstance(made, Failure):
        _expect(made.failure(), UniqueTaken)  # by another process that starts on the same file
    return secret


async def _opens(core: Core, secret: str) -> bool:
    found = await core.store().key_by_digest(core.digests().digest(Purpose.API_KEY, secret.encode()))
    return found is not None and found[0] == _SCOPE and found[1].valid(core.clock().now())


async def _end_keys(core: Core) -> None:
    now = core.clock().now()
    for key in await core.queries().api_keys(_SCOPE):
        if key.name == KEY_NAME and key.valid(now):
            await core.end_api_key()(_ACTOR, _SCOPE, key.id)


def _expect(refused: object, kind: type) -> None:
    if not isinstance(refused, kind):
        message = f"the sandbox cannot be made: {refused}"
        raise TypeError(message)
