from datetime import UTC, datetime

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.access import Workspace
from models.actor import Actor
from models.catalog import OperationType
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

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ADA = Actor(kind="user", name="ada@example.org")
TARGET = Dispatch(queue="operation-runs", connection="default")
COMMIT = "1" * 40


def make_workspace(session: Session, slug: str = "acme") -> Workspace:
    workspace = Workspace(id=uuid7(), slug=slug, name=slug.title(), created_at=NOW)
    session.add(workspace)
    session.flush()
    return workspace


def make_environment(
    session: Session,
    workspace: Workspace | None = None,
    *,
    slug: str = "production",
    repository_url: str = "/nowhere.git",
    path_prefix: str = "",
    baseline_ref: str | None = None,
) -> Environment:
    environment = Environment(
        id=uuid7(),
        workspace_id=(workspace or make_workspace(session)).id,
        slug=slug,
        name=slug.title(),
        repository_url=repository_url,
        branch="main",
        path_prefix=path_prefix,
        baseline_ref=baseline_ref,
        created_at=NOW,
    )
    session.add(environment)
    session.flush()
    return environment


def make_plan(session: Session, environment: Environment) -> RestorePlan:
    point = RestorePoint(
        id=uuid7(),
        workspace_id=environment.workspace_id,
        environment_id=environment.id,
        label=f"before {uuid7()}",
        ref="main",
        commit=COMMIT,
        created_by=ADA.name,
        created_at=NOW,
    )
    session.add(point)
    session.flush()
    plan = RestorePlan(
        id=uuid7(),
        workspace_id=environment.workspace_id,
        environment_id=environment.id,
        restore_point_id=point.id,
        mode=RestoreMode.OVERLAY,
        items=[],
        restore_commit=COMMIT,
        live_commit=COMMIT,
        changes=[],
        digest="0" * 64,
        created_by=ADA.name,
        created_at=NOW,
    )
    session.add(plan)
    session.flush()
    return plan


def request_compose(
    session: Session, environment: Environment, *, ref: str | None = None, key: str | None = None
) -> Requested:
    return OperationRequests(session, target=TARGET).request(
        operation_type=OperationType.ENVIRONMENT_REVIEW_COMPOSE,
        operation_input=compose_input(environment, ref),
        actor=ADA,
        idempotency_key=key,
    )


def request_restore(
    session: Session, environment: Environment, plan: RestorePlan, *, key: str | None = None
) -> Requested:
    return OperationRequests(session, target=TARGET).request(
        operation_type=OperationType.RESTORE_EXECUTE,
        operation_input=RestoreExecuteInput(
            workspace_id=environment.workspace_id, environment_id=environment.id, restore_plan_id=plan.id
        ),
        actor=ADA,
        idempotency_key=key,
    )


def compose_input(environment: Environment, ref: str | None = None) -> ReviewComposeInput:
    return ReviewComposeInput(workspace_id=environment.workspace_id, environment_id=environment.id, ref=ref)


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
        run = service.start(correlation_of(run), input_of(run))
    if status is Status.COMPLETED and outcome is Outcome.SUCCEEDED:
        service.succeed(correlation_of(run), reason_code=ReasonCode.REVIEW_COMPOSED, summary_counts={})
    elif status is Status.COMPLETED:
        service.update_run_with_reconciliation(run.id, decision(outcome), source="sweep", actor=ADA)
    session.refresh(run)
    return run
