"""Crypto-periods: how long a version of a merchant's key seals, and when it may go (PCI DSS 3.7.4, 3.7.5; NIST SP 800-57
part 1, 5.3).

```
made            period: rotated     margin: refuses     newer one is there       retire_after: destroyed
 |  seals          |  seals, overdue   |  seals no more      |  opens               |  once nothing is sealed with it
```
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Final

from attrs import Attribute, field, frozen

from fintech.domain.cards import Card
from fintech.domain.keys.custody import KeyRing, KeyStatus, KeyVersion

#: A version is kept at least so long after the next one began to seal: longer than any lease and request may last.
RETIRE_AFTER_MIN: Final = timedelta(hours=1)
PERIOD_MIN: Final = timedelta(days=1)


def _at_least(least: timedelta) -> Callable[[object, "Attribute[timedelta]", timedelta], None]:
    def check(_instance: object, attribute: "Attribute[timedelta]", value: timedelta) -> None:
        if value < least:
            message = f"{attribute.name} is at least {least}"
            raise ValueError(message)

    return check


@frozen(kw_only=True)
class KeyPolicy:
    """How long keys live. ``period``: a version older than that is replaced by the sweep. ``margin``: what the sweep has
    for it; past it the version refuses to seal, and opens as before. ``retire_after``: how long a version stays after
    the next one began to seal, at the least. It outlasts every lease, so that nothing is sealed with it later, and every
    backup of sealed values (``backups_kept``), so that what is restored from one can be opened and is sealed anew.

    Values that no record speaks of are removed after ``unclaimed_kept``, for the commit that would is not to come any more;
    the number of a card that has expired, or of a bank account that was removed, ``ended_kept`` later (PCI DSS 3.2.1).
    """

    period: timedelta = field(default=timedelta(days=365), validator=_at_least(PERIOD_MIN))
    margin: timedelta = field(default=timedelta(days=30), validator=_at_least(timedelta()))
    retire_after: timedelta = field(default=timedelta(days=35), validator=_at_least(RETIRE_AFTER_MIN))
    backups_kept: timedelta = field(default=timedelta(days=35), validator=_at_least(timedelta()))
    unclaimed_kept: timedelta = field(default=timedelta(days=1), validator=_at_least(RETIRE_AFTER_MIN))
    ended_kept: timedelta = field(default=timedelta(days=180), validator=_at_least(timedelta()))

    def due(self, key: KeyVersion, now: datetime) -> bool:
        """Whether a version has reached the end of its period, and another should seal."""
        return key.status is KeyStatus.ACTIVE and now >= key.created_at + self.period

    def seals_until(self, key: KeyVersion) -> datetime:
        """From when on a version refuses to seal, whatever the sweep did."""
        return key.created_at + self.period + self.margin

    def keeps_number(self, card: Card, today: date) -> bool:
        """Whether the number of a card that was typed in is still kept on a day in Sydney; later it may be gone."""
        return today <= date(card.exp_year, card.exp_month, 28) + self.ended_kept

    def retires_at(self, ring: KeyRing, number: int) -> datetime | None:
        """From when on a version may be retired; None while none has followed it."""
        following = ring.key(number + 1)
        return None if following is None else following.created_at + self.retire_after
