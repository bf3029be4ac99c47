import re
from typing import Final

from services.masking.assignments import QUOTED, Assigned, mask_assigned
from services.masking.keys import MASK
from services.masking.markup import mask_markup
from services.masking.text import pem_lines
from services.masking.token_forms import mask_values

# What messages show in the place of a secret: terminals and old log viewers can print it.
HIDDEN: Final = "***"
_LONGEST: Final = 1000
_PEM: Final = "-----BEGIN "

# Stricter than a setting's rule: in a message no URL needs its user or its query. A remote's answer may be
# long: none of these looks from many beginnings at one and the same end.
_USER_INFO = re.compile(r"://[^/\s'\"]*@")
_QUERY = re.compile(r"(?P<url>://(?:(?!://)[^\s'\"?])*)\?[^\s'\"]*")
# Unlike in a file, a sentence goes on after a secret of one word; not after what quotes or brackets open.
_VALUE = re.compile(
    r"(?:(?:basic|bearer|token|digest|negotiate|ntlm|apikey|\S*[:=])\s{1,9})*(?:(?![bru]{0,2}[\"'`]|[\[{(])\S+|.*)",
    re.IGNORECASE | re.DOTALL,
)
# Colours and cursor moves of a remote's progress, and every other control character but the line feed.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x09\x0b-\x1f\x7f]")


def mask_message(text: str) -> str:
    """Return what a program said without secrets, and otherwise whole."""
    lines = text.split("\n")
    private = pem_lines(lines)
    shown: list[str] = []
    is_open = False
    for at, line in enumerate(lines):
        if at in private:
            head, begins, _ = line.partition(_PEM)
            shown.append(f"{_mask_line(head, goes_on=is_open)[0]}{HIDDEN}" if begins else HIDDEN)
            is_open = False
            continue
        masked, is_open = _mask_line(line, goes_on=is_open)
        shown.append(masked)
    return "\n".join(shown)


def redact(text: str) -> str:
    """Return what git or a remote said, short and without secrets: fit for an error text."""
    text = mask_message(_printable(text)).strip()
    # Git gives its reason in its last lines.
    return text if len(text) <= _LONGEST else f"… {text[-_LONGEST:]}"


def redact_lines(text: str) -> str:
    """Return a text for the log without secrets: all its lines with their indents, each of them short."""
    lines = mask_message(_printable(text).rstrip()).split("\n")
    return "\n".join(line if len(line) <= _LONGEST else f"… {line[-_LONGEST:]}" for line in lines)


def _printable(text: str) -> str:
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _mask_line(line: str, *, goes_on: bool = False) -> tuple[str, bool]:
    """Mask one line; True: its end is a secret's key, and the value begins in the next line (`goes_on`)."""
    start = len(line) - len(line.lstrip())
    if goes_on:
        if start == len(line):
            return line, True
        line = f"{line[:start]}{HIDDEN}{line[_word_end(line, start) :]}"
    line = _QUERY.sub(rf"\g<url>?{HIDDEN}", _USER_INFO.sub(f"://{HIDDEN}@", line))
    if "<" in line:
        line = mask_markup(line).replace(MASK, HIDDEN)
    is_open = False

    def masked(line: str, at: Assigned) -> tuple[str, int]:
        nonlocal is_open
        is_open = at.value == len(line)
        if quoted := QUOTED.match(line, at.value):
            return quoted[0][0] + HIDDEN + quoted[0][-1], quoted.end()
        return ("" if is_open else HIDDEN), _word_end(line, at.value)

    return mask_values(mask_assigned(line, masked, mask=HIDDEN), HIDDEN), is_open


def _word_end(line: str, start: int) -> int:
    value = _VALUE.match(line, start)
    return value.end() if value else start
