"""What terminals sell, and how long a repeat waits for the message that it repeats."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from attrs import frozen

from fintech.domain.changeset import KeyInFlight
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Outcome
from fintech.domain.payments.presentation import Presentation

T = TypeVar("T")
R = TypeVar("R")

#: Pauses before asking again what became of a message that is under way elsewhere; about as long as a terminal waits.
WAITS_S: Final = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 5.0, 5.0, 5.0, 5.0)


@frozen(kw_only=True)
class Sale:
    """What a terminal asks for, or has sold. Minor units."""

    amount_minor: int
    currency: Currency
    presented: Presentation


async def patiently(ask: Callable[[], Awaitable[Outcome[T, R]]]) -> Outcome[T, R]:
    """Ask, and while another message with the same key is under way, ask again: its line may be gone, and then nobody
    else hears the answer. `KeyInFlight` when that takes longer than anybody waits."""
    for wait_s in WAITS_S:
        outcome = await ask()
        if not (isinstance(outcome, Failure) and isinstance(outcome.failure(), KeyInFlight)):
            return outcome
        await asyncio.sleep(wait_s)
    return await ask()
