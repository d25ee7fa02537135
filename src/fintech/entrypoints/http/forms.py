"""Forms: ``application/x-www-form-urlencoded`` with brackets for what is nested, as merchants' SDKs send it.

``metadata[order]=7`` is an object, ``expand[]=a&expand[]=b`` and ``expand[0]=a&expand[1]=b`` are lists. Whatever could be read
in two ways is refused: the same scalar twice, a name that is both a value and an object, half a percent sign.
"""

import re
from typing import Final, TypeAlias
from urllib.parse import unquote_to_bytes

from attrs import frozen

PAIRS_MAX: Final = 256
DEPTH_MAX: Final = 5
NAME_LENGTH_MAX: Final = 256

#: Text, a list written with ``[]``, or an object (which may be a list written with positions).
Value: TypeAlias = "str | list[str] | dict[str, Value]"

_HALF_A_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
#: Control characters but tab, line feed and carriage return, which people put into descriptions; and half a character.
_NOT_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_NOT_A_NAME: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class FormInvalid(ValueError):
    """The form cannot be read. The message is for the caller and says no value of it."""

    def __init__(self, message: str, name: str | None = None) -> None:
        super().__init__(message)
        self.name = name


@frozen
class Form:
    """What was sent: ``pairs`` in order, decoded, and the ``tree`` that they make up."""

    pairs: tuple[tuple[str, str], ...]
    tree: dict[str, Value]


def parse_body(body: bytes) -> Form:
    """Read a request body. Raises `FormInvalid`."""
    try:
        return parse_form(body.decode())
    except UnicodeDecodeError:
        raise FormInvalid("The body is not valid UTF-8.") from None


def parse_form(text: str) -> Form:
    """Read a form or a query string. Raises `FormInvalid`."""
    if not text:
        return Form((), {})
    pieces = text.split("&")
    if len(pieces) > PAIRS_MAX:
        raise FormInvalid(f"There are more than {PAIRS_MAX} parameters.")
    plain = "%" not in text and "+" not in text and text.isprintable()
    pairs: list[tuple[str, str]] = []
    tree: dict[str, Value] = {}
    for piece in pieces:
        if piece:
            name, _, value = piece.partition("=")
            if not plain:
                name, value = _decoded(name), _decoded(value)
                if not value.isprintable() and _NOT_TEXT.search(value):
                    raise FormInvalid("A value has control characters in it.", _fit(name))
            pairs.append((name, value))
            _put(tree, name, value)
    return Form(tuple(pairs), tree)


def _decoded(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    if _HALF_A_PERCENT.search(text):
        raise FormInvalid("A percent sign is not followed by two hexadecimal digits.")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeError:
        raise FormInvalid("A percent-encoded text is not valid UTF-8.") from None


def _put(tree: dict[str, Value], name: str, value: str) -> None:
    if "[" not in name and "]" not in name:
        if not name or len(name) > NAME_LENGTH_MAX or not (name.isprintable() or _is_name(name)):
            raise FormInvalid("The name of a parameter is empty, too long or has control characters in it.")
        if name in tree:
            raise _ambiguous(name)
        tree[name] = value
        return
    steps = _steps(name)
    node = tree
    for step in steps[:-2] if steps[-1] == "" else steps[:-1]:
        child = node.setdefault(step, {})
        if not isinstance(child, dict):
            raise _ambiguous(name)
        node = child
    if steps[-1] == "":
        many = node.setdefault(steps[-2], [])
        if not isinstance(many, list):
            raise _ambiguous(name)
        many.append(value)
    elif steps[-1] in node:
        raise _ambiguous(name)
    else:
        node[steps[-1]] = value


def _steps(name: str) -> list[str]:
    """``a[b][]`` as ``a``, ``b`` and an empty one, which only the last may be."""
    if len(name) > NAME_LENGTH_MAX or not _is_name(name):
        raise FormInvalid("The name of a parameter is too long or has control characters in it.")
    head, _, rest = name.partition("[")
    inner = rest[:-1].split("][")
    if (
        not head
        or "]" in head
        or not rest.endswith("]")
        or "" in inner[:-1]
        or any("[" in step or "]" in step for step in inner)
    ):
        raise FormInvalid("The brackets in the name of a parameter do not match.", _fit(name))
    if len(inner) >= DEPTH_MAX:
        raise FormInvalid(f"Parameters are nested at most {DEPTH_MAX} deep.", _fit(name))
    return [head, *inner]


def _is_name(name: str) -> bool:
    return _NOT_A_NAME.search(name) is None


def _ambiguous(name: str) -> FormInvalid:
    return FormInvalid("A parameter is given twice, or both as a value and as an object.", _fit(name))


def _fit(name: str) -> str | None:
    return name if len(name) <= NAME_LENGTH_MAX and _is_name(name) else None
