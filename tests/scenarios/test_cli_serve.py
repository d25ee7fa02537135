"""The service as its operators meet it: started, used, told to stop, killed, started again."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.services import COMMAND, answer, environment, fintech, serving, starting
from tests.unit.entrypoints.folders import eventually, folder_in_reach, processes_of

KEY = "5e" * 32
pytestmark = pytest.mark.slow

CARD = {"amount": "1250", "currency": "aud", "payment_method": "pm_card_visa", "confirm": "true"}


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder for logs, with a data folder in it that the tests use one after the other."""
    with folder_in_reach() as folder:
        yield folder


@pytest.fixture
def data(place: Path) -> Path:
    return place / "data"


def test_a_service_says_when_it_is_ready_and_drains_when_told(place: Path, data: Path) -> None:
    with serving(place, "--data", str(data)) as service:
        assert service.ready.keys() == {"http", "account", "sandbox_key"}
        key = service.ready["sandbox_key"]
        assert service.ask("/readyz")[0] == 200
        status, payment = service.ask("/v1/payment_intents", key, **CARD)
        assert (status, payment["status"]) == (200, "succeeded")
        service.tell(signal.SIGTERM)
        assert service.ended() == 0
        assert service.process.stdout is not None
        assert service.process.stdout.read() == ""
        messages = [line["message"] for line in service.lines()]
        assert messages.count("ready") == messages.count("draining") == messages.count("stopped") == 1
        assert key not in service.log.read_text(encoding="utf-8")
        assert not processes_of(data)
    assert (data / "sandbox-key").stat().st_mode & 0o777 == 0o600


def test_the_sandbox_is_the_same_after_a_restart(place: Path, data: Path) -> None:
    with serving(place, "--data", str(data)) as service:
        first = service.ready
        _, payment = service.ask("/v1/payment_intents", first["sandbox_key"], **CARD)
        service.tell(signal.SIGINT)
        assert service.ended() == 0
    with serving(place, "--data", str(data)) as service:
        assert (service.ready["account"], service.ready["sandbox_key"]) == (
            first["account"],
            first["sandbox_key"],
        )
        status, found = service.ask(f"/v1/payment_intents/{payment['id']}", first["sandbox_key"])
        assert (status, found["id"]) == (200, payment["id"])
    (data / "sandbox-key").unlink()
    with serving(place, "--data", str(data)) as service:
        assert service.ready["account"] == first["account"]
        assert service.ask("/v1/balance", service.ready["sandbox_key"])[0] == 200
        assert service.ask("/v1/balance", first["sandbox_key"])[0] == 401


def test_commands_work_beside_a_running_service(place: Path, data: Path) -> None:
    with serving(place, "--data", str(data)) as service:
        here = ("--data", str(data))
        account = answer("merchant", "create", "--name", "Corner Coffee", *here)["account"]
        made = answer("key", "create", account, "--name", "till", *here)
        status, payment = service.ask("/v1/payment_intents", made["secret"], **CARD)
        assert (status, payment["status"]) == (200, "succeeded")
        assert answer("settle", "--all", "--through", "today", "--why", "demo", *here)["refused"] == []
        _, balance = service.ask("/v1/balance", made["secret"])
        assert (balance["pending"][0]["amount"], balance["available"][0]["amount"] > 0) == (0, True)
        assert answer("ledger", "verify", *here)["holds"] is True
        assert fintech("key", "revoke", account, made["key"], "--why", "leaked", *here).returncode == 0
        assert eventually(lambda: service.ask("/v1/balance", made["secret"])[0] == 401, patience_s=2)


def test_while_it_drains_a_service_is_not_ready_but_answers(place: Path, data: Path) -> None:
    with serving(place, "--data", str(data), FINTECH_DRAIN_DELAY_S="60") as service:
        service.tell(signal.SIGTERM)
        assert eventually(lambda: service.ask("/readyz")[0] == 503)
        assert service.ask("/v1/balance", service.ready["sandbox_key"])[0] == 200
        began = time.monotonic()
        service.tell(signal.SIGTERM)
        assert service.ended() == 128 + signal.SIGTERM
        assert time.monotonic() - began < 2
    assert eventually(lambda: not processes_of(data))


def test_a_request_under_way_is_finished(place: Path, data: Path) -> None:
    with serving(place, "--data", str(data)) as service:
        host, _, port = service.ready["http"].removeprefix("http://").partition(":")
        body = b"amount=1250&currency=aud&payment_method=pm_card_visa&confirm=true"
        head = (
            f"POST /v1/payment_intents HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
            f"Authorization: Bearer {service.ready['sandbox_key']}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        )
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(head.encode() + body[:10])
            time.sleep(0.2)
            service.tell(signal.SIGTERM)
            assert eventually(lambda: any(line["message"] == "draining" for line in service.lines()))
            time.sleep(0.2)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((host, int(port)))
            connection.sendall(body[10:])
            answered = connection.recv(65536)
        assert answered.startswith(b"HTTP/1.1 200 ")
        assert service.ended() == 0


def test_what_a_killed_service_took_is_there_after_it(place: Path, data: Path) -> None:
    with serving(place, "--data", str(data)) as service:
        key = service.ready["sandbox_key"]
        _, payment = service.ask("/v1/payment_intents", key, **CARD)
        service.tell(signal.SIGKILL)
        service.ended()
    with serving(place, "--data", str(data)) as service:
        assert service.ready["sandbox_key"] == key
        assert service.ask(f"/v1/payment_intents/{payment['id']}", key)[1]["status"] == "succeeded"
    assert answer("ledger", "verify", "--data", str(data))["holds"] is True


def test_a_start_that_is_interrupted_leaves_nothing_running(place: Path) -> None:
    new = place / "new"
    with starting(place, "--data", str(new)) as (process, log):
        assert eventually(lambda: any(new.glob("postgres.new-*")))
        process.terminate()
        assert process.wait(40) == 0
        assert [json.loads(line)["message"] for line in log.read_text().splitlines()] == ["stopped"]
    assert eventually(lambda: not processes_of(new))


def test_a_port_that_is_taken_is_said_at_once(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ran = fintech("serve", "--data", str(place / "never"), "--http", address)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == f"Error: --http: cannot listen on {address}: Address already in use\n"
    assert not (place / "never").exists()


def test_at_an_address_a_service_has_no_sandbox(place: Path, empty_url: str) -> None:
    database = {"FINTECH_DATABASE_URL": empty_url, "FINTECH_DIGEST_KEY": KEY}
    behind = fintech("serve", "--http", "127.0.0.1:0", **database)
    assert behind.returncode == 3
    assert len(behind.stderr.splitlines()) == 1
    assert "upgrade it first" in behind.stderr
    assert answer("db", "upgrade", **database)["up_to_date"] is True
    with serving(place, **database) as service:
        assert service.ready.keys() == {"http"}
        account = answer("merchant", "create", "--name", "Corner Coffee", **database)["account"]
        key = answer("key", "create", account, "--name", "till", **database)["secret"]
        assert service.ask("/v1/payment_intents", key, **CARD)[1]["status"] == "succeeded"
        service.tell(signal.SIGTERM)
        assert service.ended() == 0
        assert KEY not in service.log.read_text(encoding="utf-8")


def test_a_reader_that_goes_away_is_no_fault(data: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [*COMMAND, "merchant", "list", "--data", str(data)]
    ran = subprocess.run(
        command, stdout=write, stderr=subprocess.PIPE, text=True, check=False, env=environment()
    )
    os.close(write)
    assert "Traceback" not in ran.stderr
    assert not processes_of(data)  # where no service runs, a command starts and stops the server itself
