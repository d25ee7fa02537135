"""What a decision answers: a value that is either a success or a refusal.

Breakage (a database down, a bug) is an exception; a refusal is a value that the caller must look at.
"""

from typing import TypeAlias, TypeVar

from returns.result import Failure, Success

T = TypeVar("T")
E = TypeVar("E")

#: With plain ``Result`` the type checkers lose the types of both sides; a union of the two classes keeps them.
Outcome: TypeAlias = Success[T] | Failure[E]

__all__ = ["Failure", "Outcome", "Success"]
