"""Signing what the bank orders, as its officers do: a document in a file, an Ed25519 key in PEM, a signature in a file.

The files are those of ``openssl pkeyutl -sign -rawin``, so that nobody needs us to sign: ``FILE`` holds the document to the
byte, ``FILE.NAME.sig`` the 64 bytes of the signature of the key that is known by a name.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fintech.application.keys.carrying_out import Signed
from fintech.domain.keys.documents import DOCUMENT_MAX
from fintech.entrypoints.cli.options import Decorated, bounded
from fintech.entrypoints.cli.printing import print_facts, print_json
from fintech.entrypoints.cli.working import Unavailable
from fintech.entrypoints.cli.writing import written
from fintech.entrypoints.key_settings import DEVELOPMENT, Environment, environment_of
from fintech.entrypoints.settings import PREFIX

#: Longest name of an officer's key, in characters; and longest file of a key, in bytes.
NAME_MAX: Final = 100
PEM_MAX: Final = 16_384
#: How many officers sign one document at most.
OFFICERS_MAX: Final = 2

FILE: Final = click.Path(dir_okay=False, path_type=Path)


def officer_option(command: Decorated) -> Decorated:
    """Whose signature."""
    return click.option(
        "--officer",
        required=True,
        callback=bounded(NAME_MAX),
        metavar="NAME",
        help="The name of the officer's key.",
    )(command)


def officers_option(told: str) -> Callable[[Decorated], Decorated]:
    """Whose signatures: of one officer, or of two."""
    return click.option(
        "--officer", "officers", required=True, multiple=True, callback=_officers, metavar="NAME", help=told
    )


def key_option(command: Decorated) -> Decorated:
    """What to sign with."""
    return click.option(
        "--key", "key_file", required=True, type=FILE, help="The officer's private key: Ed25519, in PEM."
    )(command)


def environment_option(command: Decorated) -> Decorated:
    """Which deployment a document is for."""
    return click.option(
        "--environment",
        envvar=f"{PREFIX}ENVIRONMENT",
        default=DEVELOPMENT,
        show_default=True,
        callback=_environment,
        metavar="NAME",
        help="The deployment that it is for: what FINTECH_ENVIRONMENT is there.",
    )(command)


def signature_file(document: Path, officer: str) -> Path:
    """Where an officer's signature of a document is looked for."""
    return document.with_name(f"{document.name}.{officer}.sig")


def private_key(path: Path) -> Ed25519PrivateKey:
    """The key in a file. One that is none, or is locked with a password, is wrong usage; nothing of it is said."""
    try:
        key = load_pem_private_key(_read(path, PEM_MAX), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise click.BadParameter("is no Ed25519 private key in PEM without a password", param_hint="'--key'")
    return key


def sign_file(document: bytes, path: Path, officer: str, key: Ed25519PrivateKey) -> Path:
    """Sign a document that is in a file; the file of the signature."""
    made = signature_file(path, officer)
    with written(made) as file:
        file.write(key.sign(document))
    return made


def read_document(path: Path) -> bytes:
    """What was signed."""
    return _read(path, DOCUMENT_MAX + 1)


def read_signed(path: Path, officer: str) -> Signed:
    """An officer's signature of a document in a file."""
    return Signed(key=officer, signature=_read(signature_file(path, officer), 4_096))


def print_signed(facts: list[tuple[str, str]], document: Path, signature: Path, *, as_json: bool) -> None:
    """What was signed, and where it is."""
    told = [*facts, ("document", str(document)), ("signature", str(signature))]
    if as_json:
        print_json(dict(told))
    else:
        print_facts(told)


def _officers(_context: click.Context, _option: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    if len(names) > OFFICERS_MAX or not all(0 < len(name) <= NAME_MAX for name in names):
        raise click.BadParameter(
            f"is one officer's name or {OFFICERS_MAX}, each of up to {NAME_MAX} characters"
        )
    return names


def _environment(_context: click.Context, _option: click.Parameter, name: str) -> Environment:
    try:
        return environment_of(name)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from error
