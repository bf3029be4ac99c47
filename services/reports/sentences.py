"""The sentences of a report."""

from datetime import datetime

from models.base import Json
from services.reports.charts import severities
from services.reports.document import ReviewDocument
from services.text import counted, day, number


def headline(document: ReviewDocument) -> str:
    """Return three sentences about changes, conformance and findings."""
    return " ".join((_changed(document), _conforms(document), _found(document)))


def comparison(document: ReviewDocument) -> str:
    """Return a sentence about what the review is compared with."""
    if document.previous_review_id is None:
        return "There was no published review to compare with; changes are told from the next review on."
    if not is_compared(document):
        return "The repository no longer has the state of the review before, so changes cannot be told."
    return f"Compared with {_before(document)}."


def is_compared(document: ReviewDocument) -> bool:
    """Return whether the review could be compared with a previous one."""
    gone = any(finding.get("code") == "previous_state_gone" for finding in document.findings)
    return document.previous_review_id is not None and not gone


def restorable(document: ReviewDocument) -> str:
    """Return a sentence about the newest restore point."""
    restore = document.section("restore")
    point = restore.get("newest_point")
    if not restore:
        return "Restore readiness was not recorded with this review."
    if not point:
        return "No restore point is pinned."
    coverage, pinned = restore.get("coverage"), when(point.get("created_at"))
    share = "" if coverage is None else f", covers {number(100 * coverage)}% of the items"
    return f"The newest restore point, “{point.get('label')}”{f' of {day(pinned)}' if pinned else ''}{share}."


def operated(document: ReviewDocument) -> str:
    """Return a sentence about the environment's operations."""
    operations = document.section("operations")
    since = when(operations.get("since"))
    if since is None:
        return "How operations went was not recorded with this review."
    count = int(operations.get("runs") or 0)
    runs = counted(count, "other operation") if count else "No other operations"
    outcomes = outcomes_of(document)
    ended = (
        ": " + ", ".join(f"{number(row['runs'])} {row['outcome']}" for row in outcomes) if outcomes else ""
    )
    return f"{runs} since {day(since)}{ended}."


def outcomes_of(document: ReviewDocument) -> list[Json]:
    """Return the operations of the period by outcome, as rows of `outcome` and `runs`."""
    outcomes = document.section("operations").get("by_outcome") or {}
    return [{"outcome": name.replace("_", " "), "runs": count} for name, count in sorted(outcomes.items())]


def when(given: str | None) -> datetime | None:
    """Parse an RFC 3339 moment of a review; None for None or an empty text."""
    return datetime.fromisoformat(given) if given else None


def _before(document: ReviewDocument) -> str:
    before = str(document.previous_review_id)
    at = next(
        (row.get("composed_at") for row in document.listed("history") if row.get("review_id") == before), None
    )
    since = when(at)
    return f"the review of {day(since)}" if since else "the published review before"


def _changed(document: ReviewDocument) -> str:
    if not is_compared(document):
        return comparison(document)
    count = document.changed_items
    changed = counted(count, "item") if count else "Nothing"
    return f"{changed} changed since {_before(document)}."


def _conforms(document: ReviewDocument) -> str:
    baseline = document.section("baseline")
    if not baseline.get("set"):
        return "No baseline is set, so conformance cannot be told."
    same, drifted, missing = (int(baseline.get(name) or 0) for name in ("conforming", "drifted", "missing"))
    expected = counted(same + drifted + missing, "item")
    if not drifted + missing:
        return f"All {expected} of the baseline are here unchanged."
    return f"{number(same)} of the baseline\N{RIGHT SINGLE QUOTATION MARK}s {expected} are here unchanged."


def _found(document: ReviewDocument) -> str:
    critical, warning, _ = severities(document).items()
    words = {"critical": "critical finding", "warning": "warning"}
    grave = [counted(count, words[name]) for name, count in (critical, warning) if count]
    if not grave:
        return "Nothing that was found needs attention."
    verb = "needs" if critical[1] + warning[1] == 1 else "need"
    return f"{' and '.join(grave)} {verb} attention."
