"""Runs as PostgreSQL holds them, read past the service and past every cache."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text

from models.base import Json
from models.lifecycle import ACTIVE, Outcome, Standing, Status
from models.operation_run import OperationRunTransition
from services.database.session import Database

_WHOLE = text(
    "SELECT status, outcome, context, failures, operation_runs::text AS bytes"
    " FROM operation_runs WHERE id = :id"
)

# From where (None: from nowhere) to where.
Step = tuple[Standing | None, Standing]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A run at one moment; `row` is all of it, so that two moments can be compared to the byte."""

    standing: Standing
    context: Json
    failures: list[Json]
    row: str

    @property
    def is_active(self) -> bool:
        return self.standing.status in ACTIVE

    @property
    def dispatched_at(self) -> str | None:
        known_at: str | None = self.context["dispatch"]["dispatched_at"]
        return known_at

    @property
    def reconciliation(self) -> Json | None:
        return self.context.get("reconciliation")


def see(database: Database, run_id: UUID) -> Seen:
    with database.transaction() as session:
        row = session.execute(_WHOLE, {"id": run_id}).one()
    return Seen(
        standing=_standing(row.status, row.outcome),
        context=row.context,
        failures=row.failures,
        row=row.bytes,
    )


def steps_of(database: Database, run_id: UUID) -> Sequence[Step]:
    """Return the steps that a run's history tells of, in their order."""
    statement = (
        select(OperationRunTransition)
        .where(OperationRunTransition.run_id == run_id)
        .order_by(OperationRunTransition.id)
    )
    with database.transaction() as session:
        return [_step(row) for row in session.scalars(statement)]


def _step(row: OperationRunTransition) -> Step:
    came_from = None
    if row.from_status is not None and row.from_outcome is not None:
        came_from = _standing(row.from_status, row.from_outcome)
    return came_from, _standing(row.to_status, row.to_outcome)


def _standing(status: str, outcome: str) -> Standing:
    return Standing(status=Status(status), outcome=Outcome(outcome))
