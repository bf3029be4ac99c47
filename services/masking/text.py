import base64
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.masking.assignments import QUOTED, Assigned, mask_assigned, mask_value
from services.masking.keys import MASK, is_secret_key
from services.masking.markup import Markup
from services.masking.rules import all_rules, ascii_of
from services.masking.sections import Sections
from services.masking.token_forms import mask_by, mask_values

_QUOTES = re.compile(r"\"\"\"|'''|[\"'`]")
# An escaped quote opens nothing: else each of many would look for an end that the line does not have.
_BRACKETS = re.compile(r"\\.|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|(?P<opens>[\[{(])|(?P<closes>[\]})])")
_HEREDOC = re.compile(r"<<[-~]?\s{0,3}\\?[\"']?(?P<end>[A-Za-z_]\w{0,60})[\"']?")
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|^PuTTY-User-Key-File-|-----BEGIN OpenVPN Static key"
)
_PEM_END = re.compile(
    r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,20}-----|^Private-(?:MAC|Hash):|-----END OpenVPN Static key"
)
_SECRET_KIND = re.compile(
    r"\bkind\\{0,3}[\"']?\s{0,9}[:=]\s{0,9}\\{0,3}[\"']?secret(?:list)?\b(?![\w.-])", re.IGNORECASE
)
_ANCHOR = re.compile(r"&(?P<name>[\w.-]{1,100})\s{1,20}(?=\S)")
_ALIAS = re.compile(r"(?P<key>[\w.@$/-]{1,100})[\"']?\s{0,20}:\s{1,200}\*(?P<name>[\w.-]{1,100})")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")


@dataclass(kw_only=True)
class _Open:
    """A secret that goes on in the next lines: until quotes, brackets, a word or the indent end it."""

    column: int = -1
    quotes: str = ""
    brackets: int = 0
    end_word: str = ""
    is_pem: bool = False

    def takes(self, line: str) -> bool:
        """Return whether a line is still of the secret, and note whether it is its last one."""
        if self.is_pem:
            self.is_pem = not _PEM_END.search(line)
            return True
        if self.end_word:
            is_end = line.strip() == self.end_word
            self.end_word = "" if is_end else self.end_word
            return not is_end
        if self.quotes:
            self.quotes = "" if self.quotes in line else self.quotes
            return True
        if self.brackets > 0:
            self.brackets += _balance(line)
            return True
        indent = len(line) - len(line.lstrip())
        is_item = line.lstrip().startswith("- ") and indent == self.column
        return self.column >= 0 and (not line.strip() or indent > self.column or is_item)


@dataclass(kw_only=True)
class _Lines:
    """The lines of a text, from the first on: what those before leave open decides too."""

    anchors: frozenset[str]
    opened: _Open = field(default_factory=_Open)
    markup: Markup = field(default_factory=Markup)
    sections: Sections = field(default_factory=Sections)

    def masked(self, line: str) -> str:
        if self.opened.takes(line) or self.markup.takes(line):
            return MASK
        self.opened = _Open()
        if pem := _PEM.search(line):
            head = self._assigned(line[: pem.start()])
            self.opened = _Open(is_pem=not _PEM_END.search(line))
            return head + MASK
        if "<" in line or self.markup.is_tag:
            line = self.markup.mask(line)
        if found := self.sections.value(line):
            shown, end = mask_value(line, found[1], self._value, key=found[0], mask=MASK)
            return mask_values(line[: found[1].value]) + shown + mask_values(line[end:])
        return mask_values(self._assigned(self._anchored(line)))

    def _assigned(self, line: str) -> str:
        """Mask what a line assigns to secrets' keys; note also what is still open at its end."""
        return mask_assigned(line, self._value)

    def _value(self, line: str, at: Assigned) -> tuple[str, int]:
        if (quoted := QUOTED.match(line, at.value)) and not line.startswith(('"""', "'''"), at.value):
            return quoted[0][0] + MASK + quoted[0][-1], quoted.end()
        self.opened = _opened(line, at)
        return (MASK if at.value < len(line) else ""), len(line)

    def _anchored(self, line: str) -> str:
        anchor = _ANCHOR.search(line) if self.anchors else None
        if anchor is None or anchor["name"] not in self.anchors:
            return line
        shown, end = self._value(line, Assigned(len(line) - len(line.lstrip()), anchor.end()))
        return line[: anchor.end()] + shown + line[end:]


def mask_text(text: str) -> str:
    """Return a text with the secrets in its lines masked; the whole text masked if it holds a Secret."""
    return _mask_short(text) if len(text) <= 200 else _mask_text(text)  # noqa: PLR2004 - most settings


def _mask_text(text: str) -> str:
    rules, has_name = all_rules().look(ascii_of(text))
    shown = "\n".join(_mask_named(text.split("\n"))) if has_name else mask_by(rules, text)
    return MASK if shown == text and _hides_secret(text) else shown


# The same values come again in the files of one environment.
_mask_short = functools.lru_cache(maxsize=20_000)(_mask_text)


def mask_lines(lines: Sequence[str]) -> list[str]:
    """Return lines with what looks like a secret masked, line by line; a secret may go on over lines.

    Masked are what is assigned to a secret's key (`password = x`, `"token": "x"`, `--secret x`,
    `<password>x`), with the lines, brackets or quotes that it opens; what stands in a section, a block or
    under an anchor of secrets; private keys in PEM; and what one of the rules finds. Of a manifest of kind
    Secret every line is masked.
    """
    rules, has_name = all_rules().look(ascii_of("\n".join(lines)))
    if has_name:
        return _mask_named(lines)
    return [mask_values(line) for line in lines] if rules else list(lines)


def pem_lines(lines: Sequence[object]) -> set[int]:
    """Return the indexes of the items that are lines of a private key in PEM."""
    found = set()
    is_inside = False
    for index, line in enumerate(lines):
        is_inside = is_inside or (isinstance(line, str) and bool(_PEM.search(line)))
        if is_inside:
            found.add(index)
        is_inside = is_inside and not (isinstance(line, str) and _PEM_END.search(line))
    return found


def is_flag(item: object) -> bool:
    """Return whether a command's argument says that the next one is a secret: `--password`."""
    return isinstance(item, str) and item.startswith("-") and "=" not in item and is_secret_key(item)


def _mask_named(lines: Sequence[str]) -> list[str]:
    """Mask lines among which is a word of secrets' names."""
    whole = "\n".join(lines)
    if _SECRET_KIND.search(whole):
        return [MASK] * len(lines)
    state = _Lines(anchors=_secret_anchors(whole))
    return [state.masked(line) for line in lines]


def _secret_anchors(text: str) -> frozenset[str]:
    """Return the names of YAML anchors whose values are secrets: by their own names, and by their uses'."""
    if "&" not in text:
        return frozenset()
    named = {found["name"] for found in _ANCHOR.finditer(text) if is_secret_key(found["name"])}
    return frozenset(
        named | {found["name"] for found in _ALIAS.finditer(text) if is_secret_key(found["key"])}
    )


def _opened(line: str, at: Assigned) -> _Open:
    """Return what a value opens that its line does not close."""
    if heredoc := _HEREDOC.search(line, at.value):
        return _Open(end_word=heredoc["end"])
    quotes = _QUOTES.match(line, at.value)
    if quotes and quotes[0] not in line[quotes.end() :]:
        return _Open(quotes=quotes[0])
    brackets = _balance(line, at.value) if line[at.value : at.value + 1] in {"[", "{", "("} else 0
    return _Open(brackets=brackets) if brackets > 0 else _Open(column=at.key)


def _balance(line: str, start: int = 0) -> int:
    found = list(_BRACKETS.finditer(line, start))
    return sum(1 for match in found if match["opens"]) - sum(1 for match in found if match["closes"])


def _hides_secret(text: str) -> bool:
    """Return whether a text is base64 of a text with a secret in it: a script, a profile."""
    if len(text) % 4 or not _BASE64.fullmatch(text):
        return False
    try:
        hidden = base64.b64decode(text, validate=True)
        encoding = "utf-16-le" if b"\0" in hidden[:4] else "utf-8"
        plain = hidden.decode(encoding)
    except ValueError:
        return False
    return _CONTROL.search(plain) is None and mask_text(plain) != plain
