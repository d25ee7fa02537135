"""Sessions with a PKCS#11 token: opened when they are needed, used by one thread at a time, thrown away when they are lost."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import pkcs11
from attrs import define, field

from fintech.adapters.crypto.pkcs11_module import Pkcs11Module, loaded

#: What a session ends with that says nothing of the key: a restart, a log-out, a fork, or an object that has gone. With a
#: new session, the same is asked once more.
STALE: Final = (
    pkcs11.SessionHandleInvalid,
    pkcs11.SessionClosed,
    pkcs11.OperationActive,
    pkcs11.UserNotLoggedIn,
    pkcs11.ObjectHandleInvalid,
    pkcs11.KeyHandleInvalid,
)


class PinUnreadable(pkcs11.PKCS11Error):
    """Nobody says the PIN at the moment."""


class KeyFunctionNotPermitted(pkcs11.PKCS11Error):
    """The key may not be used so: whoever owns the token has taken that from it."""


@define
class TokenSession:
    """A session, and the keys that were found in it."""

    session: Any = field(repr=False)
    log_in: Callable[[Any], bool] = field(repr=False)
    _keys: dict[tuple[str, pkcs11.KeyType], Any] = field(factory=dict, repr=False)

    def key(self, label: str, kind: pkcs11.KeyType, use: type = pkcs11.SecretKey) -> Any:
        """A secret key by its label, which may be used so. Raises ``pkcs11.NoSuchKey``, `KeyFunctionNotPermitted`.

        What a key may do is its class, from when it was found: one that could do less then is looked for again.
        """
        found = self._keys.get((label, kind))
        if not isinstance(found, use):
            found = self._keys[label, kind] = self._found(label, kind)
        if not isinstance(found, use):
            raise KeyFunctionNotPermitted
        return found

    def random(self, length: int) -> bytes:
        """Random bytes of the token's."""
        return bytes(self.session.generate_random(length * 8))

    def _found(self, label: str, kind: pkcs11.KeyType) -> Any:
        wanted = {"object_class": pkcs11.ObjectClass.SECRET_KEY, "key_type": kind, "label": label}
        try:
            return self.session.get_key(**wanted)
        except pkcs11.NoSuchKey:
            # Whoever is not logged in sees no private object: only one that was logged in has not found it.
            if not self.log_in(self.session):
                raise
            return self.session.get_key(**wanted)


class TokenSessions:
    """The sessions of this process with the token of a label; as many as threads ask at once.

    ``pin`` is asked when somebody has to log in, and not kept. One that the token has refused is not tried again, since a
    token locks itself after a few.
    """

    def __init__(self, module: str, label: str, pin: Callable[[], str | None]) -> None:
        self._path = module
        self._label = label
        self._pin = pin
        self._idle: list[TokenSession] = []
        self._generation = 0
        self._lock = threading.Lock()
        self._logging_in = threading.Lock()
        self._refused: bytes | None = None

    @contextmanager
    def one(self) -> Iterator[TokenSession]:
        """A session; it is thrown away if the body fails. Raises ``pkcs11.PKCS11Error``."""
        module = loaded(self._path)
        with self._lock:
            generation = self._generation
            session = self._idle.pop() if self._idle else None
        session = session or self._opened(module)
        try:
            yield session
        except BaseException:
            _end(session)
            raise
        with self._lock:
            if generation == self._generation:
                self._idle.append(session)
                return
        _end(session)

    def lose(self) -> None:
        """Throw all sessions away: the device has gone, or we have."""
        with self._lock:
            lost, self._idle = self._idle, []
            self._generation += 1
        for session in lost:
            _end(session)

    def _opened(self, module: Pkcs11Module) -> TokenSession:
        session = module.token(self._label).open()
        opened = TokenSession(session, lambda each: self._logged_in(module, each))
        try:
            opened.log_in(session)
        except pkcs11.PKCS11Error:
            _end(opened)
            raise
        return opened

    def _logged_in(self, module: Pkcs11Module, session: Any) -> bool:
        """Log in; whether nobody was."""
        with self._logging_in:
            pin = self._pin()
            if not pin:
                raise PinUnreadable
            spelt = hashlib.sha256(pin.encode()).digest()
            if spelt == self._refused:
                raise pkcs11.PinIncorrect
            try:
                return module.log_in(session, pin)
            except (pkcs11.PinIncorrect, pkcs11.PinLocked, pkcs11.PinInvalid, pkcs11.PinLenRange):
                self._refused = spelt
                raise


def _end(session: TokenSession) -> None:
    with suppress(pkcs11.PKCS11Error):
        session.session.close()
