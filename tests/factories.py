"""Consistent rows of any standing, made inside a session by the ways that rows really take."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from uuid_utils.compat import uuid7

from models.access import Workspace
from models.actor import Actor
from models.base import Clock, utc_now
from models.catalog import OperationType
from models.connection import Connection, ConnectionKind
from models.contracts.operation_input import OperationInput
from models.contracts.restore_execute import RestoreExecuteInput
from models.contracts.review_compose import ReviewComposeInput
from models.correlation import Correlation
from models.environment import Environment
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from models.reconciliation import ReconciliationDecision, Related
from models.restore import RestoreMode, RestorePlan, RestorePoint
from services.runs.admission import OperationRequests, Requested
from services.runs.inputs import input_of
from services.runs.new_run import Dispatch
from services.runs.service import OperationRunService

# No more a secret than any other key that the world can read.
STRONG_KEY = "nR4kz_0vQyW7h2mXcT9bLpE1sJfU6gDo"
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ADA = Actor(kind="user", name="ada@example.org")
TARGET = Dispatch(queue="operation-runs", connection="default")
COMMIT = "1" * 40
# Temporal's own id of a workflow execution, and where it was started.
EXECUTION = "0199f2f0-0000-7000-8000-00000000beef"
STARTED = replace(TARGET, workflow_run_id=EXECUTION)


def make_workspace(session: Session, slug: str = "acme", name: str | None = None) -> Workspace:
    workspace = Workspace(slug=slug, name=name or slug.title(), created_at=NOW)
    session.add(workspace)
    session.flush()
    return workspace


def make_environment(
    session: Session, workspace: Workspace | None = None, *, slug: str = "production", **values: Any
) -> Environment:
    workspace_id = (workspace or make_workspace(session)).id
    url = values.get("repository_url", "/nowhere.git")
    connection = ensure_connection(session, workspace_id, url)
    columns = {
        "workspace_id": workspace_id,
        "connection_id": connection.id,
        "slug": slug,
        "name": slug.title(),
        "repository_url": url,
        "branch": "main",
        "path_prefix": "",
        "baseline_ref": None,
        "created_at": NOW,
    }
    environment = Environment(**{**columns, **values})
    session.add(environment)
    session.flush()
    set_committed_value(environment, "connection", session.get_one(Connection, environment.connection_id))
    return environment


def ensure_connection(session: Session, workspace_id: UUID, url_prefix: str) -> Connection:
    """Return a workspace's connection to what is under a URL or folder; make it where there is none."""
    found = session.scalars(
        select(Connection).where(Connection.workspace_id == workspace_id, Connection.url_prefix == url_prefix)
    ).one_or_none()
    if found is None:
        found = Connection(
            workspace_id=workspace_id,
            name=f"to {url_prefix}",
            kind=ConnectionKind.FILE if url_prefix.startswith("/") else ConnectionKind.MACHINE,
            url_prefix=url_prefix,
            created_by=ADA.name,
            created_at=NOW,
        )
        session.add(found)
        session.flush()
    return found


def make_plan(session: Session, environment: Environment, **values: Any) -> RestorePlan:
    """Make a plan and its restore point."""
    scope = {"workspace_id": environment.workspace_id, "environment_id": environment.id}
    made = {"created_by": ADA.name, "created_at": values.pop("created_at", NOW)}
    point = RestorePoint(**scope, **made, label=f"before {uuid7()}", ref="v1", commit=COMMIT)
    session.add(point)
    session.flush()
    columns = {
        "restore_point_id": point.id,
        "mode": RestoreMode.OVERLAY,
        "items": [],
        "restore_commit": COMMIT,
        "live_commit": COMMIT,
        "changes": [],
        "digest": "0" * 64,
    }
    plan = RestorePlan(**scope, **made, **{**columns, **values})
    session.add(plan)
    session.flush()
    return plan


def compose_input(environment: Environment, ref: str | None = None) -> ReviewComposeInput:
    return ReviewComposeInput(workspace_id=environment.workspace_id, environment_id=environment.id, ref=ref)


def restore_input(environment: Environment, plan: RestorePlan) -> RestoreExecuteInput:
    return RestoreExecuteInput(
        workspace_id=environment.workspace_id, environment_id=environment.id, restore_plan_id=plan.id
    )


def request(
    session: Session,
    operation_input: OperationInput,
    *,
    key: str | None = None,
    actor: Actor = ADA,
    clock: Clock = utc_now,
) -> Requested:
    is_restore = isinstance(operation_input, RestoreExecuteInput)
    return OperationRequests(session, target=TARGET, clock=clock).request(
        operation_type=OperationType.RESTORE_EXECUTE
        if is_restore
        else OperationType.ENVIRONMENT_REVIEW_COMPOSE,
        operation_input=operation_input,
        actor=actor,
        idempotency_key=key,
    )


def request_compose(
    session: Session, environment: Environment, *, ref: str | None = None, key: str | None = None
) -> Requested:
    return request(session, compose_input(environment, ref), key=key)


def request_restore(
    session: Session, environment: Environment, plan: RestorePlan, *, key: str | None = None
) -> Requested:
    return request(session, restore_input(environment, plan), key=key)


def start(session: Session, run: OperationRun, *, clock: Clock = utc_now) -> OperationRun:
    """Start a queued run as its workflow does."""
    return OperationRunService(session, clock=clock).start(correlation_of(run), input_of(run))


def make_run(
    session: Session,
    environment: Environment,
    *,
    status: Status = Status.QUEUED,
    outcome: Outcome = Outcome.PENDING,
    ref: str | None = None,
) -> OperationRun:
    """Bring a compose run into any standing, by the ways a run really takes."""
    run = request_compose(session, environment, ref=ref or str(uuid7())).run
    service = OperationRunService(session)
    if status is not Status.QUEUED:
        run = start(session, run)
    if status is Status.COMPLETED and outcome is Outcome.SUCCEEDED:
        service.succeed(correlation_of(run), reason_code=ReasonCode.REVIEW_COMPOSED, summary_counts={})
    elif status is Status.COMPLETED:
        service.update_run_with_reconciliation(run.id, decision(outcome), source="sweep", actor=ADA)
    session.refresh(run)
    return run


def correlation_of(run: OperationRun) -> Correlation:
    return Correlation(operation_type=OperationType(run.type), run_id=run.id)


def decision(
    outcome: Outcome,
    reason_code: ReasonCode = ReasonCode.REVIEW_NOT_COMPOSED,
    related: Related | None = None,
) -> ReconciliationDecision:
    return ReconciliationDecision(
        adapter=OperationType.ENVIRONMENT_REVIEW_COMPOSE,
        outcome=outcome,
        reason_code=reason_code,
        related=related,
        evidence={"cause": "terminated"},
    )


def changed(path: str, **given: Any) -> dict[str, Any]:
    """Make one changed item of a review, as a composition keeps it."""
    values: dict[str, Any] = {"change": "changed", "kind": "policy", "path": path, "previous_path": None}
    return values | {"settings": [], "commits": []} | given


def setting(path: str, before: Any = 1, after: Any = 2, change: str = "changed") -> dict[str, Any]:
    """Make one changed setting of an item."""
    return {"path": path, "change": change, "before": before, "after": after}


def planned(path: str, change: str, reason: str | None = None) -> dict[str, Any]:
    """Make one change of a plan."""
    return {"path": path, "change": change, "reason": reason, "live": None, "wanted": None}
