from collections.abc import Sequence
from dataclasses import dataclass

from models.base import Json


@dataclass(frozen=True, kw_only=True)
class FindingChange:
    """One finding that two reviews do not have alike, as the later of those that have it words it.

    `came` and `went` are the items that only the later, or only the earlier review has in it.
    """

    finding: Json
    came: Sequence[str]
    went: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class FindingChanges:
    """What became of the findings between two reviews; a finding is known by its code."""

    appeared: Sequence[FindingChange]
    gone: Sequence[FindingChange]
    other_items: Sequence[FindingChange]
    unchanged: int


def compare_findings(before: Sequence[Json], after: Sequence[Json]) -> FindingChanges:
    """Compare the findings of two reviews, each in the order in which its review has them."""
    earlier = {finding["code"]: finding for finding in before}
    later = {finding["code"]: finding for finding in after}
    kept = [_change(earlier[code], finding) for code, finding in later.items() if code in earlier]
    other = [change for change in kept if change.came or change.went]
    return FindingChanges(
        appeared=[_change(None, finding) for code, finding in later.items() if code not in earlier],
        gone=[_change(finding, None) for code, finding in earlier.items() if code not in later],
        other_items=other,
        unchanged=len(kept) - len(other),
    )


def _change(before: Json | None, after: Json | None) -> FindingChange:
    had, has = _items(before), _items(after)
    return FindingChange(
        finding=after or before or {},
        came=[item for item in has if item not in had],
        went=[item for item in had if item not in has],
    )


def _items(finding: Json | None) -> dict[str, None]:
    """Return a finding's items in their order, quick to look up."""
    return dict.fromkeys(finding["items"]) if finding else {}
