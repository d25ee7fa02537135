"""Shredding: nothing opens afterwards, all of it is gone in the end, and a certificate says so to whoever checks it."""

import hashlib

import pytest
from attrs import evolve

from fintech.adapters.crypto.notary import MESSAGE_MAX, LocalNotary
from fintech.adapters.crypto.signatures import Ed25519Checker
from fintech.application.commits import NotFound
from fintech.application.keys import removing, shredding
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.evolving import evolve as evolved
from fintech.domain.keys.certificates import CertificateMalformed, read_certificate, read_file, to_sign
from fintech.domain.keys.custody import CmkName, Custody, CustodyStepRefused, KeyStatus
from fintech.domain.keys.orders import OrderAction
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure, Success
from fintech.ports.errors import AuditUnavailable, StoreUnavailable
from fintech.ports.key_root import WrapContext, Wrapped
from fintech.ports.key_table import AppliedOrder, OrderOutOfSequence
from tests.unit.application.keys.world import ANN, ENVIRONMENT, OLD, OTHER, SHOP, Faulty, World, away
from tests.unit.domain.keys.samples import order


def applied(world: World, sequence: int = 1) -> AppliedOrder:
    document = evolve(order(sequence, OrderAction.SHRED), subject=SHOP).document()
    return AppliedOrder(sequence, document, b"s" * 64, world.clock.now())


async def test_nothing_opens_afterwards_and_nothing_is_left(world: World) -> None:
    await world.keep(4)
    await world.rotate(ANN, SHOP)
    await world.open_ring(OTHER)
    others = await world.keep(1, OTHER)
    before = await world.ring()
    shredded = (await world.shred(ANN, SHOP, applied(world))).unwrap()
    assert (shredded.finished, shredded.removed) == (True, 12)
    assert await world.vault.lease(SHOP) == Failure(CustodyRefused(CustodyReason.DESTROYED))
    ring = await world.ring()
    assert ring.custody is Custody.SHREDDED
    assert [key.wrapped for key in ring.keys] == [b"", b""]
    assert await world.protected.listed(SHOP, world.clock.now() + world.policy.period, None, 9) == []
    assert len(await world.protected.get(OTHER, others)) == 3
    assert await world.unreadable([each for each in world.kept if each[0] == OTHER]) == []
    key = before.keys[0]
    blob = Wrapped(key.wrapped, key.grant)
    assert isinstance(await world.root.unwrap(OLD, WrapContext(ENVIRONMENT, SHOP, 1), blob), Failure)
    assert await world.table.last_order() == 1


async def test_the_certificate_says_what_when_and_by_which_order(world: World) -> None:
    await world.rotate(ANN, SHOP)
    shredded = (await world.shred(ANN, SHOP, applied(world))).unwrap()
    assert shredded.certificate is not None
    text = shredded.certificate.file().encode()
    signed = read_file(text).unwrap()
    assert signed == shredded.certificate
    assert world.notary.check(signed.key, signed.document, signed.signature)
    certificate = read_certificate(signed.document).unwrap()
    assert (certificate.ring, certificate.scope, certificate.order) == (shredded.ring.id, SHOP, 1)
    assert [(key.number, key.cmk) for key in certificate.keys] == [(1, OLD), (2, OLD)]
    assert certificate.destroyed_at == world.clock.now()
    assert certificate.backups_until == world.clock.now() + world.policy.backups_kept
    entry = world.trail.entries[-1]
    assert (entry.action, entry.result) == (AuditAction.KEY_DESTROYED, AuditResult.DONE)
    assert entry.details["certificate"] == hashlib.sha256(signed.document).hexdigest()
    assert entry.details["signature"] == signed.signature.hex()


async def test_it_can_be_made_again_the_same(world: World) -> None:
    first = (await world.shred(ANN, SHOP, applied(world))).unwrap()
    world.clock.advance(world.policy.backups_kept)
    assert (await world.shred(ANN, SHOP)).unwrap().certificate == first.certificate


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda text: text[:-20], "JSON"),
        (lambda text: b"[]", "members"),
        (lambda text: text.replace(b'"signature": "', b'"signature": "*'), "base 64"),
        (lambda text: text + b" " * 70_000, "bytes"),
        (lambda text: text.replace(b'"notary"', b"7"), "texts"),
    ],
)
async def test_what_is_no_certificate_is_told_from_one(world: World, change: object, rule: str) -> None:
    shredded = (await world.shred(ANN, SHOP)).unwrap()
    assert shredded.certificate is not None
    assert callable(change)
    fault = read_file(change(shredded.certificate.file().encode())).failure()
    assert rule in fault.rule


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"order":null', b'"order":0'),
        (b'"order":null', b'"order":"1"'),
        (b'"livemode":true', b'"livemode":1'),
        (b'"ring":"kr_', b'"ring":"kx_'),
        (b'/1"}', b'/x"}'),
        (b'"keys":[', b'"keys":[1,'),
        (b'{"backups', b'{ "backups'),
        (b"Z", b"z"),
        (b"v1", b"v2"),
    ],
)
async def test_a_certificate_has_one_spelling(world: World, before: bytes, after: bytes) -> None:
    shredded = (await world.shred(ANN, SHOP)).unwrap()
    assert shredded.certificate is not None
    document = shredded.certificate.document
    assert before in document
    assert isinstance(read_certificate(document.replace(before, after, 1)).failure(), CertificateMalformed)
    assert not world.notary.check(
        "notary", document.replace(before, after, 1), shredded.certificate.signature
    )


async def test_there_is_no_shredding_twice_by_order_and_none_out_of_turn(world: World) -> None:
    assert await world.shred(ANN, OTHER) == Failure(NotFound("ring of keys", OTHER.merchant))
    assert await world.shred(ANN, SHOP, applied(world, 7)) == Failure(OrderOutOfSequence(1))
    assert (await world.ring()).custody is Custody.ACTIVE
    assert isinstance(await world.shred(ANN, SHOP, applied(world)), Success)
    again = await world.shred(ANN, SHOP, applied(world, 2))
    assert again == Failure(CustodyStepRefused(Custody.SHREDDED, Custody.SHREDDED))
    assert await world.table.last_order() == 1


async def test_nothing_is_destroyed_that_cannot_be_written_down(world: World) -> None:
    world.trail.broken = True
    with pytest.raises(AuditUnavailable):
        await world.shred(ANN, SHOP)
    assert (await world.ring()).custody is Custody.ACTIVE


async def test_without_a_notary_it_is_destroyed_and_certified_later(world: World) -> None:
    await world.keep(1)
    world.notary.away = True
    shredded = (await world.shred(ANN, SHOP)).unwrap()
    assert (shredded.finished, shredded.certificate) == (False, None)
    assert (await world.ring()).custody is Custody.SHREDDED
    world.notary.away = False
    assert (await world.shred(ANN, SHOP)).unwrap().certificate is not None


async def test_a_root_that_is_away_is_come_back_to(world: World) -> None:
    world.root.reachable = False
    assert not (await world.shred(ANN, SHOP)).unwrap().finished
    assert len((await world.ring()).left) == 1
    world.root.reachable = True
    assert (await world.shred(ANN, SHOP)).unwrap().finished
    assert (await world.ring()).left == ()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("method", ["save", "listed", "remove", "evict", "sign", "orders"])
async def test_a_shredding_that_was_ended_anywhere_is_gone_on_with(
    world: World, method: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removing, "BATCH", 2)
    await world.keep(3)
    ports = ("table", "protected", "vault", "notary")
    whole, done = {name: getattr(world, name) for name in ports}, False

    def once(name: str) -> str | None:
        nonlocal done
        fate, done = (when, True) if name == method and not done else (None, done)
        return fate

    for name, port in whole.items():
        setattr(world, name, Faulty(port, once, away))
    world.wire()
    try:
        await world.shred(ANN, SHOP, applied(world))
    except StoreUnavailable:
        assert method == "save"
    for name, port in whole.items():
        setattr(world, name, port)
    world.wire()
    if (await world.ring()).custody is not Custody.SHREDDED:
        assert (method, when) == ("save", "before")
        assert await world.unreadable() == []
    shredded = (await world.shred(ANN, SHOP)).unwrap()
    assert shredded.finished
    assert len(await world.unreadable()) == 9
    assert await world.protected.counts(SHOP) == {}


async def test_a_run_removes_so_many_values_and_the_next_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removing, "BATCH", 2)
    monkeypatch.setattr(shredding, "REMOVED_MAX", 4)
    await world.keep(4)
    finished = [(await world.shred(ANN, SHOP)).unwrap() for _ in range(3)]
    assert [each.finished for each in finished] == [False, False, True]
    assert sum(each.removed for each in finished) == 12


async def test_a_ring_of_many_versions_is_certified_by_a_notary_that_signs_so_much_and_no_more(
    world: World,
) -> None:
    notary = LocalNotary(bytes(32))
    world.notary = notary
    world.wire()
    ring = await world.ring()
    gone = evolved(ring.keys[0], status=KeyStatus.RETIRED, wrapped=b"", retired_at=world.clock.now())
    cmk = CmkName("arn:aws:kms:ap-southeast-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")
    keys = tuple(evolved(gone, number=number, cmk=cmk) for number in range(1, 41))
    last = evolved(ring.keys[0], number=41)
    await world.table.save(evolved(ring, keys=(*keys, last)))
    shredded = (await world.shred(ANN, SHOP, applied(world))).unwrap()
    assert shredded.finished
    signed = shredded.certificate
    assert signed is not None
    assert len(signed.document) > MESSAGE_MAX
    checker = Ed25519Checker({notary.name: notary.public_key})
    assert checker.check(signed.key, to_sign(signed.document), signed.signature)
    changed = to_sign(signed.document.replace(b"1234abcd", b"1234abce", 1))
    assert not checker.check(signed.key, changed, signed.signature)
    read = read_certificate(read_file(signed.file().encode()).unwrap().document)
    assert len(read.unwrap().keys) == 41
