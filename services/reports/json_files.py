import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from models.base import Json
from services.reports.blocks import (
    Block,
    ChangeList,
    Charts,
    FactList,
    Figures,
    Findings,
    Report,
    Section,
    Table,
    Words,
)
from services.reports.document import ChangedItem, ReviewDocument


def report_json(report: Report, changes: Iterable[ChangedItem]) -> Iterator[bytes]:
    """Yield a report as JSON: its sections and their blocks by key, and the changes, if it has any, last."""
    head = {
        "profile": report.profile,
        "title": report.title,
        "headline": report.headline,
        "review": _facts(report.identity),
        "sections": {section.key: _section(section) for section in report.sections},
    }
    opening = dumped(head)[:-1]
    listed = next(
        (block for each in report.sections for block in each.blocks if isinstance(block, ChangeList)), None
    )
    if listed is None:
        yield f"{opening}}}\n".encode()
        return
    yield f'{opening},"changes":['.encode()
    for place, change in enumerate(changes):
        line = dumped(change_json(change, with_settings=listed.with_settings))
        yield f"{',' if place else ''}\n{line}".encode()
    yield b"\n]}\n"


def review_json(document: ReviewDocument) -> bytes:
    """Return everything that was composed except the changes, which may be many."""
    text = json.dumps(asdict(document), indent=2, sort_keys=True, ensure_ascii=False, default=_plain)
    return f"{text}\n".encode()


def changes_jsonl(changes: Iterable[ChangedItem]) -> Iterator[bytes]:
    """Yield one change a line."""
    for change in changes:
        yield f"{dumped(change_json(change, with_settings=True))}\n".encode()


def change_json(change: ChangedItem, *, with_settings: bool) -> Json:
    """Return a change as JSON has it."""
    values = {name: getattr(change, name) for name in ChangedItem.__dataclass_fields__}
    if not with_settings:
        values["settings_changed"] = len(values.pop("settings"))
    return values


def dumped(value: Any) -> str:
    """Return a value as compact JSON, its keys in the order they were given."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_plain)


def _section(section: Section) -> Json:
    blocks = {block.key: _block(block) for block in section.blocks if not isinstance(block, ChangeList)}
    return {"title": section.title, **({"intro": section.intro} if section.intro else {}), **blocks}


def _block(block: Block) -> Any:
    match block:
        case FactList() | Figures():
            return _facts(block)
        case Table():
            return _rows(block)
        case Charts():
            return _charts(block)
        case Findings():
            return {"listed": block.findings, "left_out": block.left_out}
        case Words():
            return block.text
        case _:
            raise AssertionError(block)


def _charts(block: Charts) -> Json:
    charts: Json = {
        chart.key: {"title": chart.title, "description": chart.description, "rows": _rows(chart.table)}
        for chart in block.charts
    }
    return charts | ({"aside": list(block.aside.sentences)} if block.aside else {})


def _facts(block: FactList | Figures) -> Json:
    return {fact.key: fact.value for fact in block.facts}


def _rows(table: Table) -> list[Json]:
    return [{column.key: row.get(column.key) for column in table.columns} for row in table.rows]


def _plain(value: Any) -> str:
    """Return what JSON has no type for: moments as RFC 3339, ids as their text."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
