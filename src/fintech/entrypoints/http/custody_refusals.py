"""Why the bank's word was not carried out, as problems. Who has signed nothing is told nothing of how things stand."""

from typing import Final, TypeAlias, assert_never

from fintech.application.commits import NotFound
from fintech.application.keys.breaking_glass import GlassRefused
from fintech.application.keys.figures import BadSignature, TwoOfficersNeeded, UnknownKey
from fintech.application.keys.orders import OrderRefused
from fintech.domain.keys.breaking_glass import OPEN_MAX, NotThatLong
from fintech.domain.keys.custody import CustodyStepRefused
from fintech.domain.keys.documents import AnotherEnvironment, OrderMalformed
from fintech.entrypoints.http.errors import Problem, missing
from fintech.ports.key_table import OrderOutOfSequence

#: What nobody is known to have signed.
SIGNATURE_INVALID: Final = "signature_invalid"

Refusal: TypeAlias = OrderRefused | GlassRefused


def custody_problem_of(refused: Refusal) -> Problem:
    """The problem that a refusal is."""
    match refused:
        case OrderMalformed(field=name, rule=rule):
            what = "document" if name == "order" else f"document's {name}"
            return Problem(code="order_malformed", message=f"The {what} {rule}.", param="document")
        case UnknownKey() | BadSignature():
            message = "No officer's key of this name signed this document."
            return Problem(status=403, code=SIGNATURE_INVALID, message=message, param="signature")
        case AnotherEnvironment(named=named, here=here):
            message = f"The document is for {named}, and this is {here}."
            return Problem(code="another_environment", message=message, param="document")
        case TwoOfficersNeeded():
            message = "It takes two officers, with a key each."
            return Problem(code="two_officers_needed", message=message, param="second_key")
        case OrderOutOfSequence(expected=expected):
            return Problem(
                status=409,
                code="order_out_of_sequence",
                message=f"The next order has the number {expected}.",
                param="document",
                details={"expected_sequence": expected},
                retry=False,
            )
        case CustodyStepRefused(current=current, wanted=wanted):
            message = f"Custody is {current.value}, from where it does not become {wanted.value} this way."
            return Problem(code="custody_unexpected_state", message=message, param="document")
        case NotThatLong():
            hours = int(OPEN_MAX.total_seconds()) // 3600
            message = f"Glass is broken until a moment to come, {hours} hours ahead at most."
            return Problem(code="until_invalid", message=message, param="document")
        case NotFound(kind=kind, id=id):
            return missing(kind, id, "document").problem
        case _:
            assert_never(refused)
