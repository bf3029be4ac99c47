"""Breadth first through every state of a world: to its end, or to the first state that breaks a law."""

import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

State = Any
Successors = Callable[[State], Iterable[tuple[str, State]]]


class Violation(Exception):
    """A law that does not hold."""

    def __init__(self, law: str, what: str) -> None:
        super().__init__(f"{law}: {what}")
        self.law = law


@dataclass
class Explored:
    """What a search found; `history` is the shortest way to the violation, in words."""

    states: list[State]
    parents: "array[int]"
    seconds: float = 0.0
    transitions: int = 0
    violation: Violation | None = None
    history: Sequence[str] = ()
    edges: tuple["array[int]", "array[int]"] = field(default_factory=lambda: (array("l"), array("l")))


def explore(
    beginning: State,
    successors: Successors,
    check: Callable[[State], None],
    *,
    is_end: Callable[[State], bool] | None = None,
) -> Explored:
    """Visit every state, and check each; then check that each can still come to an end (law L9)."""
    started = time.monotonic()
    found = Explored([beginning], array("l", [-1]))
    try:
        _visit(found, successors, check)
        if is_end is not None:
            _check_that_all_end(found, is_end)
    except _At as reached:
        found.violation = reached.violation
        found.history = [*_history(found, successors, reached.state), *reached.last]
    found.seconds = time.monotonic() - started
    return found


class _At(Exception):
    """Carries a violation with the number of the state that has it, or that comes before it."""

    def __init__(self, violation: Violation, state: int, last: Sequence[str] = ()) -> None:
        self.violation = violation
        self.state = state
        self.last = last


def _visit(found: Explored, successors: Successors, check: Callable[[State], None]) -> None:
    numbers = {found.states[0]: 0}
    sources, targets = found.edges
    at = 0
    while at < len(found.states):
        last: list[str] = []
        try:
            for said, state in successors(found.states[at]):
                last = [said]
                number = numbers.setdefault(state, len(numbers))
                sources.append(at)
                targets.append(number)
                if number == len(found.states):
                    check(state)
                    found.states.append(state)
                    found.parents.append(at)
        except Violation as violation:
            # The state that the last step leads to breaks the law, or the next step itself, which has a note.
            raise _At(violation, at, getattr(violation, "__notes__", last)) from violation
        at += 1
    found.transitions = len(sources)


def _check_that_all_end(found: Explored, is_end: Callable[[State], bool]) -> None:
    before: list[list[int]] = [[] for _ in found.states]
    for source, target in zip(*found.edges, strict=True):
        before[target].append(source)
    ending = bytearray(map(is_end, found.states))
    waiting = [number for number, ends in enumerate(ending) if ends]
    while waiting:
        for number in before[waiting.pop()]:
            if not ending[number]:
                ending[number] = True
                waiting.append(number)
    stuck = ending.find(0)
    if stuck >= 0:
        raise _At(Violation("L9", "the run never completes from here"), stuck)


def _history(found: Explored, successors: Successors, last: int) -> list[str]:
    path = [last]
    while found.parents[path[-1]] >= 0:
        path.append(found.parents[path[-1]])
    steps = zip(path[:0:-1], path[-2::-1], strict=True)
    return [
        next(said for said, state in successors(found.states[before]) if state == found.states[after])
        for before, after in steps
    ]
