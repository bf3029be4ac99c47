import bisect
import difflib
import functools
import operator
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from services.configuration.documents import frozen, same

# What names an object in its list, the surest first. `id` comes after the settings' own names, because
# exports number the items of a list by it.
IDENTITIES: tuple[tuple[str, ...], ...] = (
    ("settingInstance.settingDefinitionId",),
    ("settingDefinitionId",),
    ("omaUri",),
    ("kind", "metadata.name"),
    ("kind", "metadata.namespace", "metadata.name"),
    ("apiVersion", "kind", "metadata.namespace", "metadata.name"),
    ("metadata.name",),
    ("id",),
    ("uid",),
    ("@odata.id",),
    ("key",),
    ("name",),
    ("displayName",),
    ("ruleName",),
    ("containerPort", "protocol"),
    ("containerPort",),
    ("mountPath",),
    ("path",),
    ("host",),
    ("port",),
)
_NAMES = frozenset({str, int})
# Past what two lists begin and end with in common, so many items are matched by what they hold.
MOST_MATCHED = 100_000
# Gaps between equal items up to this many pairs are searched for more equal ones.
_SEARCHED_PAIRS = 10_000


# Two items that belong together, by their indexes before and after; None on the side that has no such item.
Pair = tuple[int | None, int | None]


class Matching(NamedTuple):
    """Which items of two lists belong together, in the order of the list before, then the added ones.

    `identity` is the keys they were matched by, empty where they were matched by what they hold. Equal items
    matched by what they hold are left out.
    """

    identity: tuple[str, ...]
    pairs: list[Pair]


Names = dict[tuple[str | int, ...], int]


def match_lists(before: Sequence[Any], after: Sequence[Any]) -> Matching | None:
    """Match two lists' items: objects by identity where they have one, else by what they hold, in order.

    An identity serves if every item has it, no two of a list share it, and some item of both lists does
    (unless a list is empty). Near-linear: in long lists equal items that are unique are anchors, and only
    small gaps between them are searched further; what is left of a gap is paired in order. None: more than
    100,000 items would have to be matched by what they hold.
    """
    for identity in IDENTITIES if _are_objects(before) and _are_objects(after) else ():
        names_before = _names(before, identity)
        names_after = _names(after, identity) if names_before is not None else None
        if names_before is None or names_after is None:
            continue
        if not before or not after or not names_before.keys().isdisjoint(names_after):
            return Matching(identity, _by_name(names_before, names_after))
    head, tail = _common(before, after, same)
    before, after = before[head : len(before) - tail], after[head : len(after) - tail]
    if len(before) + len(after) > MOST_MATCHED:
        return None
    return Matching((), list(_by_content([*map(frozen, before)], [*map(frozen, after)], head)))


def name_of(item: Any, identity: Sequence[str]) -> tuple[str | int, ...] | None:
    """Return what an item's identity keys hold; None where one of them is not there or not a name."""
    found = tuple(_column([item], dotted)[0] for dotted in identity)
    return found if _are_names(found) else None


def _are_objects(items: Sequence[Any]) -> bool:
    return set(map(type, items)) <= {dict}


def _names(items: Sequence[Any], identity: Sequence[str]) -> Names | None:
    columns = [_column(items, dotted) for dotted in identity]
    if not all(map(_are_names, columns)):
        return None
    names = dict(zip(zip(*columns, strict=True), range(len(items)), strict=False))
    return names if len(names) == len(items) else None


def _column(items: Sequence[Any], dotted: str) -> list[Any]:
    """Return what each item has under a key, None where it has nothing."""
    first, *rest = _keys(dotted)
    values = [item.get(first) for item in items]
    for key in rest:
        values = [value.get(key) if isinstance(value, dict) else None for value in values]
    return values


@functools.cache
def _keys(dotted: str) -> tuple[str, ...]:
    return (dotted,) if dotted.startswith("@") else tuple(dotted.split("."))


def _are_names(values: Iterable[Any]) -> bool:
    return _NAMES.issuperset(map(type, values))


def _by_name(before: Names, after: Names) -> list[Pair]:
    if before == after:
        return [*zip(before.values(), after.values(), strict=True)]
    kept: list[Pair] = [*zip(before.values(), map(after.get, before), strict=False)]
    return kept + [(None, index) for name, index in after.items() if name not in before]


def _by_content(before: Sequence[Hashable], after: Sequence[Hashable], head: int) -> Iterator[Pair]:
    """Give what is not equal, pair by pair, counted from `head`; long lists are cut at anchors first."""
    is_short = len(before) * len(after) <= _SEARCHED_PAIRS
    start, other_start = 0, 0
    for index, other in [*([] if is_short else _anchors(before, after)), (len(before), len(after))]:
        yield from _gap(before[start:index], after[other_start:other], head + start, head + other_start)
        start, other_start = index + 1, other + 1


def _anchors(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return the longest run, in the order of both, of equal items that either list holds once (patience)."""
    counts, counts_after = Counter(before), Counter(after)
    at = {item: index for index, item in enumerate(after)}
    unique = [
        (index, at[item]) for index, item in enumerate(before) if counts[item] == 1 == counts_after[item]
    ]
    ends: list[int] = []  # of the runs of each length, the one that ends earliest in `after`
    last: list[int] = []  # where in `unique` each of these runs ends
    previous: list[int] = []
    for position, (_, other) in enumerate(unique):
        length = bisect.bisect_left(ends, other)
        ends[length : length + 1] = [other]
        last[length : length + 1] = [position]
        previous.append(last[length - 1] if length else -1)
    run = []
    position = last[-1] if last else -1
    while position >= 0:
        run.append(unique[position])
        position = previous[position]
    return run[::-1]


def _gap(
    before: Sequence[Hashable], after: Sequence[Hashable], start: int, other_start: int
) -> Iterator[Pair]:
    head, tail = _common(before, after, operator.eq)
    before, after = before[head : len(before) - tail], after[head : len(after) - tail]
    start, other_start = start + head, other_start + head
    if len(before) * len(after) <= _SEARCHED_PAIRS:
        blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    else:
        blocks = [("replace", 0, len(before), 0, len(after))]
    for word, low, high, other_low, other_high in blocks:
        if word != "equal":
            indexes = range(start + low, start + high)
            yield from zip_longest(indexes, range(other_start + other_low, other_start + other_high))


def _common(
    before: Sequence[Any], after: Sequence[Any], are_equal: Callable[[Any, Any], bool]
) -> tuple[int, int]:
    """Return how many items the two begin with in common, and how many of the others they end with."""
    most = min(len(before), len(after))
    head = next((at for at in range(most) if not are_equal(before[at], after[at])), most)
    most -= head
    tail = next((at for at in range(most) if not are_equal(before[-1 - at], after[-1 - at])), most)
    return head, tail
