import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from services.reports.changed_settings import value_json
from services.reports.document import ChangedItem, ReviewDocument

# A spreadsheet evaluates a cell that begins so (OWASP, "CSV Injection"), also in full width.
_FORMULA_STARTS: Final = frozenset("=+-@\t\r\n|\uff1d\uff0b\uff0d\uff20")

CHANGES: Final = (
    "position",
    "change",
    "kind",
    "path",
    "previous_path",
    "setting",
    "setting_change",
    "before",
    "after",
    "commits",
    "authors",
)
FINDINGS: Final = ("position", "severity", "code", "title", "advice", "item")
INVENTORY: Final = ("position", "kind", "items", "conforming", "drifted", "missing", "extra")


def changes_csv(changes: Iterable[ChangedItem]) -> Iterator[bytes]:
    """Yield a row per changed setting, and one for a changed item without any; values are JSON."""
    return _csv(CHANGES, (row for change in changes for row in _change_rows(change)))


def findings_csv(document: ReviewDocument) -> Iterator[bytes]:
    """Yield a row per item of a finding, and one for a finding without any."""
    rows = (
        (
            place,
            finding.get("severity"),
            finding.get("code"),
            finding.get("title"),
            finding.get("advice"),
            item,
        )
        for place, finding in enumerate(document.findings)
        for item in finding.get("items") or [None]
    )
    return _csv(FINDINGS, rows)


def inventory_csv(document: ReviewDocument) -> Iterator[bytes]:
    """Yield a row per kind, with its conformance if the environment has a baseline."""
    conformance = {row["kind"]: row for row in document.section("baseline").get("by_kind") or []}
    items = {row["kind"]: row["items"] for row in document.listed("inventory")}
    kinds = [*items, *(kind for kind in conformance if kind not in items)]
    rows = (
        (place, kind, items.get(kind, 0), *(conformance.get(kind, {}).get(name) for name in INVENTORY[3:]))
        for place, kind in enumerate(kinds)
    )
    return _csv(INVENTORY, rows)


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Yield RFC 4180 in UTF-8 behind a byte order mark, by which spreadsheets recognise the encoding."""
    yield codecs.BOM_UTF8 + _line(header)
    for row in rows:
        yield _line(row)


def _line(row: Sequence[Any]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([_cell(value) for value in row])
    return buffer.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: Any) -> str:
    """Return a cell; a text that a spreadsheet would take for a formula begins with an apostrophe."""
    if value is None:
        return ""
    text = str(value)
    is_formula = isinstance(value, str) and not _FORMULA_STARTS.isdisjoint(text.lstrip(" ")[:1])
    return f"'{text}" if is_formula else text


def _change_rows(change: ChangedItem) -> Iterator[tuple[Any, ...]]:
    what = (change.position, change.change, change.kind, change.path, change.previous_path)
    who = (
        " ".join(str(commit.get("id")) for commit in change.commits),
        "; ".join(dict.fromkeys(str(commit.get("author")) for commit in change.commits)),
    )
    for setting in change.settings or [{}]:
        sides = (value_json(setting, "before"), value_json(setting, "after"))
        yield (*what, setting.get("path"), setting.get("change"), *sides, *who)


AUDIT: Final = (
    "id", "workspace_id", "position", "at", "act", "subject", "subject_id", "detail", "actor_kind",
    "actor_name", "request_id", "address", "hash",
)  # fmt: skip


def audit_csv(entries: Iterable[object]) -> Iterator[bytes]:
    """Yield a row per entry of the audit (its shape as the API gives it)."""
    return _csv(AUDIT, ([getattr(entry, name) for name in AUDIT] for entry in entries))
