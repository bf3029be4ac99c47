import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.masking.assignments import QUOTED, Assigned, lowered, mask_assigned
from services.masking.keys import MASK, WORD_IN_TEXT, is_secret_key
from services.masking.markup import mask_markup
from services.masking.token_forms import holds_secret, mask_values

_QUOTES = re.compile(r"\"\"\"|'''|[\"'`]")
# An escaped quote opens nothing: else each of many would look for an end that the line does not have.
_BRACKETS = re.compile(r"\\.|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|(?P<opens>[\[{(])|(?P<closes>[\]})])")
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,20}-----")
_SECRET_KIND = re.compile(r"\bkind\\{0,3}[\"']?\s{0,9}[:=]\s{0,9}\\{0,3}[\"']?Secret\b")


@dataclass(kw_only=True)
class _Open:
    """A secret that goes on in the next lines: until quotes, brackets, a tag or the indent end it."""

    column: int = -1
    quotes: str = ""
    brackets: int = 0
    is_pem: bool = False
    is_element: bool = False

    def takes(self, line: str) -> bool:
        """Return whether a line is still of the secret, and note whether it is its last one."""
        if self.is_pem:
            self.is_pem = not _PEM_END.search(line)
            return True
        if self.is_element:
            self.is_element = "<" not in line
            return not line.lstrip().startswith("<")
        if self.quotes:
            self.quotes = "" if self.quotes in line else self.quotes
            return True
        if self.brackets > 0:
            self.brackets += _balance(line)
            return True
        indent = len(line) - len(line.lstrip())
        is_item = line.lstrip().startswith("- ") and indent == self.column
        return self.column >= 0 and (not line.strip() or indent > self.column or is_item)


def mask_text(text: str) -> str:
    """Return a text with the secrets in its lines masked; the whole text masked if it holds a Secret."""
    return "\n".join(mask_lines(text.split("\n"))) if _may_hold(text) else text


def mask_lines(lines: Sequence[str]) -> list[str]:
    """Return lines with what looks like a secret masked, line by line; a secret may go on over lines.

    Masked are what is assigned to a secret's key (`password = x`, `"token": "x"`, `--secret x`,
    `<password>x`), with the lines, brackets or quotes that it opens; private keys in PEM; tokens of
    well-known makers; passwords in URLs. Of a manifest of kind Secret every line is masked.
    """
    if _SECRET_KIND.search("\n".join(lines)):
        return [MASK] * len(lines)
    masked = []
    opened = _Open()
    for line in lines:
        if opened.takes(line):
            masked.append(MASK)
        else:
            shown, opened = _mask_line(line)
            masked.append(shown)
    return masked


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


def _may_hold(text: str) -> bool:
    # A private key and a manifest of a Secret have a word of the list too.
    return bool(WORD_IN_TEXT.search(lowered(text))) or holds_secret(text)


def _mask_line(line: str) -> tuple[str, _Open]:
    pem = _PEM.search(line)
    if pem:
        return _mask_assigned(line[: pem.start()])[0] + MASK, _Open(is_pem=not _PEM_END.search(line))
    line, is_element = mask_markup(line) if "<" in line else (line, False)
    shown, opened = _mask_assigned(line)
    return mask_values(shown), _Open(is_element=True) if is_element else opened


def _mask_assigned(line: str) -> tuple[str, _Open]:
    """Mask what a line assigns to secrets' keys; return also what is still open at its end."""
    opened = _Open()

    def masked(line: str, at: Assigned) -> tuple[str, int]:
        nonlocal opened
        if (quoted := QUOTED.match(line, at.value)) and not line.startswith(('"""', "'''"), at.value):
            return quoted[0][0] + MASK + quoted[0][-1], quoted.end()
        opened = _opened(line, at)
        return (MASK if at.value < len(line) else ""), len(line)

    return mask_assigned(line, masked), opened


def _opened(line: str, at: Assigned) -> _Open:
    """Return what a value opens that its line does not close."""
    quotes = _QUOTES.match(line, at.value)
    if quotes and quotes[0] not in line[quotes.end() :]:
        return _Open(quotes=quotes[0])
    brackets = _balance(line, at.value) if line[at.value : at.value + 1] in {"[", "{", "("} else 0
    return _Open(brackets=brackets) if brackets > 0 else _Open(column=at.key)


def _balance(line: str, start: int = 0) -> int:
    found = list(_BRACKETS.finditer(line, start))
    return sum(1 for match in found if match["opens"]) - sum(1 for match in found if match["closes"])
