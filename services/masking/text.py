import re
import string
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.masking.keys import MASK, is_secret_key, names_the_secret
from services.masking.markup import mask_markup

_WORD = re.compile(
    r"pass(?:word|wd|wort|phrase|code)|kennwort|secret|token|authorization|credential"
    r"|(?:private|api|access|account|shared|master|signing|encryption|ssh)[ _.-]?key"
    r"|connection[ _.-]?string|key[ _.-]?material"
    r"|(?:pass|pwd|pin|psk)(?=[\"']?\s{0,9}[:=/>]|[\"']\s)"
)
_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_KEY = r"[\w.@$/-]"
_KEY_BEFORE = re.compile(rf"{_KEY}{{0,100}}\Z")
_KEY_AFTER = re.compile(rf"{_KEY}{{0,100}}")
_ASSIGNED = re.compile(
    r"\\{0,3}[\"']?\]?\s{0,20}(?::=|=>|[:=])\s{0,200}(?:[!&][\w!:/.-]{1,60}\s{1,20})?\\{0,3}(?=\S|$)"
)
_FLAGGED = re.compile(r"\s{1,20}(?=[^\s-])")
# What follows the word where devices and netrc files write a secret without a sign between.
_DEVICE = re.compile(r"\s{1,9}\d{1,2}\s{1,9}(?=\S)")
_SCALAR = re.compile(
    r"(?:(?P<word>true|false|null|none|yes|no|on|off)|[+-]?\d+(?:\.\d+)?)(?=\s*(?:[,;}\])#]|$))",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"\"[^\"\\]*(?:\\.[^\"\\]*)*\"(?=[\s,;:}\])#]|$)|'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'(?=[\s,;:}\])#]|$)"
)
_QUOTES = re.compile(r"\"\"\"|'''|[\"'`]")
# An escaped quote opens nothing: else each of many would look for an end that the line does not have.
_BRACKETS = re.compile(r"\\.|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|(?P<opens>[\[{(])|(?P<closes>[\]})])")
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,20}-----")
# A token stops where another could begin: else each of many would look for the dot at the end of them all.
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:gh[a-z]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|xox[a-z]-[\w-]{10,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{12,}|ATBB\w{16,}|AIza[\w-]{30,}|sk[-_][\w-]{20,}|npm_\w{30,}|hvs\.[\w-]{20,}"
    r"|eyJ(?:(?!(?<![A-Za-z0-9])eyJ[\w-]{8})[\w-]){8,}\.[\w-]{4,}(?:\.[\w-]*)*)"
)
_BEARER = re.compile(r"\b(?P<scheme>bearer\s{1,5})[\w.~+/=-]{16,}", re.IGNORECASE)
_USER_INFO = re.compile(r"://[^\s/@:'\"]{0,64}:[^\s@'\"]{1,256}@")
_SECRET_KIND = re.compile(r"\bkind\\{0,3}[\"']?\s{0,9}[:=]\s{0,9}\\{0,3}[\"']?Secret\b")


@dataclass(kw_only=True)
class _Open:
    """A secret that goes on in the next lines: until quotes, brackets, a tag or the indent end it."""

    column: int = -1
    quotes: str = ""
    brackets: int = 0
    is_pem: bool = field(default=False)
    is_element: bool = field(default=False)

    def takes(self, line: str) -> bool:
        """Tell whether a line is still of the secret, and see whether it is its last one."""
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
    """Tell whether a command's argument says that the next one is a secret: `--password`."""
    return isinstance(item, str) and item.startswith("-") and "=" not in item and is_secret_key(item)


def _may_hold(text: str) -> bool:
    # A private key and a manifest of a Secret have a word of _WORD too.
    return bool(
        _WORD.search(_lower(text)) or _TOKEN.search(text) or _BEARER.search(text) or _USER_INFO.search(text)
    )


def _mask_line(line: str) -> tuple[str, _Open]:
    pem = _PEM.search(line)
    if pem:
        end = _PEM_END.search(line)
        return _mask_assigned(line[: pem.start()])[0] + MASK, _Open(is_pem=end is None)
    line, is_element = mask_markup(line) if "<" in line else (line, False)
    shown, opened = _mask_assigned(line)
    opened = _Open(is_element=True) if is_element else opened
    shown = _BEARER.sub(rf"\g<scheme>{MASK}", _TOKEN.sub(MASK, shown))
    return _USER_INFO.sub(f"://{MASK}@", shown), opened


def _mask_assigned(line: str) -> tuple[str, _Open]:
    """Mask what stands under a secret's key; tell what of it goes on in the next line."""
    shown: list[str] = []
    position, opened = 0, _Open()
    small = _lower(line)
    while position < len(line) and (word := _WORD.search(small, position)):
        before = _KEY_BEFORE.search(line, max(position, word.start() - 100), word.start())
        start = before.start() if before else word.start()
        after = _KEY_AFTER.match(line, word.end())
        key_end = after.end() if after else word.end()
        key = line[start:key_end]
        value = _value_start(line, key, key_end)
        if value is None:
            shown.append(line[position:key_end])
            position = key_end
            continue
        masked, end, opened = _mask_value(line, value, key, start)
        shown += [line[position:value], masked]
        position = end
    return "".join([*shown, line[position:]]), opened


def _lower(text: str) -> str:
    """Return a text with small letters, as long as it was: `lower` makes two of some letters."""
    return text.lower() if text.isascii() else text.translate(_SMALL)


def _value_start(line: str, key: str, end: int) -> int | None:
    if not is_secret_key(key):
        return None
    patterns = [_ASSIGNED, _DEVICE, *([_FLAGGED] if key.startswith("-") else [])]
    found = next((match for pattern in patterns if (match := pattern.match(line, end))), None)
    return found.end() if found else None


def _mask_value(line: str, start: int, key: str, column: int) -> tuple[str, int, _Open]:
    """Return what is shown of the value, where the line goes on after it, and what of it is still open."""
    scalar = _SCALAR.match(line, start)
    if scalar:
        is_shown = scalar["word"] or not names_the_secret(key)
        return (scalar[0] if is_shown else MASK), scalar.end(), _Open()
    quoted = _QUOTED.match(line, start)
    if quoted and not line.startswith(('"""', "'''"), start):
        return quoted[0][0] + MASK + quoted[0][-1], quoted.end(), _Open()
    quotes = _QUOTES.match(line, start)
    if quotes and quotes[0] not in line[quotes.end() :]:
        return MASK, len(line), _Open(quotes=quotes[0])
    brackets = _balance(line, start) if line[start : start + 1] in {"[", "{", "("} else 0
    if brackets > 0:
        return MASK, len(line), _Open(brackets=brackets)
    return (MASK if start < len(line) else ""), len(line), _Open(column=column)


def _balance(line: str, start: int = 0) -> int:
    found = list(_BRACKETS.finditer(line, start))
    return sum(1 for match in found if match["opens"]) - sum(1 for match in found if match["closes"])
