"""A shop's till as its staff and its accountant meet it: a real service, a simulated terminal, the official SDK."""

import asyncio
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe

from fintech.adapters.simulator.terminal import Receipt, SimulatedTerminal
from fintech.adapters.system.clock import SystemClock
from fintech.application.terminals.recognising import BELIEF
from tests.scenarios.services import Service, answer, fintech, serving
from tests.scenarios.test_stripe_sdk import Sdk, client_of
from tests.unit.entrypoints.folders import eventually, folder_in_reach

pytestmark = pytest.mark.slow

VISA, STOLEN = "4242424242424242", "4000000000009979"
#: For so long a process may believe what it knew of a terminal.
BELIEF_S = BELIEF.total_seconds() + 0.1
#: So that what was sold in one test is told from what was sold in another.
FIRST_AMOUNT = {signal.SIGKILL: 100_000, signal.SIGTERM: 200_000}
ON_LOOPBACK = ("--terminals", "127.0.0.1:0")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder for logs, with a data folder in it that the tests use one after the other."""
    with folder_in_reach() as folder:
        yield folder


@pytest.fixture
def data(place: Path) -> Path:
    return place / "data"


@pytest.fixture
def http() -> Iterator[stripe.HTTPClient]:
    """The SDK's own transport."""
    http = stripe.RequestsClient()
    yield http
    http.close()


def where(service: Service) -> tuple[str, int]:
    host, _, port = service.ready["terminals"].rpartition(":")
    return host, int(port)


def till(service: Service, number: str | None = None) -> SimulatedTerminal:
    """A terminal that does not wait for long, and gives up soon."""
    number = number or service.ready["terminal_id"]
    return SimulatedTerminal(
        *where(service), number, SystemClock(), reply_timeout_s=5.0, retry_delays_s=(0.0, 0.1)
    )


def sdk_of(service: Service, http: stripe.HTTPClient) -> Sdk:
    return client_of(service.ready["http"], service.ready["sandbox_key"], http_client=http)


async def test_a_day_at_the_till(place: Path, http: stripe.HTTPClient) -> None:
    data = place / "day"
    with serving(place, "--data", str(data), *ON_LOOPBACK) as service:
        assert service.ready.keys() == {"http", "terminals", "account", "sandbox_key", "terminal_id"}
        sdk = sdk_of(service, http)
        (reader,) = sdk.v1.terminal.readers.list().data
        assert (reader.terminal_id, reader.status) == (service.ready["terminal_id"], "offline")
        async with till(service) as terminal:
            assert await terminal.sign_on() == "00"
            assert sdk.v1.terminal.readers.retrieve(reader.id).status == "online"
            sold = await terminal.purchase(2_500, VISA)
            assert sold.approved
            declined = await terminal.purchase(2_500, STOLEN)
            assert (declined.approved, declined.code is None) == (False, False)
            back = await terminal.refund(str(sold.reference), 1_000)
            assert back.approved
            assert await terminal.echo() == "00"
        intents = list(sdk.v1.payment_intents.list({"expand": ["data.latest_charge"]}))
        assert [(each.status, each.amount) for each in intents] == [
            ("requires_payment_method", 2_500),
            ("succeeded", 2_500),
        ]
        charge = intents[1].latest_charge
        details = charge.payment_method_details
        assert (details.type, details.card_present.last4, charge.amount_refunded) == (
            "card_present",
            "4242",
            1_000,
        )
        assert intents[1].payment_method_types == ["card_present"]
        lines = [(line.type, line.amount) for line in sdk.v1.balance_transactions.list()]
        assert lines == [("refund", -1_000), ("charge", 2_500)]
        service.tell(signal.SIGTERM)
        assert service.ended() == 0
        assert VISA not in service.log.read_text(encoding="utf-8")
    assert answer("ledger", "verify", "--data", str(data))["holds"] is True


async def test_a_suspended_terminal_sells_nothing_until_it_is_restored(place: Path, data: Path) -> None:
    with serving(place, "--data", str(data), *ON_LOOPBACK) as service:
        account, number = service.ready["account"], service.ready["terminal_id"]
        here = ("--data", str(data))
        async with till(service) as terminal:
            assert (await terminal.purchase(1_000, VISA)).approved
            answer("terminal", "suspend", account, number, "--why", "stolen", *here)
            await asyncio.sleep(BELIEF_S)
            assert (await terminal.purchase(1_000, VISA)).code == "58"
            answer("terminal", "restore", account, number, *here)
            await asyncio.sleep(BELIEF_S)
            assert (await terminal.purchase(1_000, VISA)).approved
        shown = answer("terminal", "show", account, number, *here)
        assert (shown["status"], shown["online"]) == ("active", True)


async def test_what_the_back_office_registers_may_sell(place: Path, data: Path) -> None:
    with serving(place, "--data", str(data), *ON_LOOPBACK) as service:
        here = ("--data", str(data))
        account = answer("merchant", "create", "--name", "Corner Coffee", *here)["account"]
        address = ("--line1", "1 High St", "--city", "Hay", "--state", "NSW", "--postcode", "2711")
        spot = answer("location", "create", account, "--name", "Kiosk", *address, *here)["location"]
        registered = ("--location", spot, "--serial", "simulated-7")
        number = answer("terminal", "register", account, *registered, *here)["number"]
        async with till(service, number) as terminal, till(service, "NOBODYS1") as stranger:
            assert (await terminal.purchase(1_000, VISA)).approved
            assert await stranger.sign_on() == "03"
        assert len(answer("payment", "list", account, *here)["payments"]) == 1


@pytest.mark.timeout(120)
@pytest.mark.parametrize("told", [signal.SIGKILL, signal.SIGTERM])
async def test_both_sides_agree_however_the_service_ended(
    place: Path, data: Path, http: stripe.HTTPClient, told: signal.Signals
) -> None:
    """Tills sell until the service ends under them. What they could not finish they give up once it is back."""
    here = ("--data", str(data))
    receipts: list[Receipt] = []
    with serving(place, *here, *ON_LOOPBACK) as service:
        tills = [till(service, number) for number in _registered(service, here, 4)]
        first = FIRST_AMOUNT[told]
        selling = [
            asyncio.create_task(
                _sell_until_cut(each, range(first + place, first + 10_000, len(tills)), receipts)
            )
            for place, each in enumerate(tills)
        ]
        while len(receipts) < 40:
            await asyncio.sleep(0.01)
        service.tell(told)
        assert service.ended() == (0 if told is signal.SIGTERM else -told)
        await asyncio.gather(*selling)
    with serving(place, *here, *ON_LOOPBACK) as service:
        for each in tills:
            each.address = where(service)
            assert await each.settle()
        receipts.append(await tills[0].purchase(first, VISA))
        for each in tills:
            each.hang_up()
        listed = sdk_of(service, http).v1.charges.list({"limit": 100}).auto_paging_iter()
        charges = [charge for charge in listed if first <= charge.amount < first + 10_000]
        kept = [charge.amount for charge in charges if charge.captured and not charge.refunded]
        assert sorted(kept) == sorted(each.amount_minor for each in receipts if each.approved)
        assert not [charge for charge in charges if charge.status == "pending"]
    assert answer("ledger", "verify", *here)["holds"] is True


def _registered(service: Service, here: tuple[str, ...], count: int) -> list[str]:
    """The numbers of new terminals of the sandbox."""
    account = service.ready["account"]
    spot = answer("location", "list", account, *here)["locations"][0]["location"]
    wanted = ("--location", spot, "--serial", "simulated-9")
    return [answer("terminal", "register", account, *wanted, *here)["number"] for _ in range(count)]


async def _sell_until_cut(terminal: SimulatedTerminal, amounts: range, receipts: list[Receipt]) -> None:
    """Sell, each time for another amount, until nobody answers."""
    for amount in amounts:
        receipt = await terminal.purchase(amount, VISA)
        receipts.append(receipt)
        if receipt.code is None:
            return


def test_a_port_that_is_taken_is_said_at_once(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        never = ("--data", str(place / "never"))
        ran = fintech("serve", *never, "--http", "127.0.0.1:0", "--terminals", address)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == f"Error: --terminals: cannot listen on {address}: Address already in use\n"
    assert not (place / "never").exists()


def test_terminals_are_served_on_this_machine_alone(place: Path) -> None:
    never = ("--data", str(place / "never"))
    ran = fintech("serve", *never, "--http", "127.0.0.1:0", "--terminals", "0.0.0.0:0")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "'--terminals'" in ran.stderr
    assert not (place / "never").exists()


def test_figures_of_terminals_are_told_with_the_others(place: Path, data: Path) -> None:
    with (
        serving(place, "--data", str(data), *ON_LOOPBACK) as service,
        socket.create_connection(where(service)),
    ):
        assert eventually(lambda: "fintech_terminal_connections 1.0" in _metrics(service))


def _metrics(service: Service) -> str:
    with urllib.request.urlopen(service.ready["http"] + "/metrics", timeout=10) as response:
        return str(response.read().decode())
