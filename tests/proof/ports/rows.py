"""Rows as values, and which of them a statement's joins and conditions find."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from tests.proof.ports.expressions import holds

Key = tuple[str, str]


class Row:
    """One version of a row, by column; `row` makes it."""

    def __init__(self, table: str, values: Mapping[str, Any]) -> None:
        self.table = table
        self.values = values
        self.key: Key = (table, str(values["id"]))
        # The same for the mapped class, once somebody has read it.
        self.attributes: dict[str, Any] | None = None

    def __getitem__(self, column: str) -> Any:
        return self.values[column]


_KNOWN: dict[str, Row] = {}


def row(table: str, values: Mapping[str, Any]) -> Row:
    """Return a version of a row: for equal values the same object."""
    name = json.dumps([table, values], default=str, sort_keys=True)
    return _KNOWN.setdefault(name, Row(table, values))


class Tables:
    """What a transaction sees: what is committed, under what it has written itself."""

    def __init__(self, *layers: Sequence[Row]) -> None:
        self._rows = {row.key: row for layer in layers for row in layer}

    def of(self, table: str) -> list[Row]:
        """Return a table's rows."""
        return [row for row in self._rows.values() if row.table == table]

    def found(self, statement: Any, froms: Sequence[str]) -> Iterator[tuple[Row, ...]]:
        """Return the combinations of rows for which a statement's joins and conditions hold."""
        joins = [on for _, on, *_ in getattr(statement, "_setup_joins", ())]
        for rows in product(*map(self.of, froms)):
            values = {row.table: row.values for row in rows}
            if all(holds(condition, values) for condition in (*joins, statement.whereclause)):
                yield rows
