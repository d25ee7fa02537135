"""How custody stands, as officers and the back office see it."""

from datetime import timedelta

from fintech.application.keys.status import ListOrders, SumUpCustody, word_of
from fintech.domain.keys.breaking_glass import GlassRequest
from fintech.domain.keys.custody import CmkName, CmkStatus, Custody
from fintech.domain.keys.orders import Order, OrderAction
from fintech.domain.keys.periods import KeyPolicy
from fintech.ports.key_table import AppliedOrder, RootKey
from tests.unit.application.keys.bank import Bank, other_shop
from tests.unit.domain.keys.samples import HOUR


def sums(bank: Bank) -> SumUpCustody:
    return SumUpCustody(table=bank.table, clock=bank.clock, policy=KeyPolicy())


async def test_rings_are_counted_and_versions_of_keys() -> None:
    bank = Bank()
    for letter in "abcde":
        await bank.opens(other_shop(letter))
    for number, letter in enumerate("abc", start=1):
        await bank.orders(number, OrderAction.SUSPEND, other_shop(letter))
    await bank.orders(4, OrderAction.REVOKE, other_shop("a"))
    await bank.breaks(5, scope=other_shop("a"))
    summed = await sums(bank)()
    assert summed.rings == {
        Custody.ACTIVE: 2,
        Custody.SUSPENDED: 2,
        Custody.REVOKED: 1,
        Custody.SHREDDED: 0,
    }
    assert (summed.opened, summed.last_order, summed.epoch) == (1, 5, await bank.table.epoch())
    (hanging,) = summed.hanging.values()
    assert (hanging.rings, hanging.active, hanging.due) == (5, 5, 0)
    bank.clock.advance(HOUR)
    assert (await sums(bank)()).opened == 0


async def test_a_heartbeat_has_an_age() -> None:
    bank = Bank()
    await bank.keeps_root_key()
    silent = RootKey(
        cmk=CmkName("silent"), status=CmkStatus.UNAVAILABLE, custody_open=True, authorised_at=None
    )
    await bank.table.save_root_key(silent)
    bank.clock.advance(timedelta(seconds=9))
    summed = await sums(bank)()
    ages = [summed.heartbeat_age(root_key) for root_key in summed.root_keys]
    assert ages == [timedelta(seconds=9), None]


async def test_what_the_bank_said_is_read_again_and_its_signatures_checked() -> None:
    bank = Bank()
    await bank.opens()
    await bank.orders(1, OrderAction.SUSPEND, by="cho")
    await bank.breaks(2, by=("ben", "ann"))
    listed = ListOrders(table=bank.table, checker=bank.officers)
    first, second = await listed(0, 10)
    assert isinstance(first.word, Order)
    assert isinstance(second.word, GlassRequest)
    assert (first.signed_by, second.signed_by) == (("cho",), ("ben", "ann"))
    assert [each.kept.sequence for each in await listed(1, 10)] == [2]
    assert [each.kept.sequence for each in await listed(0, 1)] == [1]
    del bank.officers.private["ben"]
    assert [each.signed_by for each in await listed(0, 10)] == [("cho",), ("ann",)]


async def test_what_a_later_release_wrote_is_listed_all_the_same() -> None:
    bank = Bank()
    kept = AppliedOrder(1, b'{"version":2}', bytes(64), bank.clock.now())
    read = ListOrders(table=bank.table, checker=bank.officers).read(kept)
    assert (read.word, read.signed_by) == (None, ())
    assert word_of(b"") is None
