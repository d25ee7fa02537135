"""What merchants say to disputes: once, bounded, and never lost on the way."""

from datetime import timedelta

import pytest
from attrs import evolve as changed
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.cards import Unknown
from fintech.domain.disputes.dispute import Dispute, DisputeStatus, ErrandKind, SealedEvidence
from fintech.domain.disputes.evidence import (
    EVIDENCE_LENGTH_MAX,
    EVIDENCE_NAMES,
    TEXT_LENGTH_MAX,
    EvidenceTooLong,
    evidence_merged,
    read,
    written,
)
from fintech.domain.disputes.news import CaseReply, NotTaken, Taken, TurnedDown
from fintech.domain.disputes.responses import (
    ERRAND_DELAYS_S,
    ErrandOpen,
    ErrandOver,
    EvidenceMissing,
    InquiryTakesNothing,
    WrongDisputeStatus,
    accepting,
    answered,
    submitting,
    updated,
)
from fintech.domain.metadata import METADATA_KEYS_MAX, TooManyKeys
from fintech.domain.outcome import Failure
from fintech.domain.payments.attempt import ANSWER_PATIENCE
from tests.unit.domain.desk import NOON
from tests.unit.domain.disputes.bench import DisputeDesk, escalated, opened

SAID = SealedEvidence(names=("uncategorized_text",), record="dp_1.cs_1")
YES = Taken()
UNKNOWN = Unknown("nobody answered")


def disputed(*, inquiry: bool = False) -> Dispute:
    """A dispute that waits for its merchant."""
    desk = DisputeDesk()
    desk.heed(desk.take(), opened(inquiry=inquiry))
    return desk.dispute


def sent(dispute: Dispute) -> Dispute:
    """Evidence on its way."""
    return submitting(updated(dispute, evidence=SAID).unwrap(), NOON).unwrap()


def told(dispute: Dispute, reply: CaseReply = YES) -> Dispute:
    """The acquirer's answer to what is on its way."""
    assert dispute.errand is not None
    return answered(dispute, dispute.errand.request, reply, NOON).unwrap()


def test_evidence_is_gathered_text_by_text_in_its_own_order() -> None:
    first = evidence_merged((), (("uncategorized_text", "b"), ("service_date", "today"))).unwrap()
    second = evidence_merged(first, (("billing_address", "a"), ("service_date", ""))).unwrap()
    assert second == (("billing_address", "a"), ("uncategorized_text", "b"))
    assert read(written(second)) == second
    assert evidence_merged(second, None).unwrap() == second


def test_what_the_merchant_says_takes_the_place_of_what_the_books_know() -> None:
    noted = changed(disputed(), evidence=(("uncategorized_text", "1.00 AUD was refunded"),))
    assert noted.has_evidence
    said = updated(noted, evidence=SAID).unwrap()
    assert (said.evidence, said.sealed_evidence, said.has_evidence) == ((), SAID, True)
    nothing = updated(said, evidence=SealedEvidence(names=(), record="dp_1.cs_2")).unwrap()
    assert not nothing.has_evidence
    assert submitting(nothing, NOON) == Failure(EvidenceMissing())


@given(st.lists(st.tuples(st.sampled_from(EVIDENCE_NAMES), st.text(max_size=3)), max_size=30))
def test_evidence_is_what_was_said_last(changes: list[tuple[str, str]]) -> None:
    evidence: tuple[tuple[str, str], ...] = ()
    for change in changes:
        evidence = evidence_merged(evidence, (change,)).unwrap()
    assert dict(evidence) == {name: text for name, text in dict(changes).items() if text}
    assert [name for name, _ in evidence] == [name for name in EVIDENCE_NAMES if name in dict(evidence)]


def test_evidence_is_bounded_text_by_text_and_in_all() -> None:
    long, name = "x" * TEXT_LENGTH_MAX, EVIDENCE_NAMES[0]
    assert evidence_merged((), ((name, long + "x"),)) == Failure(EvidenceTooLong(TEXT_LENGTH_MAX, name))
    evidence = evidence_merged((), tuple((name, long) for name in EVIDENCE_NAMES[:7])).unwrap()
    rest = EVIDENCE_LENGTH_MAX - 7 * TEXT_LENGTH_MAX
    last = EVIDENCE_NAMES[7]
    assert evidence_merged(evidence, ((last, "x" * (rest + 1)),)) == Failure(
        EvidenceTooLong(EVIDENCE_LENGTH_MAX)
    )
    assert not isinstance(evidence_merged(evidence, ((last, "x" * rest),)), Failure)


def test_metadata_may_change_at_any_time_and_is_bounded() -> None:
    lost = changed(disputed(), status=DisputeStatus.LOST)
    assert updated(lost, metadata=(("a", "1"),)).unwrap().metadata == (("a", "1"),)
    many = tuple((f"k{n}", "v") for n in range(METADATA_KEYS_MAX + 1))
    assert updated(lost, metadata=many) == Failure(TooManyKeys(METADATA_KEYS_MAX))


@pytest.mark.parametrize("inquiry", [False, True])
def test_evidence_is_submitted_once(inquiry: bool) -> None:
    dispute = sent(disputed(inquiry=inquiry))
    assert dispute.errand is not None
    assert (dispute.submissions, dispute.errand.kind) == (0, ErrandKind.EVIDENCE)
    for again in (submitting(dispute, NOON), accepting(dispute, NOON), updated(dispute, evidence=SAID)):
        if not inquiry or again.failure() != InquiryTakesNothing():
            assert again == Failure(ErrandOpen(ErrandKind.EVIDENCE))
    review = told(dispute)
    under = DisputeStatus.WARNING_UNDER_REVIEW if inquiry else DisputeStatus.UNDER_REVIEW
    assert (review.status, review.submissions, review.submitted_at, review.errand) == (under, 1, NOON, None)
    assert submitting(review, NOON) == Failure(WrongDisputeStatus(under, "submit evidence for"))
    assert updated(review, evidence=SAID) == Failure(WrongDisputeStatus(under, "change the evidence of"))


def test_there_has_to_be_some() -> None:
    assert submitting(disputed(), NOON) == Failure(EvidenceMissing())


def test_late_evidence_is_passed_on_and_said_to_be_late() -> None:
    dispute = updated(disputed(), evidence=SAID).unwrap()
    for at, late in (
        (dispute.evidence_due_at, False),
        (dispute.evidence_due_at + timedelta(seconds=1), True),
    ):
        assert told(submitting(dispute, at).unwrap()).past_due is late


def test_a_loss_is_accepted_and_final() -> None:
    dispute = accepting(disputed(), NOON).unwrap()
    assert dispute.status is DisputeStatus.NEEDS_RESPONSE
    lost = told(dispute)
    assert (lost.status, lost.errand) == (DisputeStatus.LOST, None)
    assert accepting(lost, NOON) == Failure(WrongDisputeStatus(DisputeStatus.LOST, "close"))


def test_an_inquiry_cannot_be_lost() -> None:
    assert accepting(disputed(inquiry=True), NOON) == Failure(InquiryTakesNothing())


def test_without_an_answer_it_is_told_again_later_and_later() -> None:
    dispute = sent(disputed())
    assert dispute.due_at == NOON + ANSWER_PATIENCE
    waits = []
    for _ in range(len(ERRAND_DELAYS_S) + 2):
        dispute = told(dispute, UNKNOWN)
        assert dispute.due_at is not None
        waits.append((dispute.due_at - NOON).total_seconds())
    assert waits == [*ERRAND_DELAYS_S, ERRAND_DELAYS_S[-1], ERRAND_DELAYS_S[-1]]
    assert told(dispute).due_at is None


def test_what_is_turned_down_is_on_its_way_no_more() -> None:
    dispute = told(sent(disputed()), TurnedDown(NotTaken.TOO_LATE))
    assert (dispute.errand, dispute.status, dispute.submissions) == (None, DisputeStatus.NEEDS_RESPONSE, 0)


def test_a_late_answer_changes_nothing() -> None:
    dispute = sent(disputed())
    assert dispute.errand is not None
    request = dispute.errand.request
    assert answered(told(dispute), request, Taken(), NOON) == Failure(ErrandOver())
    assert answered(dispute, "another", Taken(), NOON) == Failure(ErrandOver())


def test_what_was_on_its_way_for_an_inquiry_says_nothing_of_the_chargeback() -> None:
    desk = DisputeDesk()
    payment = desk.take()
    desk.heed(payment, opened(inquiry=True))
    asked = desk.save(sent(desk.dispute))
    desk.heed(payment, escalated())
    assert asked.errand is not None
    assert desk.dispute.errand is None
    again = submitting(desk.dispute, NOON).unwrap()
    assert again.errand is not None
    assert again.errand.request != asked.errand.request
