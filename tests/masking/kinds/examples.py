"""Examples made from a rule's regular expression: no real secret, and none is in this repository."""

import random
import re
import string
from re import _constants as c
from re import _parser as parser
from typing import Any

from services.masking.rules import Rule

# Go's words for what Python writes otherwise; small letters or not is all one to an example.
_AS_PYTHON = (("[[:alnum:]]", "[A-Za-z0-9]"), (r"\z", r"\Z"), ("(?i)", ""), ("(?i:", "(?:"))
_CATEGORIES = {c.CATEGORY_DIGIT: string.digits, c.CATEGORY_WORD: string.ascii_letters + string.digits}
_MORE = 6


class _Example:
    """One text that a regular expression matches, and where its groups begin and end in it."""

    def __init__(self, regex: str, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - the same examples in every run
        self.text = ""
        self.groups: list[tuple[int, int]] = []
        for go, python in _AS_PYTHON:
            regex = regex.replace(go, python)
        self._write(parser.parse(regex))

    def _write(self, parsed: Any) -> None:
        for operation, argument in parsed:
            getattr(self, f"_{str(operation).lower()}")(argument)

    def _literal(self, code: int) -> None:
        self.text += chr(code)

    def _not_literal(self, _: int) -> None:
        self.text += " "

    def _any(self, _: None) -> None:
        self.text += "."

    def _at(self, _: Any) -> None:
        pass

    def _in(self, members: Any) -> None:
        if members[0][0] is c.NEGATE:
            self.text += " "
            return
        choices = [char for operation, value in members for char in self._members(operation, value)]
        self.text += self._random.choice([char for char in choices if char.isprintable()])

    def _members(self, operation: Any, value: Any) -> str:
        if operation is c.RANGE:
            return "".join(map(chr, range(value[0], value[1] + 1)))
        return _CATEGORIES.get(value, " ") if operation is c.CATEGORY else chr(value)

    def _branch(self, argument: Any) -> None:
        self._write(argument[1][0])

    def _subpattern(self, argument: Any) -> None:
        start = len(self.text)
        self._write(argument[3])
        if argument[0] is not None:
            self.groups.append((start, len(self.text)))

    def _min_repeat(self, argument: Any) -> None:
        self._times(argument[2], argument[0])

    def _max_repeat(self, argument: Any) -> None:
        least, most, repeated = argument
        self._times(repeated, least or min(int(most), 1 if most == 1 else _MORE))

    def _times(self, repeated: Any, count: int) -> None:
        for _ in range(count):
            self._write(repeated)


def example(rule: Rule, number: int = 0) -> str:
    """Return a secret of a rule's kind, without what is around it; another one for each `number`."""
    made = _Example(rule.regex, f"{rule.id} {number}")
    start, end = max(made.groups, key=lambda group: group[1] - group[0], default=(0, len(made.text)))
    return made.text[start:end]


def is_of_maker(rule: Rule) -> bool:
    """Return whether a rule knows its secrets only beside their maker's name."""
    return re.search(r"\(\?:=\|>", rule.regex) is not None
