"""The simulated acquirer: what each card and each fault on the line do, and what it remembers."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fintech.adapters.simulator import journal as module
from fintech.adapters.simulator.card_acquirer import Fault, SimulatedAcquirer
from fintech.adapters.simulator.cards import TEST_CARDS, Behaviour, TestCard
from fintech.domain.cards import Approved, Decline, NotFound, Unknown
from fintech.domain.ids import MerchantId
from fintech.domain.money import Currency
from fintech.domain.scope import Scope
from fintech.ports.card_acquirer import Authorisation, FollowUp, RefundReturned, Reversal

SCOPE = Scope(MerchantId("acct_" + "m" * 24), livemode=False)


def ask(request: str = "ch_1", card: str = "pm_card_visa") -> Authorisation:
    return Authorisation(
        request=request, card_token=card, amount_minor=100, currency=Currency.AUD, capture=True
    )


def follow(request: str, reference: str = "sim_ch_1") -> FollowUp:
    return FollowUp(request=request, reference=reference, amount_minor=50, currency=Currency.AUD)


def undo(original: str, request: str = "undo") -> Reversal:
    return Reversal(
        request=request, original_request=original, reference=None, amount_minor=100, currency=Currency.AUD
    )


@pytest.fixture
def acquirer() -> SimulatedAcquirer:
    return SimulatedAcquirer(answer_timeout_s=0)


@pytest.mark.parametrize("card", TEST_CARDS, ids=lambda card: card.name)
async def test_each_card_does_what_it_says(acquirer: SimulatedAcquirer, card: TestCard) -> None:
    expected: dict[Behaviour, tuple[Any, Any]] = {
        Behaviour.APPROVE: (Approved, Approved),
        Behaviour.DECLINE: (Decline, Decline),
        Behaviour.APPROVE_AND_LOSE_ANSWER: (Unknown, Approved),
        Behaviour.DECLINE_AND_LOSE_ANSWER: (Unknown, Decline),
        Behaviour.LOSE_QUESTION: (Unknown, NotFound),
        Behaviour.SILENT: (Unknown, Unknown),
    }
    answered, found = expected[card.behaviour]
    reply = await acquirer.authorise(SCOPE, ask(card=card.name))
    assert type(reply) is answered
    assert type(await acquirer.enquire(SCOPE, "ch_1")) is found
    if card.behaviour is Behaviour.DECLINE:
        assert reply == card.decline


async def test_an_unknown_token_is_no_card(acquirer: SimulatedAcquirer) -> None:
    reply = await acquirer.authorise(SCOPE, ask(card="pm_card_nothing"))
    assert isinstance(reply, Decline)
    assert reply.scheme_code == "14"


@pytest.mark.parametrize(
    ("fault", "answered", "found"),
    [
        (None, Approved, Approved),
        (Fault.QUESTION_LOST, Unknown, NotFound),
        (Fault.ANSWER_LOST, Unknown, Approved),
        (Fault.ANSWER_LATE, Unknown, Approved),
        (Fault.QUESTION_DOUBLED, Approved, Approved),
    ],
)
async def test_each_fault_happens_to_one_call(fault: Fault | None, answered: Any, found: Any) -> None:
    acquirer = SimulatedAcquirer(script=[fault], answer_timeout_s=0)
    assert type(await acquirer.authorise(SCOPE, ask())) is answered
    assert type(await acquirer.enquire(SCOPE, "ch_1")) is found
    assert type(await acquirer.authorise(SCOPE, ask("ch_2"))) is Approved
    assert len(acquirer.late) == (fault is Fault.ANSWER_LATE)
    assert acquirer.calls == ["ch_1", "enquire ch_1", "ch_2"]


@pytest.mark.parametrize("fault", [Fault.QUESTION_LOST, Fault.ANSWER_LOST, Fault.ANSWER_LATE])
async def test_enquiries_and_reversals_get_lost_too(acquirer: SimulatedAcquirer, fault: Fault) -> None:
    await acquirer.authorise(SCOPE, ask())
    acquirer.script.append(fault)
    assert isinstance(await acquirer.enquire(SCOPE, "ch_1"), Unknown)
    acquirer.script.append(fault)
    assert not await acquirer.reverse(SCOPE, undo("ch_2"))
    arrived = fault is not Fault.QUESTION_LOST
    assert type(await acquirer.authorise(SCOPE, ask("ch_2"))) is (Decline if arrived else Approved)
    assert await acquirer.reverse(SCOPE, undo("ch_2"))


async def test_an_increment_that_was_reversed_is_declined_when_it_arrives(
    acquirer: SimulatedAcquirer,
) -> None:
    await acquirer.authorise(SCOPE, ask())
    assert await acquirer.reverse(SCOPE, undo("ch_1.1"))
    assert isinstance(await acquirer.increment(SCOPE, follow("ch_1.1")), Decline)
    assert isinstance(await acquirer.increment(SCOPE, follow("ch_1.2")), Approved)


@pytest.mark.parametrize(
    ("card", "answered", "notices"),
    [
        ("pm_card_visa", Approved, 0),
        ("pm_card_refundDeclined", Decline, 0),
        ("pm_card_pendingRefund", Unknown, 0),
        ("pm_card_refundFail", Approved, 1),
    ],
)
async def test_refunds_do_what_the_card_says(
    acquirer: SimulatedAcquirer, card: str, answered: Any, notices: int
) -> None:
    await acquirer.authorise(SCOPE, ask(card=card))
    for _ in range(2):
        assert type(await acquirer.refund(SCOPE, follow("re_1"))) is answered
    told = await acquirer.notices(10)
    assert [notice.refund_request for notice in told if isinstance(notice, RefundReturned)] == [
        "re_1"
    ] * notices
    assert all(notice.scope == SCOPE for notice in told)
    found = Decline if answered is Decline else Approved
    assert type(await acquirer.enquire(SCOPE, "re_1")) is found


async def test_what_the_journal_remembers(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    first = SimulatedAcquirer(answer_timeout_s=0, journal=journal)
    approved = await first.authorise(SCOPE, ask(card="pm_card_refundFail"))
    declined = await first.authorise(SCOPE, ask("ch_2", "pm_card_chargeDeclinedLostCard"))
    for refund in ("re_1", "re_2"):
        await first.refund(SCOPE, follow(refund))
    (_, kept) = await first.notices(10)
    await first.acknowledge("re_1.returned")
    await first.reverse(SCOPE, undo("ch_3"))
    with journal.open("a") as file:
        file.write('{"request": "ch_4", "car')  # killed in the middle of a line
    first.close()

    second = SimulatedAcquirer(answer_timeout_s=0, journal=journal)
    assert await second.enquire(SCOPE, "ch_1") == approved
    found = await second.enquire(SCOPE, "ch_2")
    assert isinstance(found, Decline)
    assert isinstance(declined, Decline)
    assert (found.code, found.scheme_code) == (declined.code, declined.scheme_code)
    assert await second.notices(10) == (kept,)
    assert await second.enquire(SCOPE, "ch_4") == NotFound()
    assert list(second._memory.reversed_requests) == ["ch_3"]
    assert second._card_of("sim_ch_1") == "pm_card_refundFail"
    second.close()


async def test_a_line_after_one_that_was_cut_off_is_read(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.write_text('{"request": "ch_1", "car')
    with closing(SimulatedAcquirer(answer_timeout_s=0, journal=journal)) as first:
        approved = await first.authorise(SCOPE, ask("ch_2"))
    with closing(SimulatedAcquirer(answer_timeout_s=0, journal=journal)) as second:
        assert await second.enquire(SCOPE, "ch_1") == NotFound()
        assert await second.enquire(SCOPE, "ch_2") == approved


async def test_two_processes_on_one_journal_are_customers_of_one_acquirer(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with (
        closing(SimulatedAcquirer(answer_timeout_s=0, journal=journal)) as one,
        closing(SimulatedAcquirer(answer_timeout_s=0, journal=journal)) as other,
    ):
        assert isinstance(await one.authorise(SCOPE, ask(card="pm_card_answerLost")), Unknown)
        assert isinstance(await other.enquire(SCOPE, "ch_1"), Approved)
        await one.authorise(SCOPE, ask("ch_2", "pm_card_refundFail"))
        await other.refund(SCOPE, follow("re_1", "sim_ch_2"))
        (notice,) = await one.notices(10)
        assert await other.notices(10) == (notice,)
        await one.acknowledge(notice.notice)
        assert await other.notices(10) == await one.notices(10) == ()
        await one.reverse(SCOPE, undo("ch_3"))
        assert isinstance(await other.authorise(SCOPE, ask("ch_3")), Decline)


async def test_it_forgets_the_oldest_first(
    acquirer: SimulatedAcquirer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED_MAX", 3)
    for number in range(5):
        await acquirer.authorise(SCOPE, ask(f"ch_{number}"))
    found = [type(await acquirer.enquire(SCOPE, f"ch_{number}")) for number in range(5)]
    assert found == [NotFound, NotFound, Approved, Approved, Approved]
    assert len(acquirer._memory.cards) == 3


async def test_authorisation_codes_are_six_digits(acquirer: SimulatedAcquirer) -> None:
    for number in range(50):
        reply = await acquirer.authorise(SCOPE, ask(f"ch_{number}"))
        assert isinstance(reply, Approved)
        assert reply.auth_code is not None
        assert len(reply.auth_code) == 6
        assert reply.auth_code.isdigit()
