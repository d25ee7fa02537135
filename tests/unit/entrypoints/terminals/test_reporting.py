"""A terminal that sells is there: it is seen to be, without signing on all the time."""

from fintech.domain.terminals import ONLINE_FOR, SIGN_ON_RESOLUTION, Placing, Terminal, TerminalStatus
from tests.unit.application.shop import PLAIN
from tests.unit.entrypoints.terminals.driving import Counter, Hand, code, financial


async def stored(at_counter: Counter) -> Terminal:
    till = at_counter.till
    found = await till.core.store().terminal(till.shop.scope, till.terminal.id)
    assert found is not None
    return found


async def test_one_that_sells_on_the_same_line_for_a_day_is_on_line(at_counter: Counter, hand: Hand) -> None:
    clock = at_counter.till.shop.clock
    before = (await stored(at_counter)).version
    for stan in range(1, 49):
        at_counter.till.shop.advance(minutes=30)
        now = f"{clock.now():%m%d%H%M%S}"
        assert code(await hand.ask(financial(stan=stan, e7=now))) == "00"
        assert (await stored(at_counter)).online(clock.now())
    assert (await stored(at_counter)).version == before + 24


async def test_one_that_says_nothing_is_not(at_counter: Counter, hand: Hand) -> None:
    assert (await stored(at_counter)).online(at_counter.till.shop.clock.now())
    at_counter.till.shop.clock.advance(ONLINE_FOR)
    assert not (await stored(at_counter)).online(at_counter.till.shop.clock.now())


async def test_what_a_suspended_one_sends_does_not_make_it_active(at_counter: Counter, hand: Hand) -> None:
    till = at_counter.till
    (await till.core.place_terminal()(PLAIN, till.shop.scope, till.terminal.id, Placing.SUSPEND)).unwrap()
    before = await stored(at_counter)
    till.shop.clock.advance(SIGN_ON_RESOLUTION)
    now = f"{till.shop.clock.now():%m%d%H%M%S}"
    assert code(await hand.ask(financial(e7=now))) == "58"
    assert await stored(at_counter) == before


async def test_what_comes_before_the_first_sign_on_is_none(at_counter: Counter) -> None:
    """An advice of one that has never signed on is taken, and it has never signed on."""
    async with at_counter.line(signed_on=False) as hand:
        assert code(await hand.ask(financial("0220"))) == "00"
    assert (await stored(at_counter)).status is TerminalStatus.REGISTERED
