"""The sandbox: a merchant in test mode that a data folder has from its first start, with a key and a terminal that stay
the same."""

from pathlib import Path
from typing import Final

from attrs import field, frozen

from fintech.application.commits import Request
from fintech.application.merchants import MerchantExists
from fintech.domain.addresses import COUNTRY, Address
from fintech.domain.api_keys import SECRET_PREFIXES
from fintech.domain.changeset import UniqueTaken
from fintech.domain.ids import LocationId, MerchantId
from fintech.domain.outcome import Failure
from fintech.domain.scope import Actor, Face, Scope
from fintech.domain.terminals import SIMULATED, Terminal, TerminalStatus
from fintech.entrypoints.container import Core
from fintech.entrypoints.secret_files import read_secret, write_secret
from fintech.ports.keyed_digest import Purpose
from fintech.ports.queries import Page

#: The same in every folder, so that examples can name it. Its first characters say 1970: nobody is older.
SANDBOX: Final = MerchantId("acct_000000000000000000000001")
KEY_FILE: Final = "sandbox-key"
KEY_NAME: Final = "sandbox"
#: The terminal has the first of so many numbers that nobody else has and that is not retired: T0000001, nearly always.
NUMBERS_MAX: Final = 1_000
LOCATION_NAME: Final = "Sandbox"
TERMINAL_LABEL: Final = "Sandbox terminal"
ADDRESS: Final = Address(
    line1="1 George Street", city="Sydney", state="NSW", postcode="2000", country=COUNTRY
)

_SCOPE: Final = Scope(SANDBOX, livemode=False)
_ACTOR: Final = Actor("serve", Face.WORKER, "the sandbox of this data folder")
_REQUEST: Final = Request(actor=_ACTOR)


@frozen(kw_only=True)
class Sandbox:
    """Whose key it is, and its secret: test mode only, and only for who may read the folder.

    ``terminal`` is the number that its terminal sends."""

    account: MerchantId
    terminal: str
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
    return Sandbox(account=SANDBOX, terminal=await _ready_terminal(core), key=secret)


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


async def _ready_terminal(core: Core) -> str:
    """The number of the terminal, which is registered where there is none. One that is retired has a successor."""
    for place in range(1, NUMBERS_MAX + 1):
        number = f"T{place:07d}"
        known = await core.store().terminal_by_number(number) or await _registered(core, number)
        if known is None or (known[0] == _SCOPE and known[1].status is not TerminalStatus.RETIRED):
            return number
    message = f"the sandbox cannot be made: {NUMBERS_MAX} terminals are retired or others'"
    raise TypeError(message)


async def _registered(core: Core, number: str) -> tuple[Scope, Terminal] | None:
    """Register it; where another process came first, whose it is now."""
    registered = await core.register_terminal()(
        _REQUEST,
        _SCOPE,
        serial=f"{SIMULATED}{number}",
        location=await _location(core),
        number=number,
        label=TERMINAL_LABEL,
    )
    if not isinstance(registered, Failure):
        return None
    _expect(registered.failure(), UniqueTaken)
    return await core.store().terminal_by_number(number)


async def _location(core: Core) -> LocationId:
    """A place that there is already, or else a new one."""
    listed = await core.queries().locations(_SCOPE, Page(limit=1))
    if listed.items:
        return listed.items[0].id
    made = await core.create_location()(_REQUEST, _SCOPE, name=LOCATION_NAME, address=ADDRESS)
    return made.unwrap().value.id


def _expect(refused: object, kind: type) -> None:
    if not isinstance(refused, kind):
        message = f"the sandbox cannot be made: {refused}"
        raise TypeError(message)
