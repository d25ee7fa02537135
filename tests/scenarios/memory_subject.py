"""A service whose memory is looked at: it keeps any card, serves over HTTP, and loses its merchant's keys when it is told.

Its root keys are made of the secret that is its argument. It says where it listens as JSON; then takes ``revoke`` on
standard input, says what the merchant's key was wrapped as, and waits for the end of it.
"""

import asyncio
import gc
import json
import sys
from datetime import date
from typing import Any

import uvloop
from dependency_injector import providers

from fintech.adapters.crypto.local import LocalRoot
from fintech.adapters.memory.clock import ManualClock
from fintech.domain.cards import Card, CardDetails, CardFault, Funding, Scheme, fault_of
from fintech.domain.keys.custody import Custody
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.entrypoints import profiles
from fintech.entrypoints.container import Core
from fintech.entrypoints.http.app import build_app
from fintech.entrypoints.worker import delivering, dispatcher
from fintech.ports.card_directory import CardDirectory
from tests.unit.entrypoints.http.driving import Shop, open_shop, serving


class AnyCard(CardDirectory):
    """Knows any number, so that none has to be in this program."""

    def serves(self, scope: Scope) -> bool:
        return not scope.livemode

    async def recognise(self, scope: Scope, details: CardDetails) -> Outcome[Card, CardFault]:
        fault = fault_of(details, date(2026, 11, 23))
        if fault is not None:
            return Failure(fault)
        return Success(
            Card(
                scheme=Scheme.VISA,
                bin=details.number[:6],
                last4=details.number[-4:],
                exp_month=details.exp_month,
                exp_year=details.exp_year,
                funding=Funding.CREDIT,
                country="AU",
                token="pm_card_visa",
            )
        )

    def named(self, scope: Scope, name: str) -> Card | None:
        return None


async def subject() -> None:
    """Serve, revoke, wait."""
    clock = ManualClock()
    async with profiles.testing(clock=clock, root=LocalRoot(bytes.fromhex(sys.argv[1]))) as core:
        core.cards.override(providers.Object(AnyCard()))
        shop = await open_shop(core)
        async with delivering(dispatcher(core), interval_s=0.05), serving(build_app(core)) as url:
            _say({"http": url, "key": shop.secret, "account": shop.scope.merchant})
            await _heard("revoke")
            _say(await _revoke(core, shop))
            await _heard("")


async def _revoke(core: Core, shop: Shop) -> str:
    table = core.key_table()
    ring = await table.ring(shop.scope)
    assert ring is not None
    (await table.save(ring.placed(Custody.REVOKED).unwrap())).unwrap()
    await core.key_vault().evict()
    gc.collect()
    return ring.keys[0].wrapped.hex()


async def _heard(word: str) -> None:
    heard = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    assert heard.strip() == word


def _say(told: Any) -> None:
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(subject())
