"""The holidays on which Australian banks do not settle, as dated data.

Source: Reserve Bank, "RITS Business Hours": closed on week ends and on the eight holidays named here where New South
Wales and Victoria both observe them. Their dates: New South Wales's Public Holidays Act 2010 and Victoria's Public
Holidays Act 1993 (Monday for an Australia Day on a week end; a day more for such a New Year's Day, Christmas Day or
Boxing Day, none for Anzac Day; King's Birthday is the second Monday of June).

Days that only New South Wales observes are settlement days, for Melbourne's banks are open and so is RITS: Labour Day,
the Bank Holiday in August, and the Mondays after Anzac Day in 2026 and 2027. Holidays of a week end are left out.

`CALENDAR_THROUGH` is the last day that is known. After it every week day counts as a business day, so money may be
expected on a holiday; add the years to come before then, from the same sources.
"""

from datetime import date
from typing import Final

CALENDAR_THROUGH: Final = date(2030, 12, 31)

HOLIDAYS: Final = {
    date(2025, 1, 1): "New Year's Day",
    date(2025, 1, 27): "Australia Day (for Sunday)",
    date(2025, 4, 18): "Good Friday",
    date(2025, 4, 21): "Easter Monday",
    date(2025, 4, 25): "Anzac Day",
    date(2025, 6, 9): "King's Birthday",
    date(2025, 12, 25): "Christmas Day",
    date(2025, 12, 26): "Boxing Day",
    date(2026, 1, 1): "New Year's Day",
    date(2026, 1, 26): "Australia Day",
    date(2026, 4, 3): "Good Friday",
    date(2026, 4, 6): "Easter Monday",
    date(2026, 6, 8): "King's Birthday",
    date(2026, 12, 25): "Christmas Day",
    date(2026, 12, 28): "Boxing Day (additional)",
    date(2027, 1, 1): "New Year's Day",
    date(2027, 1, 26): "Australia Day",
    date(2027, 3, 26): "Good Friday",
    date(2027, 3, 29): "Easter Monday",
    date(2027, 6, 14): "King's Birthday",
    date(2027, 12, 27): "Christmas Day (additional)",
    date(2027, 12, 28): "Boxing Day (additional)",
    date(2028, 1, 3): "New Year's Day (additional)",
    date(2028, 1, 26): "Australia Day",
    date(2028, 4, 14): "Good Friday",
    date(2028, 4, 17): "Easter Monday",
    date(2028, 4, 25): "Anzac Day",
    date(2028, 6, 12): "King's Birthday",
    date(2028, 12, 25): "Christmas Day",
    date(2028, 12, 26): "Boxing Day",
    date(2029, 1, 1): "New Year's Day",
    date(2029, 1, 26): "Australia Day",
    date(2029, 3, 30): "Good Friday",
    date(2029, 4, 2): "Easter Monday",
    date(2029, 4, 25): "Anzac Day",
    date(2029, 6, 11): "King's Birthday",
    date(2029, 12, 25): "Christmas Day",
    date(2029, 12, 26): "Boxing Day",
    date(2030, 1, 1): "New Year's Day",
    date(2030, 1, 28): "Australia Day (for Saturday)",
    date(2030, 4, 19): "Good Friday",
    date(2030, 4, 22): "Easter Monday",
    date(2030, 4, 25): "Anzac Day",
    date(2030, 6, 10): "King's Birthday",
    date(2030, 12, 25): "Christmas Day",
    date(2030, 12, 26): "Boxing Day",
}
