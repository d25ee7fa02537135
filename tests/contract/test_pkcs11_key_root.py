"""Root keys on a token keep the promise of `KeyRoot`, and what is only true of a token."""

import asyncio
import ctypes
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from functools import partial

import pkcs11
import pytest

from fintech.adapters.crypto import pkcs11 as adapter
from fintech.adapters.crypto.pkcs11 import Pkcs11Root
from fintech.adapters.crypto.pkcs11_module import Pkcs11Module
from fintech.adapters.crypto.pkcs11_sessions import STALE, TokenSession
from fintech.domain.keys.custody import CmkName
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.ports.contracts.key_keeping import (
    RootKeeper,
    assert_corrupt,
    context_of,
    created,
    refusal,
    unwrapped,
    with_blob,
)
from fintech.ports.contracts.key_root import KeyRootContract
from fintech.ports.key_root import KeyRoot, RootFault, RootRefused, Wrapped
from tests.softhsm import SoftHsm


class Owner(RootKeeper):
    """Whoever owns the token, in another process."""

    def __init__(self, token: SoftHsm) -> None:
        self._token = token

    async def disable(self, cmk: CmkName) -> None:
        self._token.tell("disable", cmk)

    async def enable(self, cmk: CmkName) -> None:
        self._token.tell("enable", cmk)

    async def revoke(self, cmk: CmkName, grant: str) -> None:
        raise AssertionError("a token has no grants")

    async def destroy(self, cmk: CmkName) -> None:
        self._token.tell("destroy", cmk)


@pytest.fixture
async def root(softhsm: SoftHsm) -> AsyncIterator[Pkcs11Root]:
    made = Pkcs11Root(softhsm.module, softhsm.token, lambda: softhsm.pin)
    yield made
    await made.close()


@pytest.fixture(scope="module")
def lasting(softhsm: SoftHsm) -> tuple[CmkName, CmkName]:
    """Root keys for all tests in which nobody does anything to them."""
    return softhsm.new_key(), softhsm.new_key()


@pytest.fixture
def cmk(request: pytest.FixtureRequest, softhsm: SoftHsm, lasting: tuple[CmkName, CmkName]) -> CmkName:
    return softhsm.new_key() if "keeper" in request.fixturenames else lasting[0]


@pytest.fixture
def other_cmk(request: pytest.FixtureRequest, softhsm: SoftHsm, lasting: tuple[CmkName, CmkName]) -> CmkName:
    return softhsm.new_key() if "keeper" in request.fixturenames else lasting[1]


@pytest.fixture
def keeper(softhsm: SoftHsm) -> Owner:
    return Owner(softhsm)


class TestPkcs11Root(KeyRootContract):
    async def test_a_revoked_permission_denies_one_merchant(
        self, root: KeyRoot, cmk: CmkName, keeper: RootKeeper
    ) -> None:
        """A token has no permissions of merchants: there is none to revoke, and the contract's case is none of ours."""
        assert (await created(root, cmk)).grant is None


async def test_a_key_that_is_destroyed_elsewhere_denies_the_very_next_call(
    root: Pkcs11Root, cmk: CmkName, keeper: Owner
) -> None:
    wrapped = await created(root, cmk)
    await asyncio.gather(*(unwrapped(root, cmk, wrapped) for _ in range(8)))  # every session knows the key
    await keeper.destroy(cmk)
    for _ in range(2 * adapter.THREADS):
        refused = refusal(await root.unwrap(cmk, context_of(), wrapped))
        assert (refused.fault, refused.code, refused.whole) == (RootFault.DENIED, "NoSuchKey", True)


async def test_a_key_whose_use_is_forbidden_denies(root: Pkcs11Root, cmk: CmkName, keeper: Owner) -> None:
    wrapped = await created(root, cmk)
    await keeper.disable(cmk)
    refused = refusal(await root.unwrap(cmk, context_of(), wrapped))
    assert (refused.fault, refused.code) == (RootFault.DENIED, "KeyFunctionNotPermitted")


async def test_a_session_that_was_lost_is_opened_anew(root: Pkcs11Root, cmk: CmkName) -> None:
    wrapped = await created(root, cmk)
    (session,) = root._open._idle
    session.session.close()
    assert len(await unwrapped(root, cmk, wrapped)) == 32


async def test_whoever_is_logged_out_logs_in_again(root: Pkcs11Root, cmk: CmkName, softhsm: SoftHsm) -> None:
    """Who is not logged in sees no private object, which is not to be taken for one that is gone."""
    wrapped = await created(root, cmk)
    for forgotten in (False, True):
        (session,) = root._open._idle
        if forgotten:
            session._keys.clear()
        assert ctypes.CDLL(softhsm.module).C_Logout(ctypes.c_ulong(session.session.handle)) == 0
        assert len(await unwrapped(root, cmk, wrapped)) == 32


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The PINs that the token was told."""
    told: list[str] = []
    log_in = Pkcs11Module.log_in

    def spied(module: Pkcs11Module, session: object, pin: str) -> bool:
        told.append(pin)
        return log_in(module, session, pin)

    monkeypatch.setattr(Pkcs11Module, "log_in", spied)
    return told


async def test_a_wrong_pin_is_denied_and_told_once(softhsm: SoftHsm, cmk: CmkName, tried: list[str]) -> None:
    """A token locks itself after some wrong PINs: however many ask at once, and however often, it hears one."""
    pins = ["111111"]
    root = Pkcs11Root(softhsm.module, softhsm.token, lambda: pins[0])
    for outcome in await asyncio.gather(*(root.create(cmk, context_of()) for _ in range(12))):
        refused = refusal(outcome)
        assert (refused.fault, refused.code) == (RootFault.DENIED, "PinIncorrect")
    assert tried == ["111111"]
    pins[0] = softhsm.pin
    assert isinstance(await root.create(cmk, context_of()), Success)
    await root.close()


async def test_what_cannot_be_asked_is_unreachable(softhsm: SoftHsm, cmk: CmkName) -> None:
    for module, token, pin, code in (
        (softhsm.module, softhsm.token, None, "PinUnreadable"),
        (softhsm.module, "another token", softhsm.pin, "NoSuchToken"),
        ("/nowhere/module.so", softhsm.token, softhsm.pin, "PKCS11Error"),
    ):
        root = Pkcs11Root(module, token, partial(lambda said: said, pin))
        refused = refusal(await root.create(cmk, context_of()))
        assert (refused.fault, refused.code) == (RootFault.UNREACHABLE, code)
        await root.close()


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (pkcs11.DeviceRemoved(), RootFault.UNREACHABLE),
        (pkcs11.DeviceError(), RootFault.UNREACHABLE),
        (pkcs11.TokenNotPresent(), RootFault.UNREACHABLE),
        (pkcs11.GeneralError(), RootFault.UNREACHABLE),
        (pkcs11.SessionHandleInvalid(), RootFault.UNREACHABLE),
        (pkcs11.PKCS11Error("Unmapped error code 0x80000001"), RootFault.UNREACHABLE),
        (pkcs11.UserNotLoggedIn(), RootFault.DENIED),
        (pkcs11.ObjectHandleInvalid(), RootFault.DENIED),
        (pkcs11.PinLocked(), RootFault.DENIED),
    ],
    ids=lambda case: type(case).__name__,
)
async def test_what_the_token_says_is_told_in_three_words(
    root: Pkcs11Root, error: pkcs11.PKCS11Error, fault: RootFault
) -> None:
    """Whatever is stale is asked once more, with another session; all else once."""
    sessions = set()

    def failing(session: TokenSession) -> Outcome[None, RootRefused]:
        sessions.add(session.session.handle)
        raise error

    refused = refusal(await root._asked(failing))
    assert (refused.fault, refused.whole) == (fault, True)
    assert len(sessions) == (2 if isinstance(error, STALE) else 1)
    assert not root._open._idle


async def test_a_device_in_trouble_is_not_taken_for_a_forgery(
    root: Pkcs11Root, cmk: CmkName, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapped = await created(root, cmk)
    other = await created(root, cmk, context_of(number=2))
    assert_corrupt(await root.unwrap(cmk, context_of(), with_blob(wrapped, other.blob)))

    def in_trouble(*_arguments: object) -> Wrapped:
        raise pkcs11.GeneralError

    monkeypatch.setattr(adapter, "_wrapped", in_trouble)
    refused = refusal(await root.unwrap(cmk, context_of(), with_blob(wrapped, other.blob)))
    assert refused.fault is RootFault.UNREACHABLE


async def test_a_token_that_hangs_is_unreachable_and_what_it_says_later_is_wiped(softhsm: SoftHsm) -> None:
    root = Pkcs11Root(softhsm.module, softhsm.token, lambda: softhsm.pin, timeout_s=0.1)
    go_on, late = threading.Event(), [bytearray(b"k" * 32) for _ in range(adapter.THREADS)]
    waiting = iter(late)

    def hanging(_session: TokenSession) -> Outcome[bytearray, RootRefused]:
        assert go_on.wait(30)
        return Success(next(waiting))

    outcomes = await asyncio.gather(*(root._asked(hanging) for _ in range(3 * adapter.THREADS)))
    assert {(refusal(each).fault, refusal(each).code) for each in outcomes} == {
        (RootFault.UNREACHABLE, "TimedOut")
    }
    go_on.set()
    while root._slots._value < adapter.THREADS:
        await asyncio.sleep(0.01)
    assert late == [bytearray(32)] * adapter.THREADS
    assert isinstance(await root._asked(lambda _session: Success(None)), Success)
    await root.close()


async def test_no_more_wait_than_may(root: Pkcs11Root, cmk: CmkName, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "WAITING_MAX", 5)
    outcomes = await asyncio.gather(*(root.create(cmk, context_of()) for _ in range(8)))
    assert [refusal(each).code for each in outcomes if isinstance(each, Failure)] == ["Busy"] * 3
    assert isinstance(await root.create(cmk, context_of()), Success)


async def test_hundreds_at_once_share_four_sessions(root: Pkcs11Root, cmk: CmkName) -> None:
    wrapped = await created(root, cmk)
    key = await unwrapped(root, cmk, wrapped)
    for each in await asyncio.gather(*(root.unwrap(cmk, context_of(), wrapped) for _ in range(400))):
        assert each == Success(key)
    assert len(root._open._idle) <= adapter.THREADS


FORKING = """
import asyncio, os, sys
from fintech.adapters.crypto.pkcs11 import Pkcs11Root
from fintech.ports.contracts.key_keeping import context_of

module, token, pin, cmk = sys.argv[1:]
root = Pkcs11Root(module, token, lambda: pin)
wrapped = asyncio.run(root.create(cmk, context_of())).unwrap()

def opened():
    return len(asyncio.run(root.unwrap(cmk, context_of(), wrapped)).unwrap()) == 32

child = os.fork()
if child == 0:
    status = 3
    try:
        status = 0 if opened() and opened() else 2
    finally:
        os._exit(status)
assert os.waitpid(child, 0)[1] == 0, "the child was refused"
assert opened()
asyncio.run(root.close())
"""


def test_a_process_that_was_forked_has_sessions_of_its_own(softhsm: SoftHsm) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKING, softhsm.module, softhsm.token, softhsm.pin]
    ran = subprocess.run(
        [*command, softhsm.new_key()], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
