"""What a refund leaves alone: unsettled money that stands behind advances was paid out already."""

from attrs import frozen

from fintech.domain.changeset import Backing
from fintech.domain.chart import Bucket
from fintech.domain.ledger import Books
from fintech.domain.money import BASIS_POINTS
from fintech.domain.payouts.funds import funds_of
from fintech.domain.scope import Scope
from fintech.ports.store import Store


@frozen
class AdvanceCover:
    """``free_minor`` is what may be taken of unsettled money, None for all of it; ``backing`` has the commit judge it."""

    free_minor: int | None
    backing: Backing


async def advance_cover(store: Store, scope: Scope, books: Books, advanced_minor: int) -> AdvanceCover:
    """What stands behind a merchant's advances now: as much unsettled money as they come to.

    Where there are none, as with most merchants, nothing more is read; the commit sees to it that there still are none.
    """
    advance = books.account(Bucket.ADVANCE.value)
    if advanced_minor <= 0:
        return AdvanceCover(None, Backing(owed=(advance,)))
    funds = funds_of(books, await store.books(scope))
    backing = Backing(owed=(advance,), pledged=funds.unsettled, share_bps=BASIS_POINTS)
    return AdvanceCover(max(funds.unsettled_minor - funds.advanced_minor, 0), backing)
