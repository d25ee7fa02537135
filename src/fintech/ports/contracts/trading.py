"""Trade in chance order, so that contract suites see what nobody would think of writing down."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

from fintech.ports.contracts.seasons import NO, NOBODY_KNOWS, YES, Season


async def trade(
    season: Season, chance: Random, advance: Callable[[timedelta], None], steps: int = 12
) -> None:
    """So many strokes of business, with time in between."""
    for _ in range(steps):
        advance(timedelta(hours=chance.choice((0, 1, 30))))
        await _stroke(season, chance)


async def _stroke(season: Season, chance: Random) -> None:
    amount = chance.randint(1_000, 50_000)
    match chance.randrange(7):
        case 0:
            await season.pay(amount)
        case 1:
            payment = await season.pay(amount, NO)
            await season.try_card(payment.id, chance.choice((YES, NO, NOBODY_KNOWS)))
        case 2:
            payment = await season.pay(amount, manual=True)
            await season.increment(payment.id, amount + 500)
            await season.capture(payment.id, amount // 2, final=False)
            await season.capture(payment.id, amount // 4, final=chance.random() < 0.5)
        case 3:
            payment = await season.pay(amount, manual=True)
            if chance.random() < 0.5:
                await season.cancel(payment.id)
        case 4:
            payment = await season.pay(amount)
            for reply in (YES, NO, NOBODY_KNOWS):
                await season.refund(payment.id, amount // 4, reply)
        case 5:
            payment = await season.pay(amount)
            await season.settle()
            refund = await season.refund(payment.id, amount)
            if chance.random() < 0.5:
                await season.refund_comes_back(refund.id)
        case _:
            await season.present_card()
            await season.cut_key(chance.randbytes(32))
            await season.settle()
