"""No card number and no security code outlives its request, and nothing that tells who somebody is can be read: not in the
database, not in its log, not in a log of ours, not in a file.

A service is sent every card that there is, in every place where one can be put, with its owner; and bank accounts, and
evidence of disputes. Then everything that it leaves is read.
"""

import base64
import http.client
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from attrs import define, field

from fintech.adapters.postgres.data_folder import wheel
from fintech.adapters.postgres.embedded import EmbeddedPostgres
from fintech.adapters.simulator.cards import TEST_CARDS
from tests.scenarios.card_data import strangers, traces
from tests.scenarios.services import Service, answer, fintech, serving
from tests.unit.entrypoints.folders import eventually, folder_in_reach

FORM = "application/x-www-form-urlencoded"
#: Who people are, as nobody may read it later.
OWNER = {
    "name": "Zebulon Quixote",
    "email": "zebulon@quixote.example",
    "phone": "+61 2 7015 9013",
    "address][line1": "17 Windmill Terrace",
}
HOLDERS = {"Hermione Holdings": "917346528", "Kiosk of Balthazar": "640215873"}
EVIDENCE = {"customer_name": "Melchior Nightingale", "billing_address": "4 Nightingale Mews"}
PEOPLE = [*OWNER.values(), *HOLDERS, *HOLDERS.values(), *EVIDENCE.values()]
NO_HEADERS: Mapping[str, str] = {}
HEADERS = ("Content-Type", "Cookie", "Referer", "Stripe-Account", "Stripe-Version", "User-Agent", "X-Card")
INTENTS, METHODS, REFUNDS = "/v1/payment_intents", "/v1/payment_methods", "/v1/refunds"

#: Published for tests, of every scheme and length; our sandbox takes none of them.
OTHERS = (
    "4222222222222",
    "30569309025904",
    "371449635398431",
    "4111111111111111",
    "2223003122003222",
    "6011000990139424",
    "3530111333300000",
    "6205500000000000004",
)
NUMBERS = [card.number for card in TEST_CARDS] + [*OTHERS]
#: One for each, so that nobody can say which it was by chance.
CODES = {
    number: f"{111 + 7 * place:0{4 if number[:2] in ('34', '37') else 3}}"
    for place, number in enumerate(NUMBERS)
}


@define
class Till:
    """Sends what a client would, and what none should."""

    service: Service
    statuses: list[int] = field(factory=list)

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = NO_HEADERS
    ) -> int:
        """The status of an answer."""
        address = urlsplit(self.service.ready["http"])
        connection = http.client.HTTPConnection(address.netloc, timeout=60)
        given = {"Authorization": f"Bearer {self.service.ready['sandbox_key']}"}
        if body is not None:
            given["Content-Type"] = FORM
        try:
            connection.request(method, path, body, {**given, **headers})
            response = connection.getresponse()
            response.read()
        finally:
            connection.close()
        self.statuses.append(response.status)
        return response.status

    def post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str] = NO_HEADERS) -> int:
        """The status of an answer to a form."""
        return self.send("POST", path, urlencode(form).encode(), headers)

    def shout(self, text: str) -> None:
        """Send what need not be HTTP."""
        address = urlsplit(self.service.ready["http"])
        with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=60) as line:
            line.sendall(text.encode())
            line.recv(65_536)

    def pay(self, **form: str) -> Any:
        """The answer to a request to pay 20.00."""
        terms = {"amount": "2000", "currency": "aud", "confirm": "true"} | form
        return self.service.ask(INTENTS, self.service.ready["sandbox_key"], **terms)


def typed(number: str, within: str = "payment_method_data") -> dict[str, str]:
    """A card as it is typed in."""
    card = f"{within}[card]" if within else "card"
    name = f"{within}[type]" if within else "type"
    return {
        name: "card",
        f"{card}[number]": number,
        f"{card}[exp_month]": "11",
        f"{card}[exp_year]": "2031",
        f"{card}[cvc]": CODES[number],
    }


def trade(till: Till) -> None:
    """A merchant's day with every card: payments, captures, declines, refunds."""
    for number in NUMBERS:
        status, paid = till.pay(**typed(number), description="two hats", **{"metadata[order]": "6735"})
        assert status in ((402,) if number in OTHERS else (200, 402)), paid
        key = {"Idempotency-Key": f"method {CODES[number]}"}
        till.post(METHODS, typed(number, "") | {"metadata[order]": "6735"}, key)
        till.post(METHODS, typed(number, "") | {"card[exp_year]": "2001"})
        if status == 200 and paid["status"] == "succeeded":
            assert till.post(REFUNDS, {"payment_intent": paid["id"], "amount": "700"}) in (200, 402)
    for card in TEST_CARDS:
        status, held = till.pay(payment_method=card.name, capture_method="manual")
        if status == 200 and held["status"] == "requires_capture":
            assert till.post(f"{INTENTS}/{held['id']}/capture", {"amount_to_capture": "1500"}) == 200


def name_people(till: Till) -> None:
    """What merchants say of people: whose cards and accounts they are, and who disputes a payment."""
    owner = {f"billing_details[{name}]": text for name, text in OWNER.items()}
    assert till.post(METHODS, typed("4242424242424242", "") | owner) == 200
    status, paid = till.pay(
        **typed("4000000000000259"),
        **{f"payment_method_data[{name.replace('[', '][', 1)}": text for name, text in owner.items()},
    )
    assert (status, paid["status"]) == (200, "succeeded")
    for holder, number in HOLDERS.items():
        details = {
            "object": "bank_account",
            "country": "AU",
            "account_holder_name": holder,
            "routing_number": "062-000",
            "account_number": number,
        }
        path = f"/v1/accounts/{till.service.ready['account']}/external_accounts"
        form = {f"external_account[{name}]": text for name, text in details.items()}
        assert till.post(path, form) == 200
        assert till.post(path, form | {"external_account[country]": "NZ"}) == 400
    key = till.service.ready["sandbox_key"]
    assert eventually(lambda: till.service.ask("/v1/disputes", key)[1]["data"])
    dispute = till.service.ask("/v1/disputes", key)[1]["data"][0]["id"]
    for submit in ("false", "true"):
        evidence = {f"evidence[{name}]": text for name, text in EVIDENCE.items()}
        assert till.post(f"/v1/disputes/{dispute}", evidence | {"submit": submit}) == 200
    for path in (METHODS, f"/v1/disputes/{dispute}", "/v1/events?limit=100"):
        assert till.send("GET", path) == 200
    assert till.post(f"{METHODS}/find", {"email": OWNER["email"]}) == 200


def put_everywhere(till: Till, number: str) -> None:
    """A number in every place that a request has."""
    _, paid = till.pay(payment_method="pm_card_visa")
    pay = {"amount": "2000", "currency": "aud", "payment_method": "pm_card_visa", "confirm": "true"}
    groups = " ".join(number[start : start + 4] for start in range(0, len(number), 4))
    for path in (INTENTS, f"{INTENTS}/{paid['id']}"):
        terms = pay if path == INTENTS else {}
        for text in (number, f"card {number}, code {CODES[number]}", groups, groups.replace(" ", "-")):
            assert till.post(path, terms | {"description": text}) == 400
            assert till.post(path, terms | {"metadata[card]": text}) == 400
        assert till.post(path, terms | {f"metadata[{number}]": "card"}) == 400
        assert till.post(path, terms | {"metadata[cvc]": CODES[number]}) == 400
    assert till.post(METHODS, typed("4242424242424242", "") | {"metadata[card]": groups}) == 400
    assert till.post(REFUNDS, {"payment_intent": paid["id"], "metadata[card]": number}) == 400
    assert till.post(INTENTS, pay, {"Idempotency-Key": number}) == 400
    assert till.post(INTENTS, pay, {"Idempotency-Key": f"card-{groups}"}) == 400
    for name in ("amount", "currency", "payment_method", "capture_method", "return_url", "expand[]", number):
        till.post(INTENTS, pay | {name: number})
    for name in ("payment_intent", "charge", "reason", "amount"):
        till.post(REFUNDS, {"payment_intent": paid["id"]} | {name: number})
    till.post(f"{INTENTS}/{paid['id']}/cancel", {"cancellation_reason": number})
    for name in ("exp_month", "exp_year", "cvc"):
        till.post(METHODS, typed(number, "") | {f"card[{name}]": number})
    for path in (INTENTS, METHODS, REFUNDS, "/v1/charges", "/v1/events", "/v1/balance_transactions"):
        till.send("GET", f"{path}/{number}")
        for name in ("starting_after", "limit", "type", "created[gte]", "expand[]", number):
            till.send("GET", f"{path}?{urlencode({name: number})}")
    till.send("POST", f"{INTENTS}?card={number}", b"")
    till.send("POST", f"{INTENTS}/{number}/capture", b"")
    put_in_headers(till, number)
    put_in_bodies(till, number)


def put_in_headers(till: Till, number: str) -> None:
    """A number where it says who asks and how."""
    basic = base64.b64encode(f"{number}:".encode()).decode()
    for value in (f"Bearer {number}", f"Bearer sk_test_{number}", f"Basic {basic}", number):
        assert till.send("GET", "/v1/balance", headers={"Authorization": value}) == 401
    for name in HEADERS:
        till.send("GET", "/v1/balance", headers={name: number})
        till.post(INTENTS, {"amount": "2000", "currency": "aud"}, {name: number})
    till.send("GET", f"/{number}", headers={number: number})
    till.send(f"X{number}", "/")
    till.shout(f"{number}\r\n\r\n")
    till.shout(f"GET /v1/balance HTTP/1.1\r\nHost: a\r\nBroken {number} header\r\n\r\n")
    till.shout(f"POST {INTENTS} HTTP/1.1\r\nHost: a\r\nContent-Length: {number}x\r\n\r\n")


def put_in_bodies(till: Till, number: str) -> None:
    """A number in what is no form, or is not sound."""
    code = CODES[number]
    document = f'{{"card": "{number}", "cvc": "{code}"}}'.encode()
    till.send("POST", INTENTS, document, {"Content-Type": "application/json"})
    for body in (
        f"{number}",
        f"card[number={number}&cvc={code}",
        f"card={number}&card={number}",
        f"card={number}%",
        f"card={number}%ff",
        f"card={number}%00",
        f"[{number}]={number}",
        f"card[a][b][c][d][e][f][{number}]=1",
        f"{number}=1&" * 300,
        f"card={number}" + "4" * 70_000,
    ):
        assert till.send("POST", INTENTS, body.encode()) in (400, 413)
    till.send("POST", INTENTS, f"card={number}".encode() + b"\xff")


def manage(data: Path, account: str, payment: str) -> None:
    """A few commands, some of them with a number where a name or a reason belongs."""
    here = ("--data", str(data))
    number = "4242 4242 4242 4242"
    assert fintech("merchant", "create", "--name", f"Shop {number}", *here).returncode == 2
    assert fintech("key", "create", account, "--name", number, *here).returncode == 2
    for option in ("--why", "--as", "--idempotency-key"):
        given = {"--why": "a return", option: number}
        refund = [each for pair in given.items() for each in pair]
        assert fintech("payment", "refund", account, payment, *refund, *here).returncode == 2
    answer("payment", "refund", account, payment, "--amount", "1.00", "--why", "a return", *here)
    answer("settle", "--all", "--through", "today", "--why", "the day is over", *here)
    assert answer("ledger", "verify", *here)["holds"] is True


def dump(data: Path) -> str:
    """Everything that the database has, as its own tool writes it."""
    with EmbeddedPostgres(data).running_blocking() as server:
        tool = wheel()[0] / "pginstall/bin/pg_dump"
        ran = subprocess.run(
            [tool, "--dbname", server.dsn], capture_output=True, text=True, check=False, timeout=60
        )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def raw(data: Path, wanted: Sequence[str]) -> dict[str, list[str]]:
    """What stands in the database's own files, its write-ahead log among them, byte for byte."""
    found: dict[str, list[str]] = {}
    files = [path for path in (data / "postgres").rglob("*") if path.is_file()]
    assert any("pg_wal" in path.parts for path in files)
    for path in files:
        content = path.read_bytes()
        there = [text for text in wanted if text.encode() in content]
        if there:
            found[str(path.relative_to(data))] = there
    return found


def files(folder: Path) -> Iterator[Path]:
    """What is written here but for the database's own tables, which the dump shows, and its programs."""
    for path in sorted(folder.rglob("*")):
        ours = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(("postgres", "binaries")) for part in ours[:-1]):
            yield path


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_of_a_card_is_left() -> None:
    with folder_in_reach() as folder:
        data = folder / "data"
        limits = {"FINTECH_HTTP_REQUESTS_PER_S": "10000", "FINTECH_HTTP_REQUESTS_BURST": "10000"}
        with serving(folder, "--data", str(data), "--log-level", "debug", **limits) as service:
            till = Till(service)
            trade(till)
            name_people(till)
            for number in ("4242424242424242", "378282246310005", *OTHERS):
                put_everywhere(till, number)
            manage(data, service.ready["account"], till.pay(payment_method="pm_card_visa")[1]["id"])
            service.process.terminate()
            assert service.ended() == 0
            assert service.process.stdout is not None
            left = {"standard output": service.process.stdout.read()}
        assert not {status for status in till.statuses if status >= 500}
        left |= {str(path.relative_to(folder)): path.read_text(errors="replace") for path in files(folder)}
        left["the database"] = dump(data)
        assert {"data/simulator.jsonl", "data/postgres.log", "serve-0.log"} <= left.keys()
        assert "two hats" in left["the database"]  # so it is what was written that is read
        assert {name: found for name, text in left.items() if (found := traces(NUMBERS, text))} == {}
        assert {
            name: seen for name, text in left.items() if (seen := [each for each in PEOPLE if each in text])
        } == {}
        assert raw(data, [*PEOPLE, *NUMBERS]) == {}
        assert raw(data, ["two hats"])  # so it is what was written that is read
        assert {name: suspects for name, text in left.items() if (suspects := strangers(text))} == {}


@pytest.mark.parametrize(
    "kept",
    ["{}", "x{}y", "0{}0", '"note": "card {}"', "%{}%"],
)
@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_that_is_left_would_be_found(number: str, kept: str) -> None:
    fours = [number[start : start + 4] for start in range(0, len(number), 4)]
    encoded = [base64.b64encode(f"{'x' * before}{number}yz".encode()).decode() for before in range(3)]
    spellings = [number, " ".join(fours), "-".join(fours), ", ".join(number), number.encode().hex(), *encoded]
    spellings += ["".join(f"%{ord(digit):X}" for digit in number)]
    for spelling in spellings:
        assert traces(NUMBERS, kept.format(spelling)) >= {number}, spelling
    if kept not in ("x{}y", "0{}0"):
        assert strangers(kept.format(number))


@pytest.mark.parametrize(
    "kept", ["cvc=123", '"cvc": "123"', "card[cvc]=1234", "CVV2: 123", '"security_code":"123"']
)
def test_a_security_code_that_is_left_would_be_found(kept: str) -> None:
    assert strangers(kept)


def test_what_is_left_of_right_is_none() -> None:
    right = (
        'acct_000000000000000000000001 1795458235000 {"last4": "4242", "cvc_check": null} 424242******4242'
    )
    assert (traces(NUMBERS, right), strangers(right)) == (set(), [])
