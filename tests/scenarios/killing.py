"""A shop that goes on selling while its server is killed, and the reckoning afterwards.

Every request has an idempotency key and is repeated until it is answered, as a good client does. In the end every
answered payment is there once and as answered, none is left between two states, and the books prove.
"""

import asyncio
import json
import random
import secrets
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
from attrs import define, field

from tests.scenarios.services import COMMAND, answer, environment

PORT_PATIENCE_S = 60
#: A lost call is found after 45 s, an abandoned key is continued after 60.
SWEPT_S = 120


@define
class Shop:
    """The server's process, its customers and what they were told."""

    folder: Path
    port: int = 0
    process: "subprocess.Popen[str] | None" = None
    key: str = field(default="", repr=False)
    told: dict[str, tuple[str, str]] = field(factory=dict)  #: order -> payment id and status
    refunds: dict[str, str] = field(factory=dict)  #: order -> refund id
    closing: bool = False
    answers: Counter[int] = field(factory=Counter)

    def open(self) -> None:
        """Start the server, on the same port as before."""
        self.process = subprocess.Popen(
            [*COMMAND, "serve", "--data", str(self.folder), "--http", f"127.0.0.1:{self.port}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(),
        )
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        self.port = int(ready["http"].rpartition(":")[2])
        self.key = ready["sandbox_key"]

    def kill(self) -> None:
        """Kill the server without a word, and open again."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(PORT_PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.open()

    def kill_database(self) -> None:
        """Kill Postgres under the server's feet; it has to come back by itself."""
        pid = int((self.folder / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
        subprocess.run(["kill", "-9", str(pid)], check=True)

    def close(self) -> int:
        """Stop the server as one should."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PORT_PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    async def sell(self, customers: int, session: aiohttp.ClientSession) -> None:
        """Customers pay, and get money back, until the shop closes."""
        await asyncio.gather(*(self._customer(session) for _ in range(customers)))

    async def _customer(self, session: aiohttp.ClientSession) -> None:
        while not self.closing:
            order = f"x{secrets.token_hex(8)}"  # sixteen digits alone might be taken for a card number
            form = {
                "amount": str(random.randrange(100, 10_000)),
                "currency": "aud",
                "confirm": "true",
                "payment_method": random.choice(["pm_card_visa", "pm_card_visa", "pm_card_chargeDeclined"]),
                "capture_method": random.choice(["automatic", "automatic", "manual"]),
                "metadata[order]": order,
            }
            payment = await self._insist(session, "/v1/payment_intents", form, f"pay-{order}")
            payment = payment.get("error", {}).get("payment_intent", payment)
            self.told[order] = payment["id"], payment["status"]
            if payment["status"] == "requires_capture":
                path = f"/v1/payment_intents/{payment['id']}/capture"
                payment = await self._insist(session, path, {}, f"capture-{order}")
                self.told[order] = payment["id"], payment["status"]
            if payment["status"] == "succeeded" and random.random() < 0.3:
                form = {"payment_intent": payment["id"], "amount": "50"}
                refund = await self._insist(session, "/v1/refunds", form, f"refund-{order}")
                self.refunds[order] = refund["id"]

    async def _insist(
        self, session: aiohttp.ClientSession, path: str, form: dict[str, str], key: str
    ) -> dict[str, Any]:
        """Ask with the same key until there is an answer."""
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": key}
        deadline = time.monotonic() + SWEPT_S
        while time.monotonic() < deadline:
            try:
                async with session.post(
                    f"http://127.0.0.1:{self.port}{path}", data=form, headers=headers
                ) as response:
                    body: dict[str, Any] = await response.json()
                    self.answers[response.status] += 1
                    if response.status in (200, 402):
                        return body
                    assert response.status in (409, 503), body
            except (aiohttp.ClientError, TimeoutError):
                self.answers[0] += 1
            await asyncio.sleep(random.uniform(0.05, 0.3))
        raise AssertionError(f"{path} was never answered")

    async def everything(self, session: aiohttp.ClientSession, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = await self._look(session, f"/v1/{kind}?limit=100{after}")
            found += page["data"]
            if not page["has_more"]:
                return found
            after = f"&starting_after={page['data'][-1]['id']}"

    async def _look(self, session: aiohttp.ClientSession, path: str) -> dict[str, Any]:
        """Look again while the answer is that the database is away: an idle line to it may be a dead one."""
        deadline = time.monotonic() + SWEPT_S
        while True:
            headers = {"Authorization": f"Bearer {self.key}"}
            async with session.get(f"http://127.0.0.1:{self.port}{path}", headers=headers) as response:
                body: dict[str, Any] = await response.json()
                if response.status == 200:
                    return body
                assert response.status == 503, body
            assert time.monotonic() < deadline, f"{path} was never answered"
            await asyncio.sleep(0.2)


async def survive(
    shop: Shop, *, servers: int, databases: int, customers: int = 16, pause_s: float = 2.0
) -> None:
    """Kill the server and its database so often under load, then reckon."""
    shop.open()
    try:
        timeout = aiohttp.ClientTimeout(total=20)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            selling = asyncio.ensure_future(shop.sell(customers, session))
            blows = [shop.kill] * servers + [shop.kill_database] * databases
            random.shuffle(blows)
            for blow in blows:
                await asyncio.sleep(pause_s)
                await asyncio.to_thread(blow)
            await asyncio.sleep(pause_s)
            shop.closing = True
            await selling
            await _settled(shop, session)
            await _reckon(shop, session)
        proofs = await asyncio.to_thread(answer, "ledger", "verify", "--data", str(shop.folder))
        assert proofs
    finally:
        code = shop.close()
    assert code == 0


async def _settled(shop: Shop, session: aiohttp.ClientSession) -> None:
    """No payment and no refund stays between two states for longer than the sweeper needs."""
    deadline = time.monotonic() + SWEPT_S
    while True:
        payments = await shop.everything(session, "payment_intents")
        refunds = await shop.everything(session, "refunds")
        between = [each["id"] for each in payments if each["status"] == "processing"]
        between += [each["id"] for each in refunds if each["status"] == "pending"]
        if not between:
            return
        assert time.monotonic() < deadline, f"still between two states: {between}"
        await asyncio.sleep(1)


async def _reckon(shop: Shop, session: aiohttp.ClientSession) -> None:
    payments = await shop.everything(session, "payment_intents")
    orders = Counter(payment["metadata"]["order"] for payment in payments)
    assert set(orders.values()) <= {1}, "an order was charged twice"
    by_order = {payment["metadata"]["order"]: payment for payment in payments}
    assert shop.told, "nothing was sold"
    for order, (id, status) in shop.told.items():
        payment = by_order[order]
        assert payment["id"] == id
        final = {"succeeded", "requires_payment_method", "requires_capture", "canceled"}
        assert payment["status"] == status or (status == "processing" and payment["status"] in final)
    refunds = {refund["id"] for refund in await shop.everything(session, "refunds")}
    assert set(shop.refunds.values()) <= refunds
    assert len(refunds) == len(set(shop.refunds.values())), "money was given back twice"
