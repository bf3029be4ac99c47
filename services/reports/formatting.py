from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from services.reports.blocks import Fact, Style, Table
from services.reports.document import Change
from services.text import NONE, moment, number

MARKS: Final = {"added": "+", "removed": "\N{MINUS SIGN}", "renamed": "→", "changed": "~"}


def written(value: Any, style: Style, absent: str = NONE) -> str:
    """Write a value as people read it; `absent` for None."""
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


def written_fact(fact: Fact) -> str:
    """Write the value of a fact."""
    return written(fact.value, fact.style, fact.absent)


def written_rows(table: Table) -> Sequence[Sequence[str]]:
    """Write the cells of a table, row by row, in the order of its columns."""
    return [[written(row.get(column.key), column.style) for column in table.columns] for row in table.rows]


def written_commits(change: Change) -> Sequence[str]:
    """Write who changed an item: one line per commit."""
    return [
        " · ".join(
            (
                str(commit.get("id"))[:12],
                str(commit.get("author")),
                written(commit.get("at"), Style.MOMENT),
                str(commit.get("subject")),
            )
        )
        for commit in change.commits
    ]
