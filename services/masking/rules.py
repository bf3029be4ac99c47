import functools
import json
import math
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import re2

from services.masking.keys import WORDS_IN_TEXT

_FOLDER: Final = "rule_files"
COMMANDS: Final = "commands.toml"
_DEVICES: Final = "devices.toml"
_OURS: Final = ("ours.toml", COMMANDS, _DEVICES)
_GITLEAKS: Final = "gitleaks.json"
# What <value> of a rule stands for.
_VALUE: Final = r"""("[^"]+"|'[^']+'|[^\s"';,]+)"""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What one kind of secret looks like: `regex` (RE2), looked for where one of `keywords` is.

    The secret is the regex's longest group, the whole match where it has none; not one whose Shannon entropy
    is below `entropy`, nor one that matches one of `exceptions`. `source` is its
    file.
    """

    id: str
    keywords: Sequence[str]
    regex: str
    entropy: float = 0
    exceptions: Sequence[str] = ()
    source: str = ""

    @property
    def is_of_form(self) -> bool:
        """Return whether it knows its secrets by their form, and not by the words of a line around them."""
        return self.source not in {COMMANDS, _DEVICES}

    def spans(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Yield where secrets of this kind begin and end in ASCII text."""
        for found in _compiled(self.regex).finditer(text):
            start, end = _secret(found)
            if start < end and self._is_secret(text[start:end]):
                yield start, end

    def _is_secret(self, secret: bytes) -> bool:
        return _entropy(secret) >= self.entropy and not any(
            _compiled(each).search(secret) for each in self.exceptions
        )


class Rules:
    """Rules, of which a text is searched for all keywords at once."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._keywords = sorted({keyword for rule in rules for keyword in rule.keywords})
        places = {keyword: place for place, keyword in enumerate(self._keywords)}
        self._by_place: Mapping[int, list[int]] = {place: [] for place in places.values()}
        for number, rule in enumerate(rules):
            for keyword in rule.keywords:
                self._by_place[places[keyword]].append(number)
        self._set = re2.Set.SearchSet()
        for keyword in self._keywords:
            self._set.Add(re2.escape(keyword))
        self._names = {self._set.Add(word) for word in WORDS_IN_TEXT}
        self._set.Compile()

    def look(self, text: bytes) -> tuple[Sequence[Rule], bool]:
        """Return the rules whose keywords are in ASCII text, and whether the word of a secret's name is."""
        found = self._set.Match(text.lower()) or []
        numbers = sorted({number for place in found for number in self._by_place.get(place, ())})
        return [self._rules[number] for number in numbers], not self._names.isdisjoint(found)


@functools.cache
def all_rules() -> Rules:
    """Return the rules of services/masking/rule_files/: ours, then gitleaks'."""
    return Rules(read_rules())


def read_rules() -> list[Rule]:
    """Read every rule of services/masking/rule_files/."""
    folder = files("services.masking") / _FOLDER
    ours = {name: tomllib.loads((folder / name).read_text())["rules"] for name in _OURS}
    theirs = json.loads((folder / _GITLEAKS).read_text())["rules"]
    return [
        *(_rule(each, source=name) for name in _OURS for each in ours[name]),
        *(_rule(each, source=_GITLEAKS) for each in theirs),
    ]


def ascii_of(text: str) -> bytes:
    """Return a text for rules: as long as it was, with `?` for what is not ASCII."""
    return text.encode("ascii", "replace")


def _rule(fields: Mapping[str, Any], *, source: str) -> Rule:
    return Rule(
        id=fields["id"],
        keywords=fields["keywords"],
        regex=fields["regex"].replace("<value>", _VALUE),
        entropy=fields.get("entropy", 0),
        exceptions=fields.get("except", ()),
        source=source,
    )


@functools.cache
def _compiled(regex: str) -> Any:
    return re2.compile(regex)


def _secret(found: Any) -> tuple[int, int]:
    spans = [found.span(group) for group in range(1, found.re.groups + 1)]
    start, end = max(spans, key=lambda span: span[1] - span[0], default=found.span())
    return (start, end) if end > 0 else found.span()


def _entropy(secret: bytes) -> float:
    """Return the bits that a byte of the secret carries, as gitleaks counts them."""
    counts = Counter(secret).values()
    return -sum(count / len(secret) * math.log2(count / len(secret)) for count in counts)
