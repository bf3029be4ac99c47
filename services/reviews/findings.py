from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from models.base import Json
from models.lifecycle import Outcome
from services.inventory.inventory import Inventory, Note
from services.masking.token_forms import mask_name
from services.repositories.paths import shown
from services.reviews.conformance import Conformance

UNSUCCESSFUL: Final = (Outcome.FAILED, Outcome.BLOCKED, Outcome.ATTENTION_REQUIRED)

# The closed list of codes, with the advice for each.
ADVICE: Final = {
    "item_unparsed": "Mend these files in the repository; as they are, nothing can apply them.",
    "item_oversized": "Look whether such large files belong to the configuration.",
    "item_not_a_file": "Look at what they lead to; a review and a restore treat them as they are.",
    "unsafe_path": "Rename these files in the repository. No restore writes them, and Git refuses to check"
    " them out.",
    "item_utf16": "Nothing; they are read as they are. Tools that expect UTF-8 may not.",
    "baseline_not_set": "Set a baseline reference for the environment to see how it conforms.",
    "baseline_missing": "Put the missing items back, or take them out of the baseline.",
    "baseline_drifted": "Compare each with the baseline: restore it, or move the baseline.",
    "baseline_extra": "Decide whether they are wanted; if so, take them into the baseline.",
    "no_published_review": "Publish this review; the next one shows what changed since.",
    "previous_state_gone": "Publish this review, so that the next one can be compared again.",
    "restore_point_missing": "Pin a restore point, so that there is a state to go back to.",
    "operations_failed": "Read the runs that did not end well, and settle what stopped them.",
}


class Severity(StrEnum):
    """How urgent a finding is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Comparison(StrEnum):
    """Whether a review could be compared with the previous one, and if not, why."""

    MADE = "made"
    FIRST_REVIEW = "first_review"
    PREVIOUS_GONE = "previous_gone"


def find(
    inventory: Inventory,
    conformance: Conformance | None,
    *,
    comparison: Comparison,
    has_restore_point: bool,
    by_outcome: Mapping[str, int],
) -> list[Json]:
    """Return the findings of a review, the most severe first, each with the items it is about."""
    found = [
        *_about_items(inventory),
        *_about_baseline(conformance),
        *_about_comparison(comparison),
        *_about_operations(by_outcome, has_restore_point=has_restore_point),
    ]
    order = [*Severity]
    return sorted(found, key=lambda finding: -order.index(Severity(finding["severity"])))


def _about_items(inventory: Inventory) -> Iterable[Json]:
    unparsed, oversized, utf16, links, unsafe = (inventory.paths[note] for note in Note)
    if unsafe:
        title = f"{_files(unsafe)} with a path that leads into a .git folder or out of the repository."
        yield _finding("unsafe_path", Severity.CRITICAL, title, unsafe)
    if unparsed:
        title = f"{_files(unparsed)} that cannot be read as configuration."
        yield _finding("item_unparsed", Severity.WARNING, title, unparsed)
    if oversized:
        yield _finding(
            "item_oversized", Severity.WARNING, f"{_files(oversized)} too large to read.", oversized
        )
    if links:
        title = f"{len(links)} links or submodules, not read."
        yield _finding("item_not_a_file", Severity.INFO, title, links)
    if utf16:
        yield _finding("item_utf16", Severity.INFO, f"{_files(utf16)} saved as UTF-16.", utf16)


def _about_baseline(conformance: Conformance | None) -> Iterable[Json]:
    if conformance is None:
        yield _finding("baseline_not_set", Severity.INFO, "No baseline is set for this environment.")
        return
    if conformance.missing:
        yield _finding(
            "baseline_missing",
            Severity.CRITICAL,
            f"{_files(conformance.missing)} of the baseline missing here.",
            conformance.missing,
        )
    if conformance.drifted:
        yield _finding(
            "baseline_drifted",
            Severity.WARNING,
            f"{_files(conformance.drifted)} that differ from the baseline.",
            conformance.drifted,
        )
    if conformance.extra:
        yield _finding(
            "baseline_extra",
            Severity.INFO,
            f"{_files(conformance.extra)} that the baseline does not have.",
            conformance.extra,
        )


def _about_comparison(comparison: Comparison) -> Iterable[Json]:
    if comparison is Comparison.FIRST_REVIEW:
        title = "No review was published before, so no changes are shown."
        yield _finding("no_published_review", Severity.INFO, title)
    if comparison is Comparison.PREVIOUS_GONE:
        title = "The repository no longer has the state of the review before, so no changes are shown."
        yield _finding("previous_state_gone", Severity.WARNING, title)


def _about_operations(by_outcome: Mapping[str, int], *, has_restore_point: bool) -> Iterable[Json]:
    if not has_restore_point:
        yield _finding("restore_point_missing", Severity.WARNING, "No restore point is pinned.")
    unwell = sum(by_outcome.get(outcome, 0) for outcome in UNSUCCESSFUL)
    if unwell:
        many = "operation" if unwell == 1 else "operations"
        title = f"{unwell} {many} of the period did not end well."
        yield _finding("operations_failed", Severity.WARNING, title)


def _finding(code: str, severity: Severity, title: str, items: Iterable[str] = ()) -> Json:
    return {
        "code": code,
        "severity": severity,
        "title": title,
        "items": [mask_name(shown(path)) for path in items],
        "advice": ADVICE[code],
    }


def _files(paths: Iterable[str]) -> str:
    count = len(list(paths))
    return f"{count} file" if count == 1 else f"{count} files"


@dataclass(frozen=True, kw_only=True)
class FindingChange:
    """One finding that differs between two reviews, in the words of the later one that has it.

    `came` and `went` are the items that only the later or only the earlier review's finding has.
    """

    finding: Json
    came: Sequence[str]
    went: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class FindingChanges:
    """How the findings of two reviews differ, matched by their codes."""

    appeared: Sequence[FindingChange]
    gone: Sequence[FindingChange]
    other_items: Sequence[FindingChange]
    unchanged: int


def compare_findings(before: Sequence[Json], after: Sequence[Json]) -> FindingChanges:
    """Compare the findings of two reviews; each list keeps the order of its review."""
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
    """Return a finding's items in their order, with quick lookup."""
    return dict.fromkeys(finding["items"]) if finding else {}
