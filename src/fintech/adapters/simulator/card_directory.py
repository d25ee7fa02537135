"""A directory of test cards. A test card's token is its name."""

from typing import Final

from attrs import evolve

from fintech.adapters.simulator.cards import BY_NAME, BY_NUMBER, TestCard
from fintech.domain.cards import Card, CardDetails, CardFault, fault_of, fingerprint_of
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.ports.card_directory import CardDirectory
from fintech.ports.clock import Clock
from fintech.ports.keyed_digest import KeyedDigest, Purpose

NAMED_MAX: Final = 10_000
_NAMED_YEARS: Final = 8


class SimulatedCardDirectory(CardDirectory):
    """Knows test cards in test mode, and nothing else."""

    def __init__(self, digests: KeyedDigest, clock: Clock) -> None:
        self._digests = digests
        self._clock = clock
        self._named: dict[tuple[Scope, str], Card] = {}

    def serves(self, scope: Scope) -> bool:
        return not scope.livemode

    async def recognise(self, scope: Scope, details: CardDetails) -> Outcome[Card, CardFault]:
        fault = fault_of(details, self._clock.now().date())
        if fault is not None:
            return Failure(fault)
        card = BY_NUMBER.get(details.number) if self.serves(scope) else None
        if card is None:
            return Failure(CardFault.TEST_CARD_NEEDED)
        return Success(_card(card, details.exp_month, details.exp_year))

    def named(self, scope: Scope, name: str) -> Card | None:
        card = BY_NAME.get(name)
        if card is None or scope.livemode:
            return None
        known = self._named.get((scope, name))
        if known is None:
            if len(self._named) >= NAMED_MAX:
                self._named.clear()
            digest = self._digests.digest(Purpose.CARD, f"{scope.merchant}:{name}".encode())
            year = self._clock.now().year + _NAMED_YEARS
            known = evolve(_card(card, 12, year), fingerprint=fingerprint_of(digest))
            self._named[scope, name] = known
        return known


def _card(card: TestCard, exp_month: int, exp_year: int) -> Card:
    return Card(
        scheme=card.scheme,
        bin=card.number[:6],
        last4=card.number[-4:],
        exp_month=exp_month,
        exp_year=exp_year,
        funding=card.funding,
        country=card.country,
        token=card.name,
    )
