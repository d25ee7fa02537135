"""Card data is nowhere but in the request that brought it: a scan of everything that a run leaves behind."""

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from fintech.adapters.memory.store import MemoryStore
from fintech.adapters.simulator.cards import TEST_CARDS
from fintech.domain.cards import luhn_valid
from fintech.domain.changeset import Changeset
from fintech.domain.scope import Actor, Face
from tests.leaks import shows_code
from tests.unit.entrypoints.http.driving import Api

CVC = "9173"
#: Runs of digits as long as card numbers, with or without separators.
DIGITS = re.compile(r"(?<![0-9a-z_.])\d(?:[ -]?\d){12,18}(?![0-9a-z])")
OF_EVERY_RECORD = set(vars(logging.makeLogRecord({})))


def numbers(text: str) -> list[str]:
    """Card numbers in a text: long enough, and their last digit checks."""
    return [found for found in DIGITS.findall(text) if luhn_valid(re.sub(r"\D", "", found))]


def said(record: logging.LogRecord) -> str:
    """What a record says, without what Python says of every record: thread ids look like card numbers at times."""
    told = {name: value for name, value in vars(record).items() if name not in OF_EVERY_RECORD}
    return f"{record.getMessage()} {told} {record.exc_text} {record.exc_info}"


def test_the_scan_finds_what_it_looks_for() -> None:
    assert numbers("x 4242424242424242, '4000-0000-0000-0002' {378282246310005}") == [
        "4242424242424242",
        "4000-0000-0000-0002",
        "378282246310005",
    ]
    assert numbers("pi_000000000000000000000001 1795395600000000 4242424242424241") == []
    assert all(shows_code(CVC, text) for text in (CVC, f"cvc={CVC}&", f"'{CVC}'", f"code {CVC}."))
    assert not any(shows_code(CVC, text) for text in (f"req_a{CVC}", f"{CVC}b", f"0.{CVC}", f"1{CVC}"))


async def requests(api: Api) -> Iterator[str]:
    """Card data in every place where it belongs and where it does not; what was answered."""
    replies = []
    for card in TEST_CARDS:
        details = {"number": card.number, "exp_month": 12, "exp_year": 2030, "cvc": CVC}
        data = {"type": "card", "card": details}
        form: dict[str, Any] = {
            "amount": 1000,
            "currency": "aud",
            "payment_method_data": data,
            "confirm": True,
        }
        replies += [
            await api.post("/v1/payment_methods", data, Idempotency_Key=f"a {card.name}"),
            await api.post("/v1/payment_intents", form, Idempotency_Key=f"b {card.name}"),
            await api.post("/v1/payment_intents", form | {"amount": 1}),
            await api.post("/v1/payment_methods", data | {"card": details | {"exp_month": 13}}),
            await api.post("/v1/payment_methods", data | {"card": details | {"number": card.number[:-1]}}),
        ]
    pan = "4242424242424242"
    replies += [
        await api.get(f"/v1/payment_methods/{pan}"),
        await api.get(f"/v1/charges/{pan}"),
        await api.get(f"/{pan}"),
        await api.get("/v1/payment_intents", {"starting_after": pan}),
        await api.get("/v1/payment_intents", {pan: "1"}),
        await api.get("/v1/payment_intents", {"limit": pan}),
        await api.get("/v1/payment_intents", {"expand": [pan]}),
        await api.post("/v1/payment_intents", {pan: "1"}),
        await api.post("/v1/payment_intents", {"card": {pan: "1"}}),
        await api.post("/v1/payment_intents", {"amount": pan, "currency": pan}),
        await api.post("/v1/payment_intents", {"amount": 1000, "currency": "aud", "payment_method": pan}),
        await api.post("/v1/payment_intents", f"card[{pan}=1"),
        await api.post("/v1/payment_intents", f"{pan}=1&{pan}=2"),
        await api.post("/v1/payment_intents", f"a={pan}&a={pan}"),
        await api.post(
            "/v1/payment_intents", '{"number": "4242424242424242"}', Content_Type="application/json"
        ),
        await api.get("/v1/account", Authorization=f"Bearer {pan}"),
        await api.get("/v1/account", Stripe_Version=pan),
    ]
    return iter([f"{reply.text} {dict(reply.headers)}" for reply in replies])


async def test_no_card_number_is_left_behind(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        answers = list(await requests(api))
        await api.core.sweep()()
    store = api.core.store()
    assert isinstance(store, MemoryStore)
    logged = [said(record) for record in caplog.records if record.name != "asyncio"]
    kept = [repr(store.memory), *map(repr, store.memory.events.values())]
    assert len(answers) > 100
    assert len(logged) >= len(answers)
    assert [found for text in (*answers, *logged, *kept) for found in numbers(text)] == []
    assert not any(shows_code(CVC, text) for text in (*answers, *kept))


async def test_no_secret_is_logged(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await api.post(
            "/v1/payment_intents", {"amount": 1000, "currency": "aud"}, Idempotency_Key="my-own-key"
        )
        await api.get("/v1/account", Authorization=f"Bearer {api.shop.secret}x")
    logged = "".join(map(said, caplog.records))
    assert api.shop.secret not in logged
    assert "my-own-key" not in logged
    store = api.core.store()
    assert isinstance(store, MemoryStore)
    assert api.shop.secret not in repr(store.memory)


async def test_no_idempotency_key_is_logged_when_a_request_breaks(
    api: Api, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key goes along with every commit; what breaks there may say all that it was given."""

    async def breaks(_store: MemoryStore, _scope: object, changes: Changeset) -> None:
        raise RuntimeError(changes.actor)

    monkeypatch.setattr(MemoryStore, "commit", breaks)
    with caplog.at_level(logging.DEBUG):
        reply = await api.post(
            "/v1/payment_intents", {"amount": 1000, "currency": "aud"}, Idempotency_Key="my-own-key"
        )
    assert reply.status == 500
    assert "unexpected" in [record.getMessage() for record in caplog.records]
    assert "my-own-key" not in "".join(map(said, caplog.records))
    assert "my-own-key" not in repr(Actor("key_1", Face.HTTP, key="my-own-key"))
