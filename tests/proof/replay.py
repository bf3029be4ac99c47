"""Processes that can stop before any effect, without threads: their code is run again from its answers.

Production code calls ports. A port's `do` returns the answer that the process got before, or raises `Pending`
with the effect that comes next. So the state of a process is the tuple of its answers.
"""

import asyncio
import sys
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, Protocol

from tests.proof.continuation import Stacks

# Whether histories that go on in the same way are one; a test compares both.
JOINS = True

# For the answer: the effect has begun, and something else of the world ends it.
WAITS = object()


# What may come of an effect: in words, the answer that the process gets, and the world after it.
Step = tuple[str, Any, Any]


class Effect(Protocol):
    """What a process does to the world, or asks of it."""

    def is_quiet(self, world: Any, process: Any) -> bool:
        """Return whether no other process can tell when it happens: then it is no step of its own."""

    def perform(self, world: Any, process: Any) -> Sequence[Step]:
        """Return each thing that may come of it; none while something else blocks it."""


class Pending(BaseException):  # not an Exception: no code under test may catch it
    """Carries the next effect out of the code that wants it, with what the code does after it depends on."""

    def __init__(self, effect: Effect, continuation: Any) -> None:
        self.effect = effect
        self.continuation = continuation


@dataclass(frozen=True)
class Raises:
    """An answer that is an error."""

    kind: type[Exception]
    arguments: tuple[Hashable, ...] = ()

    def error(self) -> Exception:
        return self.kind(*self.arguments)


class Ports:
    """Hands a process the answers it got before, then asks for the next."""

    def __init__(self, answers: Sequence[Any], program: CodeType | None = None) -> None:
        self._answers = answers
        self._given = 0
        self._pending: Pending | None = None
        self._stacks = Stacks(program) if program else None

    def do(self, effect: Effect) -> Any:
        if self._pending is not None:
            # Code that cleans up on its way out runs while the process only pauses.
            raise self._pending
        if self._stacks:
            self._stacks.take(sys._getframe(1))
        if self._given == len(self._answers):
            continuation = self._stacks.fingerprint(self._answers) if self._stacks else object()
            self._pending = Pending(effect, continuation)
            raise self._pending
        answer = self._answers[self._given]
        self._given += 1
        if isinstance(answer, Raises):
            raise answer.error()
        return answer

    def frozen(self) -> None:
        """Return nothing: every process has its ports."""


Program = Callable[[Ports], Any]


@dataclass(eq=False)
class Node:
    """Where a process stands after some answers: before `effect`, or at its end (`result` or `error`)."""

    name: str
    program: Program
    answers: tuple[Any, ...] = ()
    known: dict[Any, "Node"] = field(default_factory=dict, repr=False)
    effect: Effect | None = None
    result: Any = None
    error: BaseException | None = None
    _after: dict[Any, "Node"] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.continuation: Any = object()
        try:
            self.result = self.program(Ports(self.answers, getattr(self.program, "__code__", None)))
        except Pending as pending:
            self.effect, self.continuation = pending.effect, pending.continuation
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - it is how the process ended
            self.error = error

    def after(self, answer: Any) -> "Node":
        """Return where the process stands with one more answer."""
        if answer not in self._after:
            child = Node(self.name, self.program, (*self.answers, answer), self.known)
            # Another history that goes on in the same way is the same.
            self._after[answer] = self.known.setdefault(child.continuation, child) if JOINS else child
        return self._after[answer]
