"""Whatever becomes of a merchant's keys, a card that is kept and a bank account that is there have the fingerprint that they
had at first, and no two of them have the same."""

import asyncio
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fintech.adapters.memory.clock import ManualClock
from fintech.application.commits import Request
from fintech.application.keys import permissions
from fintech.domain.cards import CardDetails
from fintech.domain.ids import MerchantId
from fintech.domain.money import Currency
from fintech.domain.scope import Actor, Face, Scope
from fintech.entrypoints import profiles
from fintech.entrypoints.container import Core
from fintech.ports.queries import Page

ANN = Actor("ann", Face.CLI, "it is time")
SCOPE = Scope(MerchantId("acct_" + "m" * 24), livemode=False)
NUMBERS = ("4242424242424242", "5555555555554444", "378282246310005")
#: Longer than any process takes to hear of a new version, and than a version that was replaced is kept.
HEARD = timedelta(seconds=2)

DEEDS = st.one_of(
    st.tuples(st.just("card"), st.sampled_from(NUMBERS)),
    st.tuples(st.just("account"), st.sampled_from(("123456", "654321"))),
    st.tuples(st.sampled_from(("rotate", "reseal", "read", "tend", "retire", "forget leases")), st.none()),
)


class Keeping:
    """A merchant's cards and accounts, and their first fingerprints."""

    def __init__(self, core: Core, clock: ManualClock) -> None:
        self.core, self.clock = core, clock
        self.first: dict[str, str] = {}

    async def do(self, deed: str, what: str | None) -> None:
        core = self.core
        match deed:
            case "card" if what is not None:
                details = CardDetails(number=what, exp_month=12, exp_year=2060)
                made = await core.create_payment_method()(Request(actor=ANN), SCOPE, details)
                self.has(what, made.unwrap().value.card.fingerprint)
            case "account" if what is not None:
                made_account = await core.add_bank_account()(
                    Request(actor=ANN), SCOPE, holder="Ada", bsb="062000", number=what, currency=Currency.AUD
                )
                self.has(what, made_account.unwrap().value.fingerprint)
            case "rotate":
                await core.rotate_key()(ANN, SCOPE)
                self.clock.advance(HEARD)
            case "reseal":
                await core.reseal()(ANN, SCOPE)
            case "read":
                methods = (await core.queries().payment_methods(SCOPE, Page(limit=100))).items
                await core.read_billing()(SCOPE, methods)
                for method in methods:
                    await core.reveal_card()(ANN, SCOPE, method.id)
                await core.reseal_touched().settled()
            case "tend":
                assert (await core.tend_keys()()).troubled == 0
            case "retire":
                self.clock.advance(core.key_policy().retire_after)
                assert (await core.tend_keys()()).troubled == 0
            case _:
                await core.key_vault().evict()

    def has(self, what: str, fingerprint: Any) -> None:
        assert fingerprint == self.first.setdefault(what, fingerprint), "as it was at first"
        assert len(set(self.first.values())) == len(self.first), "nobody else's"


async def keep(deeds: list[tuple[str, Any]]) -> None:
    clock = ManualClock()
    async with profiles.testing(clock=clock) as core:
        await core.onboard_merchant()(ANN, SCOPE.merchant, livemode=False, name="Kiosk")
        keeping = Keeping(core, clock)
        for number in NUMBERS[:2]:
            await keeping.do("card", number)
        await keeping.do("account", "123456")
        for deed, what in deeds:
            await keeping.do(deed, what)
        for number in NUMBERS:
            await keeping.do("card", number)
        await keeping.do("account", "123456")


@settings(deadline=None, max_examples=30)
@given(st.lists(DEEDS, max_size=12))
def test_a_fingerprint_outlives_the_keys_that_it_was_made_with(deeds: list[tuple[str, Any]]) -> None:
    pause, permissions.PAUSE_S = permissions.PAUSE_S, 0  # type: ignore[misc] # a test does not wait
    try:
        asyncio.run(keep(deeds))
    finally:
        permissions.PAUSE_S = pause  # type: ignore[misc] # as it was before


def test_also_once_everything_old_was_sealed_anew_and_its_version_destroyed() -> None:
    deeds = [("rotate", None), ("tend", None), ("retire", None), ("card", NUMBERS[0]), ("account", "654321")]
    asyncio.run(keep(3 * deeds))
