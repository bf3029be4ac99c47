from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from services.reports.blocks import Fact, Style, Table
from services.reports.document import ChangedItem
from services.text import NONE, moment, number

MARKS: Final = {"added": "+", "removed": "\N{MINUS SIGN}", "renamed": "→", "changed": "~"}


def format_value(value: Any, style: Style, absent: str = NONE) -> str:
    """Return a value as people read it; `absent` for None."""
    if value is None:
        return absent
    match style:
        case Style.NUMBER:
            return number(value)
        case Style.PERCENT:
            return f"{number(value)}%"
        case Style.MOMENT:
            return moment(value if isinstance(value, datetime) else datetime.fromisoformat(str(value)))
        case _:
            return str(value)


def format_fact(fact: Fact) -> str:
    """Return a fact's value as people read it."""
    return format_value(fact.value, fact.style, fact.absent)


def format_rows(table: Table) -> Sequence[Sequence[str]]:
    """Return the cells of a table, row by row, in the order of its columns."""
    return [
        [format_value(row.get(column.key), column.style) for column in table.columns] for row in table.rows
    ]


def format_commits(change: ChangedItem) -> Sequence[str]:
    """Return who changed an item: one line per commit."""
    return [
        " · ".join(
            (
                str(commit.get("id"))[:12],
                str(commit.get("author")),
                format_value(commit.get("at"), Style.MOMENT),
                str(commit.get("subject")),
            )
        )
        for commit in change.commits
    ]
