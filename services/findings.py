from collections.abc import Iterable
from enum import StrEnum

from models.base import Json
from services.conformance import Conformance
from services.inventory import Inventory, Item
from services.paths import shown


class Severity(StrEnum):
    """How much a finding asks of the reader."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Comparison(StrEnum):
    """Whether changes could be told, and if not, why."""

    MADE = "made"
    FIRST_REVIEW = "first_review"
    PREVIOUS_GONE = "previous_gone"


def find(inventory: Inventory, conformance: Conformance | None, *, comparison: Comparison) -> list[Json]:
    """Return the findings of a review, the most severe first; each names the items it rests on."""
    found = [*_about_items(inventory), *_about_baseline(conformance), *_about_comparison(comparison)]
    order = [*Severity]
    return sorted(found, key=lambda finding: -order.index(Severity(finding["severity"])))


def _about_items(inventory: Inventory) -> Iterable[Json]:
    items = inventory.items
    unparsed = inventory.unparsed()
    if unparsed:
        yield _finding(
            "item_unparsed",
            Severity.WARNING,
            f"{_files(unparsed)} that cannot be read as configuration.",
            unparsed,
        )
    oversized = [path for path, item in items.items() if item.entry.is_blob and item.document is None]
    if oversized:
        yield _finding(
            "item_oversized", Severity.WARNING, f"{_files(oversized)} too large to read.", oversized
        )
    links = [path for path, item in items.items() if not item.entry.is_blob]
    if links:
        yield _finding(
            "item_not_a_file", Severity.INFO, f"{len(links)} links or submodules, not read.", links
        )
    utf16 = [path for path, item in items.items() if _encoding(item) == "utf-16"]
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


def _finding(code: str, severity: Severity, title: str, items: Iterable[str] = ()) -> Json:
    return {"code": code, "severity": severity, "title": title, "items": [shown(path) for path in items]}


def _files(paths: Iterable[str]) -> str:
    count = len(list(paths))
    return f"{count} file" if count == 1 else f"{count} files"


def _encoding(item: Item) -> str | None:
    return item.document.encoding if item.document else None
