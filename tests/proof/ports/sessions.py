"""The project's way into PostgreSQL, on the checker's ledger: sessions whose statements are effects."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

from sqlalchemy import Insert, inspect, select
from sqlalchemy.exc import MultipleResultsFound, NoResultFound

from models.operation_run import OperationRun, OperationRunTransition
from models.run_context import RunContext
from services.database.session import Database
from tests.proof.ports.expressions import evaluate
from tests.proof.ports.rows import Row
from tests.proof.ports.statements import Commit, Rollback, Statement
from tests.proof.replay import Pending, Ports

_TRANSITIONS = OperationRunTransition.__table__
# The reason codes of the transitions that committed.
REASONS: set[str] = set()


def forget_reasons() -> None:
    """Forget the reason codes of another world."""
    REASONS.clear()


class ModelDatabase:
    """A Database of one process."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    @contextmanager
    def reading(self) -> Iterator["ModelSession"]:
        yield ModelSession(self._ports)

    @contextmanager
    def transaction(self, scope: Any = None) -> Iterator["ModelSession"]:  # noqa: ARG002
        session = ModelSession(self._ports)
        try:
            yield session
        except Pending:
            raise
        except BaseException:
            self._ports.do(Rollback())
            raise
        session.commit()


def database(ports: Ports) -> Database:
    return cast("Database", ModelDatabase(ports))


class ModelSession:
    """What services use of a Session, with its identity map."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._loaded: dict[tuple[str, str], Any] = {}
        self.info: dict[str, Any] = {}
        self._reasons = set[str]()

    def frozen(self) -> object:
        """Return what its later answers depend on: the rows that it has loaded."""
        return tuple((key, found.__dict__["row"]) for key, found in self._loaded.items())

    def execute(
        self, statement: Any, parameters: dict[str, Any] | None = None, *, execution_options: Any = None
    ) -> "Answer":
        options = {**statement.get_execution_options(), **(execution_options or {})}
        effect = Statement(statement, options, parameters or {})
        if isinstance(statement, Insert) and statement.table is _TRANSITIONS:
            written: Mapping[Any, Any] = statement._values or {}
            self._reasons.add(str(evaluate(written["reason_code"], {})))
        rows = effect.constant() if effect.is_constant else self._ports.do(effect)
        return Answer([self._shaped(effect, found, options) for found in rows])

    def scalars(self, statement: Any, *, execution_options: Any = None) -> "Answer":
        return Answer([row[0] for row in self.execute(statement, execution_options=execution_options).all()])

    def scalar(self, statement: Any) -> Any:
        return self.scalars(statement).first()

    def get(
        self,
        entity: Any,
        key: Any,
        *,
        options: Any = None,
        populate_existing: bool = False,
    ) -> Any:
        known = self._loaded.get((entity.__tablename__, str(key)))
        if known is not None and not populate_existing:
            return known
        effect = _read(entity, key)
        rows = effect.constant() if effect.is_constant else self._ports.do(effect)
        options = {"populate_existing": populate_existing}
        return Answer([self._shaped(effect, found, options)[0] for found in rows]).one_or_none()

    def get_one(self, entity: Any, key: Any, **options: Any) -> Any:
        found = self.get(entity, key, **options)
        if found is None:
            raise NoResultFound
        return found

    def add(self, row: Any) -> None:
        """Take a row of a journal, which no decision reads."""

    def commit(self) -> None:
        self._ports.do(Commit())
        REASONS.update(self._reasons)

    def refresh(self, row: Any) -> None:
        self.get(type(row), row.id, populate_existing=True)

    def flush(self) -> None:
        """Do nothing: statements are effects at once."""

    def connection(self) -> "ModelSession":
        return self

    def exec_driver_sql(self, *_: Any) -> None:
        """Take the announcement of the writer, which the statement's own option repeats."""

    def get_nested_transaction(self) -> None:
        return None

    def get_transaction(self) -> "ModelSession":
        return self

    def _shaped(self, effect: Statement, rows: Sequence[Row], options: Any) -> tuple[Any, ...]:
        by_table = {row.table: row for row in rows}
        return tuple(
            by_table[entity.__tablename__][column] if column else self._load(entity, by_table, options)
            for entity, column in effect.wanted
        )

    def _load(self, entity: Any, rows: Mapping[str, Row], options: Any) -> Any:
        row = rows[entity.__tablename__]
        known = self._loaded.get(row.key)
        if known is None or options.get("populate_existing"):
            known = known or entity()
            # As the ORM loads a row: nothing of it counts as changed.
            known.__dict__.update(mapped(entity, row))
            self._loaded[row.key] = known
        return known


@cache
def _read(entity: Any, key: Any) -> Statement:
    return Statement(select(entity).where(entity.id == key), {}, {})


class Answer:
    """The rows of one statement."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self._rows = rows

    def all(self) -> list[Any]:
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def first(self) -> Any:
        return self._rows[0] if self._rows else None

    def one_or_none(self) -> Any:
        if len(self._rows) > 1:
            raise MultipleResultsFound
        return self.first()

    def one(self) -> Any:
        found = self.one_or_none()
        if found is None:
            raise NoResultFound
        return found


def mapped(entity: Any, row: Row) -> Mapping[str, Any]:
    """Return a row as its mapped class names the columns, with what readers make of them."""
    if row.attributes is None:
        columns = inspect(entity).columns.items()
        row.attributes = {name: row[column.name] for name, column in columns if column.name in row.values}
        row.attributes |= {"row": row}
        if entity is OperationRun:
            context = row["context"]
            row.attributes |= {"_parsed": context, "_context": RunContext.model_validate(context)}
    return row.attributes
