"""Disputes: what acquirers tell is done once and told on; what merchants say arrives, whatever happens on the way."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fintech.adapters.simulator.card_acquirer import Fault
from fintech.application.commits import NotFound
from fintech.application.sweep import SWEEPER
from fintech.domain.changeset import KeyInFlight, KeyReused
from fintech.domain.disputes.dispute import Dispute, DisputeStatus, ErrandKind
from fintech.domain.disputes.facts import NoNews, TooEarly
from fintech.domain.disputes.news import (
    CaseNews,
    DisputeClosed,
    DisputeOpened,
    DisputeReason,
    NotTaken,
    Verdict,
)
from fintech.domain.disputes.responses import (
    ErrandOpen,
    EvidenceMissing,
    InquiryTakesNothing,
    NotAccepted,
    WrongDisputeStatus,
)
from fintech.domain.events import EventType
from fintech.domain.ids import ChargeId, DisputeId, PaymentId
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure, Success
from fintech.domain.payments.payment import Payment
from fintech.domain.payments.refusals import ChargeDisputed
from fintech.domain.scope import Scope
from fintech.entrypoints.profiles import testing
from fintech.ports.card_acquirer import CaseAcceptance, CaseEvidence, DisputeNotice
from fintech.ports.queries import Page
from tests.cores import OpenCore, on_postgres
from tests.unit.application.payouts.counter import open_counter
from tests.unit.application.shop import PLAIN, LineDown, Shop, open_shop, value
from tests.unit.application.test_races import at_once

WINS: Metadata = (("uncategorized_text", "winning_evidence"),)
LOSES: Metadata = (("uncategorized_text", "losing_evidence"),)
ESCALATES: Metadata = (("uncategorized_text", "escalate_inquiry_evidence"),)
SAYS: Metadata = (("uncategorized_text", "it was she"),)
FRAUD, INQUIRY = "pm_card_createDispute", "pm_card_createDisputeInquiry"


async def dispute_of(shop: Shop) -> Dispute:
    """The only dispute there is."""
    (dispute,) = (await shop.core.queries().disputes(shop.scope, Page())).items
    return dispute


async def disputed(shop: Shop, card: str = FRAUD, amount_minor: int = 10_000) -> tuple[Payment, Dispute]:
    """A payment that was disputed, and its dispute."""
    payment = await shop.pay(amount_minor, card)
    await shop.sweep()
    return await shop.payment(payment.id), await dispute_of(shop)


async def respond(shop: Shop, dispute: Dispute, evidence: Metadata | None = WINS, **more: Any) -> Any:
    """Submit evidence, if nothing else is said."""
    request, submit = more.pop("request", PLAIN), more.pop("submit", True)
    return await shop.core.update_dispute()(
        request, shop.scope, dispute.id, evidence=evidence, submit=submit, **more
    )


async def accept(shop: Shop, dispute: Dispute, request: Any = PLAIN) -> Any:
    """Accept the loss."""
    return await shop.core.close_dispute()(request, shop.scope, dispute.id)


async def evidence_of(shop: Shop, dispute: Dispute) -> Any:
    """What the merchant has to say."""
    return (await shop.core.keep_evidence().of(shop.scope, (dispute,)))[dispute.id]


async def told(shop: Shop, id: str) -> list[EventType]:
    """What the log says of a thing, oldest first."""
    events = (await shop.core.queries().events(shop.scope, Page(limit=100))).items
    return [event.type for event in reversed(events) if event.snapshot.id == id]


# -- what the acquirer tells


async def test_a_chargeback_is_booked_and_told_step_by_step(shop: Shop) -> None:
    await shop.pay(20_000)
    payment, dispute = await disputed(shop)
    assert dispute.status is DisputeStatus.NEEDS_RESPONSE
    assert await told(shop, dispute.id) == [EventType.DISPUTE_CREATED, EventType.DISPUTE_FUNDS_WITHDRAWN]
    assert (payment.disputes, payment.disputed_minor) == ((dispute.id,), 10_000)
    assert (await told(shop, payment.id))[-1] is EventType.CHARGE_UPDATED
    assert await shop.acquirer.notices(10) == ()
    await shop.assert_proofs_hold()


async def test_winning_evidence_brings_it_back(shop: Shop) -> None:
    payment, dispute = await disputed(shop)
    assert value(await respond(shop, dispute)).status is DisputeStatus.UNDER_REVIEW
    await shop.sweep()
    won = await dispute_of(shop)
    assert won.status is DisputeStatus.WON
    assert (await told(shop, won.id))[-2:] == [EventType.DISPUTE_FUNDS_REINSTATED, EventType.DISPUTE_CLOSED]
    assert (await shop.payment(payment.id)).disputed_minor == 0
    await shop.settle()
    assert await shop.net("available") == 9_807
    assert await shop.net("client_cash") == -9_807
    await shop.assert_proofs_hold()


async def test_losing_evidence_leaves_it_there(shop: Shop) -> None:
    payment, dispute = await disputed(shop)
    value(await respond(shop, dispute, LOSES))
    await shop.sweep()
    lost = await dispute_of(shop)
    assert (lost.status, lost.reinstatement) == (DisputeStatus.LOST, ())
    assert (await told(shop, lost.id))[-1] is EventType.DISPUTE_CLOSED
    assert (await shop.payment(payment.id)).disputed_minor == 10_000
    await shop.assert_proofs_hold()


async def test_evidence_that_decides_nothing_stays_under_review(shop: Shop) -> None:
    _, dispute = await disputed(shop)
    value(await respond(shop, dispute, SAYS))
    assert await shop.sweep() == 0
    assert (await dispute_of(shop)).status is DisputeStatus.UNDER_REVIEW


async def test_an_inquiry_reserves_and_lets_go(shop: Shop) -> None:
    await shop.pay(20_000)
    await shop.settle()
    _, dispute = await disputed(shop, INQUIRY)
    assert (dispute.status, dispute.reserved_minor) == (DisputeStatus.WARNING_NEEDS_RESPONSE, 10_000)
    assert await shop.net("reserved") == 10_000
    assert await told(shop, dispute.id) == [EventType.DISPUTE_CREATED]
    await shop.assert_proofs_hold()
    value(await respond(shop, dispute))
    await shop.sweep()
    assert (await dispute_of(shop)).status is DisputeStatus.WARNING_CLOSED
    assert await shop.net("reserved") == 0
    await shop.assert_proofs_hold()


async def test_an_inquiry_may_escalate(shop: Shop) -> None:
    await shop.pay(20_000)
    await shop.settle()
    payment, dispute = await disputed(shop, INQUIRY)
    value(await respond(shop, dispute, ESCALATES))
    await shop.sweep()
    dispute = await dispute_of(shop)
    assert (dispute.status, dispute.submissions) == (DisputeStatus.NEEDS_RESPONSE, 1)
    assert (await told(shop, dispute.id))[-2:] == [
        EventType.DISPUTE_UPDATED,
        EventType.DISPUTE_FUNDS_WITHDRAWN,
    ]
    assert await shop.net("reserved") == 0
    assert await shop.try_refund(payment.id, 1) == Failure(ChargeDisputed(dispute.id))
    value(await respond(shop, dispute, WINS))
    await shop.sweep()
    assert (await dispute_of(shop)).status is DisputeStatus.WON
    await shop.assert_proofs_hold()


async def test_who_gives_in_to_an_inquiry_refunds_out_of_what_is_held_back(shop: Shop) -> None:
    payment = await shop.pay(10_000, INQUIRY)
    await shop.settle()
    await shop.sweep()
    assert (await shop.net("available"), await shop.net("reserved")) == (0, 9_807)
    await shop.refund(payment.id, 6_000)
    dispute = await dispute_of(shop)
    assert (dispute.reserved_minor, await shop.net("reserved")) == (3_807, 3_807)
    assert await shop.net("available") == 0
    await shop.assert_proofs_hold()


async def test_the_same_notice_told_again_changes_nothing(shop: Shop) -> None:
    await shop.pay(10_000, FRAUD)
    (notice,) = await shop.acquirer.notices(10)
    await shop.sweep()
    before = await shop.core.store().books(shop.scope), await dispute_of(shop)
    shop.acquirer._memory.notices[notice.notice] = notice
    await shop.sweep()
    assert await shop.acquirer.notices(10) == ()
    assert (await shop.core.store().books(shop.scope), await dispute_of(shop)) == before


async def test_a_verdict_that_comes_before_its_case_is_told_again(shop: Shop) -> None:
    payment = await shop.pay(10_000, FRAUD)
    (opened,) = await shop.acquirer.notices(10)
    assert isinstance(opened, DisputeNotice)
    news = CaseNews(case=opened.news.case, number=2, what=DisputeClosed(verdict=Verdict.LOST))
    closed = DisputeNotice("early", shop.scope, opened.charge_request, news)
    shop.acquirer._memory.notices.clear()
    shop.acquirer._memory.notices.update({"early": closed, opened.notice: opened})
    await shop.sweep()
    assert await shop.acquirer.notices(10) == (closed,)
    await shop.sweep()
    assert await shop.acquirer.notices(10) == ()
    assert (await dispute_of(shop)).status is DisputeStatus.LOST
    assert (await shop.payment(payment.id)).disputed_minor == 10_000
    await shop.assert_proofs_hold()


async def test_a_dispute_waits_for_its_capture_and_one_of_nothing_is_forgotten(shop: Shop) -> None:
    held = await shop.pay(10_000, FRAUD, manual=True)
    let_go = await shop.pay(10_000, FRAUD, manual=True)
    await shop.cancel(let_go.id)
    await shop.sweep()
    assert len(await shop.acquirer.notices(10)) == 1
    await shop.capture(held.id, 4_000)
    await shop.sweep()
    assert (await dispute_of(shop)).amount_minor == 4_000
    assert await shop.acquirer.notices(10) == ()
    await shop.assert_proofs_hold()


async def test_a_notice_about_what_is_not_in_these_books_is_not_told_for_ever(shop: Shop) -> None:
    what = DisputeOpened(amount_minor=1, reason=DisputeReason.GENERAL, inquiry=False)
    news = CaseNews(case="c", number=1, what=what)
    nothing = ChargeId.of(PaymentId("pi_" + "z" * 24), 0)
    assert await shop.core.heed_dispute()(shop.scope, nothing, news, SWEEPER) == NotFound(
        "payment", nothing.payment_id
    )
    payment = await shop.pay()
    other = ChargeId.of(payment.id, 7)
    assert await shop.core.heed_dispute()(shop.scope, other, news, SWEEPER) == NotFound("charge", other)
    held = await shop.authorise()
    waits = held.attempts[-1].id
    assert await shop.core.heed_dispute()(shop.scope, waits, news, SWEEPER) == TooEarly()


async def test_a_process_that_dies_between_two_steps_leaves_the_rest_to_the_next(shop: Shop) -> None:
    await shop.pay(10_000, FRAUD)
    store = type(shop.core.store())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "commit", _dying_after(store.commit, 1))
        with pytest.raises(LineDown):
            await shop.sweep()
    dispute = await dispute_of(shop)
    assert (dispute.status, dispute.withdrawal) == (DisputeStatus.NEEDS_RESPONSE, ())
    await shop.assert_proofs_hold()
    await shop.sweep()
    assert (await dispute_of(shop)).withdrawal
    assert await told(shop, dispute.id) == [EventType.DISPUTE_CREATED, EventType.DISPUTE_FUNDS_WITHDRAWN]
    await shop.assert_proofs_hold()


def _dying_after(commit: Any, times: int) -> Any:
    done: list[Any] = []

    async def dying(self: Any, scope: Scope, changes: Any) -> Any:
        if len(done) == times:
            raise LineDown
        done.append(changes)
        return await commit(self, scope, changes)

    return dying


async def test_a_chargeback_leaves_alone_what_stands_behind_an_advance() -> None:
    """What was paid out ahead of settlement is repaid by it all the same; the merchant owes us for the chargeback."""
    async with open_counter() as counter:
        await counter.pay(40_000)
        payment = await counter.pay(10_000, FRAUD)
        payout = await counter.instant()
        advanced = -await counter.net("advance")
        unsettled = await counter.net(f"unsettled/{payment.attempts[0].captures[0].day}")
        assert 0 < advanced < unsettled
        await counter.sweep()
        dispute = await dispute_of(counter)
        taken = {leg.debit.code: 0 for leg in dispute.withdrawal}
        for leg in dispute.withdrawal:
            taken[leg.debit.code] += leg.amount_minor
        day = f"unsettled/{payment.attempts[0].captures[0].day}"
        assert taken[day] == unsettled - advanced
        assert taken["receivable"] == 12_750 - taken[day]
        assert await counter.net(day) == advanced
        await counter.assert_books_hold()
        value(await respond(counter, dispute))
        await counter.sweep()
        await counter.arrived(payout)
        counter.advance(days=3)
        await counter.settle()
        assert (await counter.net("advance"), await counter.net("receivable")) == (0, 0)
        await counter.assert_books_hold()


async def test_an_advance_that_is_quicker_keeps_what_stands_behind_it() -> None:
    """The chargeback was decided on before the advance was made: the commit judges, and it is decided on again."""
    async with open_counter() as counter:
        await counter.pay(40_000)
        payment = await counter.pay(10_000, FRAUD)
        day = f"unsettled/{payment.attempts[0].captures[0].day}"
        store = type(counter.core.store())
        commit, quicker = store.commit, [counter.instant]

        async def overtaken(self: Any, scope: Scope, changes: Any) -> Any:
            if quicker and changes.changes[0].event is EventType.DISPUTE_FUNDS_WITHDRAWN:
                await quicker.pop()()
            return await commit(self, scope, changes)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "commit", overtaken)
            await counter.sweep()
        assert not quicker
        assert await counter.net(day) == -await counter.net("advance") > 0
        assert (await dispute_of(counter)).withdrawal
        await counter.assert_books_hold()


# -- what the merchant says


async def test_evidence_is_staged_and_then_submitted(shop: Shop) -> None:
    _, dispute = await disputed(shop)
    staged = value(await respond(shop, dispute, SAYS, submit=False))
    assert (staged.evidence, staged.submissions, staged.errand) == ((), 0, None)
    assert await evidence_of(shop, staged) == Success(SAYS)
    assert shop.acquirer.calls == [dispute.charge]
    submitted = value(await respond(shop, dispute, None))
    assert (submitted.status, submitted.submissions) == (DisputeStatus.UNDER_REVIEW, 1)
    assert await respond(shop, dispute) == Failure(
        WrongDisputeStatus(DisputeStatus.UNDER_REVIEW, "change the evidence of")
    )
    await shop.assert_proofs_hold()


async def test_there_has_to_be_a_dispute_and_evidence(shop: Shop) -> None:
    _, dispute = await disputed(shop)
    assert await respond(shop, dispute, None) == Failure(EvidenceMissing())
    nothing = DisputeId("dp_" + "z" * 24)
    for refused in (
        await shop.core.update_dispute()(PLAIN, shop.scope, nothing),
        await shop.core.close_dispute()(PLAIN, shop.scope, nothing),
    ):
        assert refused == Failure(NotFound("dispute", nothing))


async def test_a_loss_is_accepted(shop: Shop) -> None:
    payment, dispute = await disputed(shop)
    lost = value(await accept(shop, dispute))
    assert (lost.status, lost.errand) == (DisputeStatus.LOST, None)
    assert (await told(shop, dispute.id))[-1] is EventType.DISPUTE_CLOSED
    assert (await shop.payment(payment.id)).disputed_minor == 10_000
    assert await accept(shop, dispute) == Failure(WrongDisputeStatus(DisputeStatus.LOST, "close"))
    await shop.assert_proofs_hold()


async def test_an_inquiry_cannot_be_accepted(shop: Shop) -> None:
    _, dispute = await disputed(shop, INQUIRY)
    assert await accept(shop, dispute) == Failure(InquiryTakesNothing())


@pytest.mark.parametrize("fault", [Fault.QUESTION_LOST, Fault.ANSWER_LOST])
@pytest.mark.parametrize("kind", ErrandKind)
async def test_what_nobody_confirmed_is_told_again_until_somebody_does(
    shop: Shop, fault: Fault, kind: ErrandKind
) -> None:
    _, dispute = await disputed(shop)
    shop.acquirer.script.extend([fault] * 3)
    said = respond(shop, dispute, SAYS) if kind is ErrandKind.EVIDENCE else accept(shop, dispute)
    asked = value(await said)
    assert asked.errand is not None
    assert (asked.status, asked.errand.kind) == (DisputeStatus.NEEDS_RESPONSE, kind)
    assert await respond(shop, dispute) == Failure(ErrandOpen(kind))
    assert await accept(shop, dispute) == Failure(ErrandOpen(kind))
    await shop.sweep_until_quiet()
    after = await dispute_of(shop)
    assert after.status is (DisputeStatus.UNDER_REVIEW if kind is ErrandKind.EVIDENCE else DisputeStatus.LOST)
    assert shop.acquirer.calls.count(asked.errand.request) == 4
    await shop.assert_proofs_hold()


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_a_process_that_dies_in_the_middle_leaves_an_errand_that_is_run(dies: str) -> None:
    async with open_shop() as shop:
        _, dispute = await disputed(shop)
        telling = type(shop.acquirer)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(telling, "submit_evidence", _dying(telling.submit_evidence, dies))
            with pytest.raises(LineDown):
                await respond(shop, dispute)
        assert (await dispute_of(shop)).errand is not None
        shop.advance(seconds=44)
        await shop.sweep()
        waiting = (await dispute_of(shop)).errand is not None
        assert waiting or dies == "after"  # its verdict has been told meanwhile
        shop.advance(seconds=1)
        await shop.sweep()
        await shop.sweep()
        assert (await dispute_of(shop)).status is DisputeStatus.WON
        await shop.assert_proofs_hold()


def _dying(tell: Any, dies: str) -> Any:
    async def dying(self: Any, scope: Scope, said: CaseEvidence | CaseAcceptance) -> Any:
        if dies == "after":
            await tell(self, scope, said)
        raise LineDown

    return dying


async def test_what_the_acquirer_does_not_take_is_refused_and_can_be_tried_no_better(shop: Shop) -> None:
    _, dispute = await disputed(shop)
    shop.acquirer._memory.cases.clear()
    refused = Failure(NotAccepted(NotTaken.CASE_CLOSED))
    request = shop.keyed("once")
    assert await respond(shop, dispute, request=request) == refused
    assert await respond(shop, dispute, request=request) == refused
    after = await dispute_of(shop)
    assert (after.errand, after.submissions) == (None, 0)
    assert await evidence_of(shop, after) == Success(WINS)
    assert await accept(shop, dispute) == refused


async def test_a_verdict_overtakes_what_is_on_its_way(shop: Shop) -> None:
    """Our answer is lost, but the acquirer has decided on it: its verdict counts, and nobody tells it again."""
    _, dispute = await disputed(shop)
    shop.acquirer.script.append(Fault.ANSWER_LOST)
    asked = value(await respond(shop, dispute, LOSES))
    await shop.sweep()
    lost = await dispute_of(shop)
    assert (lost.status, lost.errand) == (DisputeStatus.LOST, None)
    await shop.sweep_until_quiet()
    assert shop.acquirer.calls.count(asked.errand.request) == 1
    await shop.assert_proofs_hold()


async def test_one_key_says_it_once(shop: Shop) -> None:
    _, dispute = await disputed(shop)
    request = shop.keyed("once")
    first = (await respond(shop, dispute, SAYS, request=request)).unwrap()
    again = (await respond(shop, dispute, SAYS, request=request)).unwrap()
    assert (first.replayed, again.replayed, again.value) == (False, True, first.value)
    other = await respond(shop, dispute, SAYS, request=shop.keyed("once", b"g"))
    assert other == Failure(KeyReused("op"))
    staged = shop.keyed("stage")
    for _ in range(2):
        changed = await respond(shop, dispute, None, metadata=(("a", "1"),), submit=False, request=staged)
        assert value(changed).metadata == (("a", "1"),)


async def test_an_abandoned_key_is_continued(shop: Shop) -> None:
    _, dispute = await disputed(shop)
    request = shop.keyed("once")
    telling = type(shop.acquirer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(telling, "accept_dispute", _dying(telling.accept_dispute, "before"))
        with pytest.raises(LineDown):
            await accept(shop, dispute, request)
    assert isinstance((await accept(shop, dispute, request)).failure(), KeyInFlight)
    shop.advance(seconds=60)
    reply = (await accept(shop, dispute, request)).unwrap()
    assert (reply.replayed, reply.value.status) == (True, DisputeStatus.LOST)


# -- races, in memory and on Postgres


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def opens(request: pytest.FixtureRequest) -> OpenCore:
    """Where the racers meet."""
    if request.param == "memory":
        return testing
    return on_postgres(request.getfixturevalue("postgres_server"))


@pytest.fixture
async def arena(opens: OpenCore) -> AsyncIterator[Shop]:
    async with open_shop(opens=opens) as shop:
        yield shop


async def test_of_refunds_and_a_chargeback_what_came_first_stands(arena: Shop) -> None:
    """A refund that was in time is a defence; after the chargeback none is made."""
    await arena.pay(50_000)
    payment = await arena.pay(10_000, FRAUD)

    async def refund_or_sweep(number: int) -> Any:
        if number == 10:
            await arena.sweep()
            return Success(value_of_nothing)
        return await arena.try_refund(payment.id, 100)

    done, refused = await at_once(refund_or_sweep, 40)
    await arena.sweep()
    after, dispute = await arena.payment(payment.id), await dispute_of(arena)
    assert after.refunded_minor == 100 * (len(done) - 1)
    assert set(refused) <= {ChargeDisputed(dispute.id)}
    assert (dispute.amount_minor, bool(dispute.withdrawal)) == (10_000, True)
    assert await arena.try_refund(payment.id, 1) == Failure(ChargeDisputed(dispute.id))
    await arena.assert_proofs_hold()


class _Nothing:
    value = None


value_of_nothing = _Nothing()


async def test_one_notice_told_to_many_opens_one_dispute(arena: Shop) -> None:
    await arena.pay(50_000)
    payment = await arena.pay(10_000, FRAUD)
    (notice,) = await arena.acquirer.notices(1)
    assert isinstance(notice, DisputeNotice)
    heed = arena.core.heed_dispute()
    charge = ChargeId(notice.charge_request)
    left = await asyncio.gather(*(heed(arena.scope, charge, notice.news, SWEEPER) for _ in range(20)))
    assert set(left) == {NoNews()}
    dispute = await dispute_of(arena)
    assert dispute.version == 2
    assert (await arena.payment(payment.id)).disputed_minor == 10_000
    await arena.assert_proofs_hold()


async def test_a_chargeback_posts_whatever_refunds_of_other_payments_take(arena: Shop) -> None:
    await arena.pay(10_000, FRAUD)
    others = [await arena.pay(1_000) for _ in range(20)]

    async def deed(number: int) -> Any:
        if number == 5:
            await arena.sweep()
            return Success(value_of_nothing)
        return await arena.try_refund(others[number % 20].id)

    await at_once(deed, 21)
    await arena.sweep()
    assert (await dispute_of(arena)).withdrawal
    await arena.assert_proofs_hold()


async def test_evidence_sent_by_many_at_once_is_submitted_once(arena: Shop) -> None:
    _, dispute = await disputed(arena)
    done, refused = await at_once(lambda _: respond(arena, dispute, SAYS), 20)
    assert len(done) == 1
    assert {type(why) for why in refused} <= {ErrandOpen, WrongDisputeStatus}
    assert (await dispute_of(arena)).submissions == 1
    assert len(arena.acquirer.calls) == 2


async def test_of_evidence_and_acceptance_one_is_sent(arena: Shop) -> None:
    _, dispute = await disputed(arena)
    done, _ = await at_once(lambda n: accept(arena, dispute) if n % 2 else respond(arena, dispute, SAYS), 10)
    assert len(done) == 1
    assert len(arena.acquirer.calls) == 2
    await arena.assert_proofs_hold()


# -- what is sealed


async def test_evidence_is_sealed_and_nowhere_else_and_what_it_replaces_is_gone(shop: Shop) -> None:
    _, dispute = await disputed(shop)
    named: Metadata = (("customer_name", "Ada Lovelace"),)
    value(await respond(shop, dispute, named, submit=False))
    staged = value(await respond(shop, dispute, SAYS, submit=False))
    assert await evidence_of(shop, staged) == Success((*named, *SAYS))
    assert staged.sealed_evidence.names == ("customer_name", "uncategorized_text")
    assert "Lovelace" not in repr(shop.store.memory)
    assert await shop.core.protected().counts(shop.scope) == {1: 1}
    value(await respond(shop, dispute, (("customer_name", ""), ("uncategorized_text", "")), submit=False))
    assert await shop.core.protected().counts(shop.scope) == {}
    assert await respond(shop, dispute, None) == Failure(EvidenceMissing())


async def test_who_read_a_dispute_before_its_evidence_was_replaced_is_told_what_it_is_now(shop: Shop) -> None:
    _, dispute = await disputed(shop)
    before = value(await respond(shop, dispute, (("customer_name", "Ann"),), submit=False))
    after = value(await respond(shop, dispute, (("customer_name", "Bo"),), submit=False))
    assert before.sealed_evidence != after.sealed_evidence
    assert (await evidence_of(shop, before)).unwrap() == (("customer_name", "Bo"),)
    value(await respond(shop, dispute, (("customer_name", ""),), submit=False))
    assert (await evidence_of(shop, after)).unwrap() == ()


async def test_evidence_that_is_not_where_it_should_be_is_damaged(shop: Shop) -> None:
    _, dispute = await disputed(shop)
    said = value(await respond(shop, dispute, (("customer_name", "Ann"),), submit=False))
    assert said.sealed_evidence is not None
    await shop.core.keep_evidence().forget(shop.scope, said.sealed_evidence)
    assert await evidence_of(shop, said) == Failure(CustodyRefused(CustodyReason.INTEGRITY))


async def test_of_changes_at_once_none_overwrites_what_another_has_sealed(opens: OpenCore) -> None:
    async with open_shop(opens=opens) as shop:
        _, dispute = await disputed(shop)
        names = ("customer_name", "billing_address", "service_date", "shipping_date", "shipping_carrier")
        changes = [respond(shop, dispute, ((name, f"of {name}"),), submit=False) for name in names]
        for outcome in await asyncio.gather(*changes):
            value(outcome)
        said = (await evidence_of(shop, await dispute_of(shop))).unwrap()
        assert dict(said) == {name: f"of {name}" for name in names}
        assert await shop.core.protected().counts(shop.scope) == {1: 1}


@pytest.mark.parametrize("reason", CustodyReason)
async def test_without_the_keys_evidence_is_neither_told_nor_changed(
    shop: Shop, reason: CustodyReason
) -> None:
    _, dispute = await disputed(shop)
    staged = value(await respond(shop, dispute, SAYS, submit=False))
    shop.vault.refusing[shop.scope] = reason
    refused = Failure(CustodyRefused(reason))
    assert await evidence_of(shop, staged) == refused
    assert await respond(shop, dispute) == refused
    assert await respond(shop, dispute, None) == refused
    assert shop.acquirer.calls == [dispute.charge]
    assert value(await respond(shop, dispute, None, submit=False, metadata=(("a", "b"),))).metadata
    assert value(await accept(shop, dispute)).status is DisputeStatus.LOST


async def test_evidence_that_nobody_confirmed_is_told_again_when_it_can_be_opened(shop: Shop) -> None:
    _, dispute = await disputed(shop)
    shop.acquirer.script.append(Fault.QUESTION_LOST)
    sent = value(await respond(shop, dispute, SAYS))
    assert sent.errand is not None
    shop.vault.refusing[shop.scope] = CustodyReason.SUSPENDED
    calls = len(shop.acquirer.calls)
    await shop.sweep_until_quiet()
    waiting = await dispute_of(shop)
    assert (waiting.errand is not None, len(shop.acquirer.calls)) == (True, calls)
    shop.vault.refusing.clear()
    shop.advance(hours=2)
    await shop.sweep()
    assert (await dispute_of(shop)).status is DisputeStatus.UNDER_REVIEW


async def test_what_the_books_know_takes_no_key(shop: Shop) -> None:
    payment = await shop.pay(10_000, FRAUD)
    await shop.refund(payment.id, 1_000)
    shop.vault.refusing[shop.scope] = CustodyReason.REVOKED
    await shop.sweep()
    dispute = await dispute_of(shop)
    assert "10.00 AUD" in dict((await evidence_of(shop, dispute)).unwrap())["uncategorized_text"]
    assert value(await respond(shop, dispute, None)).status is DisputeStatus.UNDER_REVIEW
