from collections.abc import Iterable, Iterator, Sequence

from services.masking.keys import MASK
from services.masking.rules import Rule, all_rules, ascii_of


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
    """Return whether a text holds a secret that one of the rules finds."""
    return mask_values(text) != text


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield spans in order, those that overlap or touch as one."""
    found = sorted(spans)
    while found:
        start, end = found.pop(0)
        while found and found[0][0] <= end:
            end = max(end, found.pop(0)[1])
        yield start, end
