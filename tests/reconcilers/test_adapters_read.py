"""What the adapters read of real rows and a real branch, and what the reconciler makes of it."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.catalog import OperationType
from models.contracts.restore_execute import RestoreExecuteInput
from models.correlation import Correlation
from models.environment import Environment
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from models.reconciliation import Execution, ExecutionState
from models.restore import RestoreMode, RestoreResult
from models.review import EnvironmentReview, ReviewStatus
from reconcilers.adapter import Adapter, AdapterRegistry
from reconcilers.reconciler import AdapterRunReconciler, Reconciliation
from reconcilers.restore_execute import RestoreExecuteAdapter
from reconcilers.review_compose import ReviewComposeAdapter
from services.connections.access import EnvironmentMirrors
from services.database.session import Database
from services.repositories.git import never_cancelled
from services.restores.execution import RestoreExecution
from services.restores.plans import RestorePlans
from services.restores.points import RestorePoints
from services.reviews.lineage import Reviews
from services.runs.service import OperationRunService
from tests.factories import ADA, EXECUTION, STARTED, make_environment, make_run, make_workspace
from tests.git_repository import GitRepository
from tests.mirrors import mirrors_under
from tests.runs.seen_runs import see

TERMINATED = Execution(state=ExecutionState.CLOSED, cause="terminated")
FINGERPRINT = "f" * 64


@pytest.fixture
def mirrors(repositories: Path, tmp_path: Path) -> EnvironmentMirrors:
    return mirrors_under(tmp_path / "mirrors", roots=[repositories])


def settle(
    database: Database,
    mirrors: EnvironmentMirrors,
    run_id: UUID,
    adapter: type[Adapter] = ReviewComposeAdapter,
) -> Reconciliation:
    registry = AdapterRegistry()
    registry.register(adapter)
    reconciler = AdapterRunReconciler(database, mirrors, registry=registry)
    return reconciler.reconcile(run_id, TERMINATED, source="sweep", actor=ADA)


def said(settled: Reconciliation) -> tuple[Outcome, ReasonCode, UUID | None]:
    assert settled.decision is not None
    related = settled.decision.related
    return settled.decision.outcome, settled.decision.reason_code, related.id if related else None


def running(session: Session, environment: Environment) -> OperationRun:
    run = make_run(session, environment, status=Status.RUNNING)
    assert OperationRunService(session).record_fingerprint(run.id, FINGERPRINT)
    return run


def reviewed(
    session: Session,
    environment: Environment,
    *,
    run: OperationRun | None = None,
    previous: UUID | None = None,
    fingerprint: str | None = None,
) -> EnvironmentReview:
    run = run or make_run(session, environment, status=Status.COMPLETED, outcome=Outcome.SUCCEEDED)
    review = EnvironmentReview(
        id=uuid7(),
        workspace_id=environment.workspace_id,
        environment_id=environment.id,
        run_id=run.id,
        status=ReviewStatus.DRAFT,
        fingerprint=fingerprint or uuid7().hex * 2,
        commit="1" * 40,
        tree="2" * 40,
        previous_review_id=previous,
        composer_version="1",
        summary={},
        sections={},
        findings=[],
        composed_at=run.created_at,
    )
    session.add(review)
    session.flush()
    return review


@pytest.mark.parametrize(
    ("after", "decided"),
    [
        (timedelta(microseconds=1), (Outcome.BLOCKED, ReasonCode.REVIEW_SUPERSEDED)),
        (timedelta(0), (Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)),
    ],
    ids=["after the run was created", "by then"],
)
def test_a_review_that_was_superseded(
    database: Database,
    environment: Environment,
    mirrors: EnvironmentMirrors,
    after: timedelta,
    decided: tuple[Outcome, ReasonCode],
) -> None:
    with database.transaction() as session:
        run = running(session, environment)
        at, live_end = run.created_at + after, None
        for fingerprint in (FINGERPRINT, None, None):
            review = reviewed(session, environment, previous=live_end, fingerprint=fingerprint)
            live_end = Reviews(session, clock=lambda: at).publish(review.id).id

    blocked = decided[0] is Outcome.BLOCKED
    assert said(settle(database, mirrors, run.id)) == (*decided, live_end if blocked else None)


def test_a_review_of_another_workspace_is_out_of_scope_and_no_id_of_it_is_shown(
    database: Database, environment: Environment, mirrors: EnvironmentMirrors
) -> None:
    with database.transaction() as session:
        elsewhere = make_environment(session, make_workspace(session, "other"))
        foreign = reviewed(session, elsewhere, fingerprint=FINGERPRINT)
        run = running(session, environment)

    settled = settle(database, mirrors, run.id)

    assert said(settled) == (Outcome.ATTENTION_REQUIRED, ReasonCode.REVIEW_OUT_OF_SCOPE, None)
    shown = settled.facts.model_dump_json() + str(see(database, run.id).context)
    assert not [id_ for id_ in (foreign.id, foreign.run_id, elsewhere.id) if str(id_) in shown]


def test_a_review_of_the_run_itself_is_success_even_beside_others(
    database: Database, environment: Environment, mirrors: EnvironmentMirrors
) -> None:
    with database.transaction() as session:
        elsewhere = make_environment(session, make_workspace(session, "other"))
        reviewed(session, elsewhere, fingerprint=FINGERPRINT)
        run = running(session, environment)
        own = reviewed(session, environment, run=run)

    assert said(settle(database, mirrors, run.id)) == (Outcome.SUCCEEDED, ReasonCode.REVIEW_COMPOSED, own.id)


@pytest.mark.parametrize("pushed", [True, False], ids=["its commit is there", "no commit was needed"])
def test_what_the_branch_proves_of_a_restore_is_recorded_with_the_decision(
    database: Database, repositories: Path, mirrors: EnvironmentMirrors, *, pushed: bool
) -> None:
    repository = GitRepository(repositories)
    repository.commit({"a.json": "1"})
    repository.tag("before")
    if pushed:
        repository.commit({"a.json": "2"})
    with database.transaction() as session:
        environment = make_environment(session, repository_url=repository.url)
    point = RestorePoints(database, mirrors).create(environment, label="p", ref="before", actor=ADA)
    plan = RestorePlans(database, mirrors).create(
        environment, restore_point_id=point.id, mode=RestoreMode.EXACT, items=None, actor=ADA
    )
    run_id = die_before_recording(database, mirrors, plan.workspace_id, environment.id, plan.id)

    settled = settle(database, mirrors, run_id, RestoreExecuteAdapter)

    reason = ReasonCode.RESTORE_APPLIED if pushed else ReasonCode.RESTORE_NOT_NEEDED
    with database.transaction() as session:
        result = session.query(RestoreResult).one()
    assert said(settled) == (Outcome.SUCCEEDED, reason, result.id)
    assert (result.run_id, result.restore_plan_id) == (run_id, plan.id)
    assert result.commit == (repository.read("rev-parse", "main") if pushed else None)
    assert [(item["path"], item["result"]) for item in result.items] == [
        ("a.json", "written" if pushed else "unchanged")
    ]


class Died(BaseException):
    """What a killed worker leaves of its work: nothing more is done."""


def die_before_recording(
    database: Database, mirrors: EnvironmentMirrors, workspace_id: UUID, environment_id: UUID, plan_id: UUID
) -> UUID:
    def reach(point: str) -> None:
        if point == "restore.before_record":
            raise Died

    correlation = Correlation(operation_type=OperationType.RESTORE_EXECUTE, run_id=uuid7())
    given = RestoreExecuteInput(
        workspace_id=workspace_id, environment_id=environment_id, restore_plan_id=plan_id
    )
    execution = RestoreExecution(database, mirrors, fault_hook=reach)
    execution.check(correlation, given, dispatch=STARTED, check_cancelled=never_cancelled)
    with pytest.raises(Died):
        execution.apply(correlation, given, workflow_run_id=EXECUTION, check_cancelled=never_cancelled)
    return correlation.run_id
