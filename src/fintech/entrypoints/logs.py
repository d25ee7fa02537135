"""Structured logs: one JSON object a line on standard error, and no secret in it, whatever a message says."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Final

from fintech.domain.cards import PAN_LENGTHS, luhn_valid

HIDDEN: Final = "[hidden]"

#: API keys and the like by their prefix, passwords by the place where they stand, card numbers by their check digit.
_KEYS: Final = re.compile(r"\b((?:sk|rk)_(?:test|live)_|whsec_)\w+")
_LOGINS: Final = re.compile(r"(\w+://[^\s:/@]*:)[^\s@/]+(@)")
_NAMED: Final = re.compile(
    r"(?i)(password|passwd|secret|token|authorization|digest_key|cvc|cvv)(['\"\]]*\s*[=:]\s*['\"]?)"
    r"((?:bearer |basic )?[^\s'\",}&]+)"
)
_DIGITS: Final = re.compile(r"(?<![\w.])\d(?:[ -]?\d){11,18}(?![\w.])")

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def without_secrets(text: str) -> str:
    """The text with everything hidden that looks like an API key, a password or a card number."""
    # Most of what is logged are names and ids: a look for what each pattern needs spares the pattern itself.
    if "_test_" in text or "_live_" in text or "whsec_" in text:
        text = _KEYS.sub(rf"\1{HIDDEN}", text)
    if "://" in text:
        text = _LOGINS.sub(rf"\1{HIDDEN}\2", text)
    if "=" in text or ":" in text:
        text = _NAMED.sub(rf"\1\2{HIDDEN}", text)
    return _DIGITS.sub(_hide_pan, text) if len(text) >= PAN_LENGTHS.start else text


class JsonFormatter(logging.Formatter):
    """``at``, ``level``, ``logger``, ``message``, then whatever was given as ``extra``, then ``error``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, without secrets."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD:
                plain = value is None or isinstance(value, bool | int | float)
                line[name] = value if plain else without_secrets(str(value))
        if record.exc_info:
            line["error"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def configure(level: str) -> None:
    """Log this process's doings, from a severity on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of its plugins, at length


def _hide_pan(found: re.Match[str]) -> str:
    number = re.sub(r"\D", "", found[0])
    return HIDDEN if len(number) in PAN_LENGTHS and luhn_valid(number) else found[0]
