"""The project's own statements as effects on the world's rows: row locks, transactions, unique indexes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from sqlalchemy import Insert, Select, TextClause, Update
from sqlalchemy.exc import OperationalError
from sqlalchemy.sql.selectable import FromClause

from models.base import Base
from models.operation_run import OperationRequest, OperationRun, OperationRunTransition
from services.database.write_guard import WRITER, WRITER_OPTION
from tests.proof import laws
from tests.proof.explore import Violation
from tests.proof.ports.expressions import evaluate, holds_text
from tests.proof.ports.rows import Row, Tables
from tests.proof.ports.rows import row as make_row
from tests.proof.replay import Raises, Step
from tests.proof.scene import fixed_rows
from tests.proof.world import Process, World

RUNS: Final = OperationRun.__tablename__
# Written along the way, and read by no decision.
_JOURNALS: Final = {OperationRunTransition.__tablename__, OperationRequest.__tablename__}
_VERBS: Final = {Select: "reads", Update: "updates", Insert: "inserts into", TextClause: "inserts into"}
DATABASE_LOST: Final = Raises(OperationalError, ("the connection is lost", None, Exception))


@dataclass(frozen=True)
class Statement:
    """One statement in a transaction; its answer is the rows, each a tuple by the statement's tables."""

    sql: Any
    options: Mapping[str, Any]
    parameters: Mapping[str, Any]

    @cached_property
    def froms(self) -> list[str]:
        if isinstance(self.sql, Select):
            base = [entity.__tablename__ for entity, _ in self.wanted]
            return list(dict.fromkeys([*base, *(str(target) for target, *_ in self.sql._setup_joins)]))
        if isinstance(self.sql, TextClause):
            return re.findall(r"INSERT INTO (\w+)", self.sql.text)
        return [self.sql.table.name]

    @cached_property
    def wanted(self) -> list[tuple[Any, str | None]]:
        """The entities of a row of the answer, and of each the column, or None for all of it."""
        if isinstance(self.sql, TextClause):
            return []
        columns: Sequence[Any] = getattr(self.sql, "_raw_columns", None) or self.sql._returning
        return [
            (each._annotations["parententity"].entity, None if isinstance(each, FromClause) else each.name)
            for each in columns
        ]

    @cached_property
    def is_constant(self) -> bool:
        """Whether it reads only rows that no process writes, or writes what no process reads."""
        if self.froms[0] in _JOURNALS:
            return True
        fixed = {row.table for row in fixed_rows()}
        return isinstance(self.sql, Select) and fixed >= set(self.froms)

    def constant(self) -> Sequence[Sequence[Row]]:
        """Return the answer that is the same in every state of the world."""
        return () if self.froms[0] in _JOURNALS else tuple(Tables(fixed_rows()).found(self.sql, self.froms))

    def is_quiet(self, world: World, process: Process) -> bool:
        if not world.statements:
            return process.in_transaction
        # Behind the run's lock, no other process can tell when it happens.
        return any(table == RUNS for table, _ in process.locks)

    def perform(self, world: World, process: Process) -> Sequence[Step]:
        return [
            (said, answer, after.with_process(after.process(process.slot)._replace(in_transaction=True)))
            for said, answer, after in self._steps(world, process)
        ]

    def _steps(self, world: World, process: Process) -> Sequence[Step]:
        tables = Tables(fixed_rows(), world.rows, process.writes)
        match self.sql:
            case Select():
                steps = self._select(world, process, tables)
            case Update():
                steps = self._update(world, process, tables)
            case _:
                steps = self._insert(world, process, tables)
        if steps and world.left.database and not self.is_quiet(world, process):
            lost = world.spend("database").rolling_back(process)
            return [*steps, ("loses the database", DATABASE_LOST, lost)]
        return steps

    def _select(self, world: World, process: Process, tables: Tables) -> list[Step]:
        found = list(tables.found(self.sql, self.froms))
        lock = self.sql._for_update_arg
        if lock is not None:
            free = [rows for rows in found if not any(world.is_locked(row.key, process) for row in rows)]
            if len(free) < len(found) and not lock.skip_locked:
                return []
            found = free
            world = world.holding(process, [row.key for rows in found for row in rows])
        return [(str(self), tuple(found)[: self.sql._limit], world)]

    def _update(self, world: World, process: Process, tables: Tables) -> list[Step]:
        found = [row for (row,) in tables.found(self.sql, self.froms)]
        if any(world.is_locked(row.key, process) for row in found):
            return []
        written = [self._updated(row) for row in found]
        after = world.holding(process, [row.key for row in written]).writing(process, written)
        return [(str(self) if written else f"{self}: no row", tuple((row,) for row in written), after)]

    def _updated(self, before: Row) -> Row:
        values = {before.table: before.values}
        changed = {column.name: evaluate(value, values) for column, value in self.sql._values.items()}
        after = make_row(before.table, {**before.values, **changed})
        if before.table == RUNS:
            self._check_writer()
            laws.check_change(before, after)
        return after

    def _insert(self, world: World, process: Process, tables: Tables) -> list[Step]:
        (table,) = self.froms
        row = make_row(table, self._inserted())
        others = (other for other in world.processes if other.slot != process.slot)
        if any(_clash(row, other) for each in others for other in each.writes):
            return []
        if any(_clash(row, other) for other in tables.of(table)):
            return [(f"{self}: there is one already", (), world)]
        return [(str(self), ((row,),), world.holding(process, [row.key]).writing(process, [row]))]

    def _inserted(self) -> dict[str, Any]:
        if isinstance(self.sql, TextClause):
            return {name: value for name, value in self.parameters.items() if f":{name}" in self.sql.text}
        if self.froms == [RUNS]:
            self._check_writer()
        values = {column.name: evaluate(value, {}) for column, value in self.sql._values.items()}
        return {**dict.fromkeys(self.sql.table.columns.keys()), **values}

    def _check_writer(self) -> None:
        if self.options.get(WRITER_OPTION) != WRITER:
            raise Violation("L2", "other code than OperationRunService writes a run")

    def __str__(self) -> str:
        locks = isinstance(self.sql, Select) and self.sql._for_update_arg is not None
        verb = "locks" if locks else next(verb for kind, verb in _VERBS.items() if isinstance(self.sql, kind))
        if isinstance(self.sql, Update):
            values: Mapping[Any, Any] = self.sql._values or {}
            columns = (column.name for column in values if column.name != "updated_at")
            return f"{verb} {self.froms[0]} ({', '.join(columns)})"
        return f"{verb} {', '.join(self.froms)}"


def _clash(row: Row, other: Row) -> bool:
    """Return whether a unique index keeps the two rows from standing beside each other (law L7)."""
    if row.table != other.table:
        return False
    return row.key == other.key or any(
        all(row[column.name] == other[column.name] for column in index.columns)
        and _covers(index, row)
        and _covers(index, other)
        for index in Base.metadata.tables[row.table].indexes
        if index.unique
    )


def _covers(index: Any, row: Row) -> bool:
    condition = index.dialect_options["postgresql"]["where"]
    return condition is None or holds_text(condition.text, row.values)


@dataclass(frozen=True)
class Commit:
    """Ends a transaction; its locks end with it."""

    def is_quiet(self, world: World, process: Process) -> bool:
        return not world.statements or not (process.writes or process.locks)

    def perform(self, world: World, process: Process) -> Sequence[Step]:
        laws.check_commit(world, process)
        steps: list[Step] = [("commits", None, world.committing(process))]
        if world.statements and process.writes and world.left.database:
            lost = world.spend("database")
            steps += [
                ("commits, and the answer is lost", DATABASE_LOST, lost.committing(process)),
                ("loses the database before it commits", DATABASE_LOST, lost.rolling_back(process)),
            ]
        return steps


@dataclass(frozen=True)
class Rollback:
    """Ends a transaction without its writes."""

    def is_quiet(self, world: World, process: Process) -> bool:  # noqa: ARG002
        return True

    def perform(self, world: World, process: Process) -> Sequence[Step]:
        return [("rolls back", None, world.rolling_back(process))]
