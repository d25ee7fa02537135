"""One JSON object a line, and no secret in it."""

import json
import logging
import sys
from typing import Any

import pytest

from fintech.entrypoints.logs import HIDDEN, JsonFormatter, without_secrets

SECRET = "sk_" + "test_4eC39HqLyjWDarjtT1zdp7dc"


def line_of(message: str, *arguments: object, error: bool = False, **extra: Any) -> dict[str, Any]:
    exc_info = sys.exc_info() if error else None
    record = logging.getLogger("fintech.test").makeRecord(
        "fintech.test", logging.WARNING, "file", 1, message, arguments, exc_info, extra=extra
    )
    text = JsonFormatter().format(record)
    assert "\n" not in text
    line: dict[str, Any] = json.loads(text)
    return line


def test_a_line_says_when_how_bad_who_and_what() -> None:
    line = line_of("%s took %d", "settling", 3, request="req_1", seconds=0.5, place=("a", 1))
    assert line["at"].endswith("+00:00")
    assert (line["level"], line["logger"], line["message"]) == ("warning", "fintech.test", "settling took 3")
    assert (line["request"], line["seconds"], line["place"]) == ("req_1", 0.5, "('a', 1)")


def test_an_error_is_one_line_too() -> None:
    try:
        raise RuntimeError(f"with {SECRET}")
    except RuntimeError:
        line = line_of("it broke", error=True)
    assert "RuntimeError: with sk_test_" in line["error"]
    assert SECRET not in line["error"]


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        SECRET.replace("test", "live"),
        f"Authorization: Bearer {SECRET}",
        "authorization: Basic aHVzaGh1c2g6",
        "whsec_aHVzaGh1c2g",
        "postgresql://fintech:hushhush@db/fintech",
        "password=hushhush",
        "{'password': 'hushhush', 'user': 'x'}",
        "card[number]=4242424242424242&card[cvc]=737",
        "4242 4242 4242 4242",
        "5555-5555-5555-4444",
        "378282246310005",
    ],
)
def test_what_is_secret_is_hidden(text: str) -> None:
    shown = without_secrets(f"before {text} after")
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert HIDDEN in shown
    for secret in ("4eC39", "aHVz", "hushhush", "4242 4242", "424242", "5555-5555", "378282", "737"):
        assert secret not in shown


@pytest.mark.parametrize(
    "text",
    [
        "pi_01m84f8yn4kznrfakg3y6yjd is succeeded",
        "1250 cents, 4242424242424241, 20261123",
        "2026-11-23T15:09:29.637196+00:00",
        "http://127.0.0.1:8080/v1/payment_intents",
    ],
)
def test_what_is_not_secret_is_shown(text: str) -> None:
    assert without_secrets(text) == text


def test_extras_are_looked_at_as_well() -> None:
    line = line_of("request", header=SECRET, nested={"card": "4242424242424242"})
    assert SECRET not in json.dumps(line)
    assert "424242" not in json.dumps(line)
