import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, timedelta
from itertools import islice, zip_longest
from pathlib import Path
from typing import Final

from models.base import Json
from services.reports.blocks import (
    Block,
    ChangeList,
    Chart,
    Charts,
    FactList,
    Figures,
    Findings,
    Report,
    Style,
    Table,
    Words,
)
from services.reports.changed_settings import count_line, noise_line
from services.reports.document import ChangedItem
from services.reports.formatting import MARKS, format_commits, format_fact, format_rows
from services.reports.printed_settings import print_settings
from services.reviews.findings import Severity
from services.text import breakable, kind_name, number, printable, words_of_kind

# A PDF is laid out in memory as a whole; past these limits it says how many more follow, and where.
CHANGES_PRINTED: Final = 1000
FINDINGS_PRINTED: Final = 100
# A finding for information lists fewer, so that it does not bury those that need attention.
ITEMS_PRINTED: Final = 60
INFO_ITEMS_PRINTED: Final = 10
ROWS_PRINTED: Final = 400

_TYPESETTING: Final = Path(__file__).with_name("typesetting.py")

# The longest reports take seconds.
TYPESETTING_LIMIT: Final = timedelta(minutes=2)

# One at a time, so that memory does not grow with the number of concurrent requests.
_typesetting = threading.Lock()


def report_pdf(report: Report, changes: Iterable[ChangedItem]) -> bytes:
    """Return a report as a tagged PDF (PDF/UA-1), with the fonts inside the compiler and no clock.

    The review goes in as data, never as markup. Raises subprocess.SubprocessError where the compiler fails.
    """
    given = json.dumps(_report(report, changes), ensure_ascii=False).encode()
    with _typesetting:
        # Isolated, so that modules beside the script do not shadow the standard library's.
        done = subprocess.run(
            [sys.executable, "-I", str(_TYPESETTING)],
            input=given,
            stdout=subprocess.PIPE,
            check=True,
            timeout=TYPESETTING_LIMIT.total_seconds(),
        )
    return done.stdout


def _report(report: Report, changes: Iterable[ChangedItem]) -> Json:
    composed_at = report.identity.facts[2].value.astimezone(UTC)
    return {
        "profile": report.profile.value,
        "title": _text(report.title),
        "headline": _text(report.headline),
        "composed": format_fact(report.identity.facts[2]),
        "date": {
            name: getattr(composed_at, name) for name in ("year", "month", "day", "hour", "minute", "second")
        },
        "identity": _block(report.identity, ()),
        "sections": [
            {
                "title": section.title,
                "is_quiet": section.key == "summary",
                "intro": _text(section.intro),
                "blocks": [_block(block, changes) for block in section.blocks],
            }
            for section in report.sections
        ],
    }


def _block(block: Block, changes: Iterable[ChangedItem]) -> Json:
    match block:
        case FactList() | Figures():
            content: Json = {"facts": [_fact(block, place) for place in range(len(block.facts))]}
        case Table():
            content = _table(block)
        case Charts():
            content = {
                "with_tables": block.with_tables,
                "charts": [_chart(chart) for chart in block.charts],
                "aside": block.aside
                and {
                    "title": block.aside.title,
                    "sentences": [_text(each) for each in block.aside.sentences],
                },
            }
        case Findings():
            content = {
                "findings": [_finding(finding, block) for finding in block.findings[:FINDINGS_PRINTED]],
                "left_out": block.left_out + max(len(block.findings) - FINDINGS_PRINTED, 0),
            }
        case ChangeList():
            content = _changes(block, changes)
        case Words():
            content = {"text": _text(block.text)}
    return {"type": block.type, **content}


def _fact(block: FactList | Figures, place: int) -> Json:
    fact = block.facts[place]
    value = _cell(format_fact(fact), fact.style)
    return {"label": fact.label, "value": value, "style": fact.style.value, "note": _text(fact.note)}


def _table(table: Table) -> Json:
    rows = format_rows(table)
    styles = [column.style for column in table.columns]
    return {
        "caption": _text(table.caption),
        "columns": [
            {"label": column.label, "style": column.style.value, "is_wide": column.is_wide}
            for column in table.columns
        ],
        "rows": [
            [_cell(cell, style) for cell, style in zip(row, styles, strict=True)]
            for row in rows[:ROWS_PRINTED]
        ],
        "more": _more(len(rows) - ROWS_PRINTED, "in the HTML report and in the data"),
        "empty": table.empty,
    }


def _chart(chart: Chart) -> Json:
    return {
        "title": chart.title,
        "description": printable(chart.description),
        "svg": chart.svg and printable(chart.svg),
        "table": _table(chart.table),
    }


def _finding(finding: Json, block: Findings) -> Json:
    paths = finding.get("items") or [] if block.with_items else []
    printed = INFO_ITEMS_PRINTED if finding.get("severity") == Severity.INFO else ITEMS_PRINTED
    return {
        "severity": _text(finding.get("severity")),
        "title": _text(finding.get("title") or ""),
        "advice": _text(finding.get("advice") or ""),
        "items": [_cell(path, Style.PATH) for path in paths[:printed]],
        "more": _more(len(paths) - printed, "in findings.csv"),
    }


def _changes(block: ChangeList, changes: Iterable[ChangedItem]) -> Json:
    printed = [*islice(changes, CHANGES_PRINTED)]
    settings = print_settings(printed if block.with_settings else ())
    rows = zip_longest(printed, settings.items, settings.more)
    cut = f"Values are cut to {settings.length} characters here; changes.csv has them whole."
    return {
        "note": cut if settings.are_cut else "",
        "changes": [_change(change, block, mine or (), more or 0) for change, mine, more in rows],
        "more": _more(block.total - CHANGES_PRINTED, "in the HTML report and in changes.csv"),
        "empty": block.empty,
    }


def _change(change: ChangedItem, block: ChangeList, settings: Sequence[Json], more: int) -> Json:
    return {
        "mark": MARKS.get(change.change, "·"),
        "change": change.change,
        "path": _cell(change.path, Style.PATH),
        "kind": breakable(words_of_kind(printable(kind_name(change.kind)))),
        "previous_path": change.previous_path and _cell(change.previous_path, Style.PATH),
        "settings": settings,
        "more": _more(more, "in changes.csv"),
        "note": noise_line(change) if block.with_settings else count_line(change),
        "commits": [_text(commit) for commit in format_commits(change)],
    }


def _cell(text: str, style: Style) -> str:
    """Return a value ready for its place; a hash has room, and is not broken so that it can be copied."""
    return printable(text) if style is Style.HASH else _text(text)


def _text(text: object) -> str:
    return breakable(printable(str(text)))


def _more(count: int, where: str) -> str:
    return f"and {number(count)} more, {where}" if count > 0 else ""
