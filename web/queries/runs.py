from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast, func, literal, or_, select, true, tuple_, union_all
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as UUID_TYPE
from sqlalchemy.orm import Session, aliased

from models.access import Workspace
from models.environment import Environment
from models.history import OperationRunHistory
from models.operation_run import OperationRun, OperationRunTransition
from models.reconciliation import Related
from models.restore import RestoreResult
from models.review import EnvironmentReview
from web.queries.filters import RunFilters
from web.queries.keyset import PAGE_SIZE, Cursor, Page, page_of
from web.queries.text import as_uuid, contains


def list_runs(
    session: Session,
    *,
    workspaces: Collection[UUID],
    filters: RunFilters,
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[OperationRun]:
    """Return the newest runs of the workspaces a reader may see, a page behind `after`.

    Each workspace is read along its own index and at most a page deep, so that the cost does not grow
    with the number of runs or of workspaces seen.
    """
    conditions = _conditions(filters)
    if after is not None:
        cursor = Cursor.decode(after)
        conditions.append(tuple_(OperationRun.created_at, OperationRun.id) < tuple_(cursor.at, cursor.id))
    scope = func.unnest(cast([*workspaces], ARRAY(UUID_TYPE))).table_valued("id").render_derived(name="scope")
    newest = (OperationRun.created_at.desc(), OperationRun.id.desc())
    per_workspace = (
        select(OperationRun)
        .where(OperationRun.workspace_id == scope.c.id, *conditions)
        .order_by(*newest)
        .limit(limit + 1)
        .lateral()
    )
    run = aliased(OperationRun, per_workspace)
    statement = (
        select(run)
        .select_from(scope)
        .join(per_workspace, true())
        .order_by(run.created_at.desc(), run.id.desc())
        .limit(limit + 1)
    )
    found = session.scalars(statement).all()
    return page_of(found, limit, lambda last: Cursor(at=last.created_at, id=last.id).encode())


def get_run(session: Session, run_id: UUID) -> OperationRun | None:
    """Return a run by its id alone; whether the reader may see it is the caller's question."""
    return session.get(OperationRun, run_id)


def transitions_of(session: Session, run_id: UUID) -> Sequence[OperationRunTransition]:
    """Return the steps a run took, in order."""
    statement = select(OperationRunTransition).where(OperationRunTransition.run_id == run_id)
    return session.scalars(statement.order_by(OperationRunTransition.id)).all()


def own_results(session: Session, run_ids: Collection[UUID]) -> dict[UUID, Related]:
    """Return what the runs themselves made, by run id; a run that made nothing is left out."""
    reviews = select(EnvironmentReview.run_id, EnvironmentReview.id, _named("environment_review"))
    restores = select(RestoreResult.run_id, RestoreResult.id, _named("restore_result"))
    rows = session.execute(
        union_all(
            reviews.where(EnvironmentReview.run_id.in_(run_ids)),
            restores.where(RestoreResult.run_id.in_(run_ids)),
        )
    )
    return {
        run_id: Related.model_validate({"type": kind, "id": result_id}) for run_id, result_id, kind in rows
    }


def history_of(session: Session, run_id: UUID) -> OperationRunHistory | None:
    """Return the compact story of a run's workflow; None until it is kept."""
    return session.get(OperationRunHistory, run_id)


def result_of(session: Session, run_id: UUID) -> RestoreResult | None:
    """Return what a restore put back; None for other runs, and until it has."""
    return session.scalars(select(RestoreResult).where(RestoreResult.run_id == run_id)).one_or_none()


def _conditions(filters: RunFilters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for column in ("type", "status", "outcome"):
        value = getattr(filters, column)
        if value is not None:
            conditions.append(getattr(OperationRun, column) == value)
    if filters.initiator:
        conditions.append(OperationRun.initiator_name == filters.initiator)
    if filters.created_after:
        conditions.append(OperationRun.created_at >= filters.created_after)
    if filters.created_before:
        conditions.append(OperationRun.created_at < filters.created_before)
    if filters.workspace:
        conditions.append(OperationRun.workspace_id.in_(_by_slug_or_id(Workspace, filters.workspace)))
    if filters.environment:
        conditions.append(OperationRun.environment_id.in_(_by_slug_or_id(Environment, filters.environment)))
    if filters.q:
        conditions.append(_mentions(filters.q))
    return conditions


def _by_slug_or_id(table: type[Workspace] | type[Environment], given: str) -> Any:
    row_id = as_uuid(given)
    return select(table.id).where(table.id == row_id if row_id else table.slug == given).scalar_subquery()


def _mentions(text: str) -> ColumnElement[bool]:
    pattern = contains(text)
    environments = select(Environment.id).where(
        or_(Environment.name.ilike(pattern), Environment.slug.ilike(pattern))
    )
    return or_(
        OperationRun.initiator_name.ilike(pattern),
        OperationRun.environment_id.in_(environments),
        cast(OperationRun.id, String).ilike(pattern),
    )


def _named(kind: str) -> ColumnElement[str]:
    return cast(literal(kind), String).label("type")
