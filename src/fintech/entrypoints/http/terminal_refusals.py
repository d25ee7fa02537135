"""What is refused of terminals and locations, as the wire says it."""

from typing import Final, TypeAlias, assert_never

from fintech.application.commits import NotFound
from fintech.domain.addresses import AddressFault
from fintech.domain.changeset import CommitRefused
from fintech.domain.metadata import TooManyKeys
from fintech.domain.terminals import LocationInUse, SimulatedInLiveMode, TerminalFault
from fintech.entrypoints.http.errors import Problem, missing
from fintech.entrypoints.http.refusals import problem_of

#: What is gone is not told here: the operations answer as if it were not there, or that it is gone.
TerminalProblem: TypeAlias = (
    NotFound
    | AddressFault
    | LocationInUse
    | TerminalFault
    | SimulatedInLiveMode
    | TooManyKeys
    | CommitRefused
)

_PARTS: Final = {AddressFault.POSTCODE: "postal_code"}
_FAULTS: Final = {
    TerminalFault.NUMBER: "A terminal's number is eight digits and capital letters.",
    TerminalFault.SERIAL: "registration_code is the terminal's serial number: digits, letters and hyphens.",
}


def terminal_problem(refused: TerminalProblem) -> Problem:
    """The problem that a refusal is."""
    match refused:
        case NotFound(kind="location", id=id):
            return missing("terminal.location", id, "location").problem
        case NotFound(kind="terminal", id=id):
            return missing("terminal.reader", id, "reader").problem
        case AddressFault():
            part = _PARTS.get(refused, refused.value)
            message = f"address[{part}] is not part of an address in Australia."
            return Problem(code="parameter_invalid_value", message=message, param=f"address[{part}]")
        case LocationInUse(terminals=terminals):
            message = f"Readers stand at this location ({terminals}): move or delete them first."
            return Problem(code="terminal_location_in_use", message=message, param="location")
        case TerminalFault():
            return _wrong_code(_FAULTS[refused])
        case SimulatedInLiveMode():
            return _wrong_code("Simulated terminals are for test mode only.")
        case NotFound() | TooManyKeys():
            return problem_of(refused)
        case _ if isinstance(refused, CommitRefused):
            return problem_of(refused)
        case _:
            assert_never(refused)


def _wrong_code(message: str) -> Problem:
    return Problem(code="parameter_invalid_value", message=message, param="registration_code")
