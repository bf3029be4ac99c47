"""What a process will do depends on its stack alone: two histories that lead to equal stacks are one state.

A stack is compared by its frames: code, position, and the local variables that are read again, by value. What
Python keeps beside these, the temporary values of a statement, comes from answers; so the answers to earlier
calls of the statement that a frame is in are compared too.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from tests.proof.freezing import freeze
from tests.proof.liveness import live_at

Lines = tuple[int, int]
_HERE = str(Path(__file__).parent)


class Stacks:
    """The stacks of one process at each of its effects, from the program itself to the port."""

    def __init__(self, program: CodeType) -> None:
        self._program = program
        self._seen: list[Sequence[tuple[FrameType, int]]] = []

    def take(self, frame: FrameType | None) -> None:
        """Note the stack at an effect."""
        stack: list[tuple[FrameType, int]] = []
        while frame is not None and frame.f_code is not self._program:
            stack.append((frame, frame.f_lineno))
            frame = frame.f_back
        self._seen.append(stack[::-1])

    def fingerprint(self, answers: Sequence[Any]) -> Any:
        """Return what is equal for equal continuations; `answers` are those given so far."""
        frames = [frame for frame, _ in self._seen[-1]]
        stack = tuple((frame.f_code, frame.f_lasti) for frame in frames)
        waiting = sorted({number for depth in range(len(frames)) for number in self._returned(depth)})
        variables = freeze([_variables(frame) for frame in frames])
        return stack, variables, freeze(sys.exc_info()[1]), tuple(answers[number] for number in waiting)

    def _returned(self, depth: int) -> Iterator[int]:
        """Return the answers to calls that a frame's present statement has made before its present call."""
        frame, line = self._seen[-1][depth]
        first, last = statement_at(frame.f_code.co_filename, line)
        now = self._seen[-1][: depth + 2]
        for number in range(len(self._seen) - 2, -1, -1):
            before = self._seen[number]
            if len(before) <= depth or before[depth][0] is not frame or not first <= before[depth][1] <= last:
                return
            if [each for each, _ in before[: depth + 2]] != [each for each, _ in now]:
                yield number


def _variables(frame: FrameType) -> dict[str, Any]:
    """Return the variables that a frame may still read; the checker's own only repeat what others gave."""
    if frame.f_code.co_filename.startswith(_HERE):
        return {}
    lines = statement_at(frame.f_code.co_filename, frame.f_lineno)
    live = live_at(frame.f_code, frame.f_lasti, lines)
    return {name: value for name, value in frame.f_locals.items() if name in live}


@cache
def statement_at(file: str, line: int) -> Lines:
    """Return the lines of the innermost statement at a line.

    Where a `with` is left, or a `finally` is run, a value to return may wait: they count as a whole.
    """
    found = [lines for lines in _statements(file) if lines[0] <= line <= lines[1]]
    whole = [
        (first, last) for first, last, begins in _waiting(file) if begins <= line <= last or line == first
    ]
    return max(whole, key=_length) if whole else min(found, key=_length)


def _length(lines: Lines) -> int:
    return lines[1] - lines[0]


@cache
def _statements(file: str) -> list[Lines]:
    found = []
    for node in _nodes(file):
        body = getattr(node, "body", None)
        last = body[0].lineno - 1 if body else node.end_lineno or node.lineno
        found.append((node.lineno, max(node.lineno, last)))
    return found


@cache
def _waiting(file: str) -> list[tuple[int, int, int]]:
    """Return each `with`, and each `try` with a `finally`, that is left by a `return` of a value.

    By its first line, its last, and where the waiting begins.
    """
    found = []
    for node in _nodes(file):
        last = node.end_lineno or node.lineno
        if not any(isinstance(each, ast.Return) and each.value for each in ast.walk(node)):
            continue
        if isinstance(node, ast.With | ast.AsyncWith):
            found.append((node.lineno, last, last + 1))
        elif isinstance(node, ast.Try) and node.finalbody:
            found.append((node.lineno, last, node.finalbody[0].lineno))
    return found


@cache
def _nodes(file: str) -> list[ast.stmt]:
    with open(file, encoding="utf-8") as source:  # noqa: PTH123
        return [node for node in ast.walk(ast.parse(source.read())) if isinstance(node, ast.stmt)]
