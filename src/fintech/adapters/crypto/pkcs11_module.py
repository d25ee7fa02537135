"""A PKCS#11 module in this process, for many threads at once and over a fork.

``pkcs11.lib`` initialises a module as if one thread used it (``C_Initialize(NULL)``), and calls it without the
interpreter's lock: several threads then crash the process (SoftHSM 2.6.1, measured: SIGSEGV within a second). So it is
initialised anew with ``CKF_OS_LOCKING_OK`` (PKCS #11 v2.40, 5.4), by the module's own table of functions. Logging in is
done so, too, for ``Token.open`` loses the session that it has opened when the user is logged in already.
"""

import ctypes
import os
import threading
from collections.abc import Callable
from typing import Any, Final

import pkcs11

_USER: Final = 1  #: CKU_USER
_OS_LOCKING_OK: Final = 2  #: CKF_OS_LOCKING_OK
_OK: Final = 0
_ALREADY_INITIALISED: Final = 0x191
_ALREADY_LOGGED_IN: Final = 0x100
_LOGIN_ERRORS: Final[dict[int, type[pkcs11.PKCS11Error]]] = {
    0xA0: pkcs11.PinIncorrect,
    0xA1: pkcs11.PinInvalid,
    0xA2: pkcs11.PinLenRange,
    0xA3: pkcs11.PinExpired,
    0xA4: pkcs11.PinLocked,
    0x102: pkcs11.UserPinNotInitialized,
    0x32: pkcs11.DeviceRemoved,
    0xE0: pkcs11.TokenNotPresent,
    0xB3: pkcs11.SessionHandleInvalid,
}
#: Where functions stand in CK_FUNCTION_LIST, after its version.
_INITIALISE, _FINALISE, _LOGIN = 0, 1, 18


class _Arguments(ctypes.Structure):
    """CK_C_INITIALIZE_ARGS."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("create", "destroy", "lock", "unlock")),
        ("flags", ctypes.c_ulong),
        ("reserved", ctypes.c_void_p),
    )


class _Functions(ctypes.Structure):
    """The head of CK_FUNCTION_LIST: as much of it as is called here."""

    _fields_ = (("version", ctypes.c_ubyte * 2), ("functions", ctypes.c_void_p * (_LOGIN + 1)))


class Pkcs11Module:
    """A loaded module; `loaded` gives the one that there is for a path. Raises ``pkcs11.PKCS11Error`` throughout."""

    def __init__(self, path: str) -> None:
        self._lib = pkcs11.lib(path)
        self._lib.finalize()
        functions = ctypes.POINTER(_Functions)()
        ctypes.CDLL(path).C_GetFunctionList(ctypes.byref(functions))
        self._table: Any = functions.contents.functions
        self._initialise()
        self.pid = os.getpid()

    def token(self, label: str) -> Any:
        """The token of this label. Raises ``pkcs11.NoSuchToken``."""
        return self._lib.get_token(token_label=label)

    def log_in(self, session: Any, pin: str) -> bool:
        """Log in all sessions with the token of this one; whether they were not."""
        spelt = pin.encode()
        login = self._function(_LOGIN, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_ulong)
        told = login(session.handle, _USER, spelt, len(spelt))
        if told not in {_OK, _ALREADY_LOGGED_IN}:
            raise _LOGIN_ERRORS.get(told, pkcs11.DeviceError)
        return told == _OK

    def _initialise(self) -> None:
        """As it is done in every process; a child that was forked inherits one that is of no use (2.40, 5.4)."""
        initialise = self._function(_INITIALISE, ctypes.c_void_p)
        arguments = _Arguments(flags=_OS_LOCKING_OK)
        told = initialise(ctypes.byref(arguments))
        if told == _ALREADY_INITIALISED:
            self._function(_FINALISE, ctypes.c_void_p)(None)
            told = initialise(ctypes.byref(arguments))
        if told != _OK:
            message = f"the PKCS#11 module cannot be used by several threads (0x{told:x})"
            raise pkcs11.PKCS11Error(message)

    def after_fork(self) -> None:
        """Make it this process's own."""
        self._initialise()
        self.pid = os.getpid()

    def _function(self, place: int, *arguments: Any) -> Callable[..., int]:
        return ctypes.CFUNCTYPE(ctypes.c_ulong, *arguments)(self._table[place])


_modules: Final[dict[str, Pkcs11Module]] = {}
_loading = threading.Lock()


def loaded(path: str) -> Pkcs11Module:
    """The module at a path, which can be loaded once in a process and stays, in a state that this process can use."""
    with _loading:
        module = _modules.get(path)
        if module is None:
            module = _modules[path] = Pkcs11Module(path)
        elif module.pid != os.getpid():
            module.after_fork()
        return module


def _unlocked() -> None:
    """A child may have been forked while another thread of its parent's held the lock."""
    global _loading  # noqa: PLW0603 - the lock is the module's, and so is its replacement
    _loading = threading.Lock()


os.register_at_fork(after_in_child=_unlocked)
