import re
from collections.abc import Iterable, Iterator, Sequence

from services.masking.keys import MASK, is_secret_key
from services.masking.rules import Rule, all_rules, ascii_of

_ASSIGNED = re.compile(r"(?P<key>[\w. -]{1,100})=(?P<value>[^/=]{1,256})")


def mask_values(text: str, mask: str = MASK) -> str:
    """Mask what is a secret by its form: what one of the rules finds, in each line by itself."""
    return mask_by(all_rules().look(ascii_of(text))[0], text, mask)


def mask_by(rules: Sequence[Rule], text: str, mask: str = MASK) -> str:
    """Mask what some of the rules find in a text, in each line by itself."""
    if not rules:
        return text
    if "\n" in text:
        return "\n".join(mask_values(line, mask) for line in text.split("\n"))
    folded = ascii_of(text)
    shown, position = [], 0
    for start, end in _merged(span for rule in rules for span in rule.spans(folded)):
        shown += [text[position:start], mask]
        position = end
    return "".join([*shown, text[position:]]) if position else text


def looks_like_token(text: str) -> bool:
    """Return whether a text holds a secret that is known by its form."""
    return mask_by(_of_form(text), text) != text


def mask_name(name: str) -> str:
    """Mask what is a secret by its form in a name that a file, a folder or a person has, or after `=`."""
    rules = _of_form(name)
    return _ASSIGNED.sub(_masked, mask_by(rules, name)) if rules or "=" in name else name


def _of_form(text: str) -> list[Rule]:
    return [rule for rule in all_rules().look(ascii_of(text))[0] if rule.is_of_form]


def _masked(found: re.Match[str]) -> str:
    return f"{found['key']}={MASK}" if is_secret_key(found["key"]) else found[0]


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield spans in order, those that overlap or touch as one."""
    start, end = -1, -1
    for next_start, next_end in sorted(spans):
        if next_start > end >= 0:
            yield start, end
        start, end = (next_start, next_end) if next_start > end else (start, max(end, next_end))
    if end >= 0:
        yield start, end
