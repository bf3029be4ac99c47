"""Plans are made where the web runs and executed where a worker does: each machine has mirrors of its own."""

from pathlib import Path

import pytest
from uuid_utils.compat import uuid7

from models.catalog import OperationType
from models.contracts.restore_execute import RestoreExecuteInput
from models.correlation import Correlation
from models.environment import Environment
from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from models.reconciliation import Execution, ExecutionState
from models.restore import RestoreMode, RestorePlan
from reconcilers.adapter import AdapterRegistry
from reconcilers.reconciler import AdapterRunReconciler
from reconcilers.restore_execute import RestoreExecuteAdapter
from services.connections.access import EnvironmentMirrors
from services.database.session import Database
from services.kill_points import FaultHook
from services.repositories.git import never_cancelled
from services.restores.execution import RestoreExecution
from services.restores.plans import RestorePlans
from services.restores.points import RestorePoints
from tests.factories import ADA, EXECUTION, STARTED, make_environment
from tests.git_repository import GitRepository
from tests.mirrors import mirrors_under

TERMINATED = Execution(state=ExecutionState.CLOSED, cause="terminated")


def test_a_worker_fetches_what_it_lacks_of_the_restore_point(
    database: Database, repositories: Path, tmp_path: Path
) -> None:
    repository = GitRepository(repositories)
    repository.commit({"a.json": "1"})
    with database.transaction() as session:
        environment = make_environment(session, repository_url=repository.url)
    on_web, on_worker = (mirrors_under(tmp_path / name, roots=[repositories]) for name in ("web", "worker"))
    on_worker.open(environment).fetch()
    # The live branch stays where the worker saw it; the restore point is on another one.
    repository.commit({"a.json": "2", "b.json": "2"}, branch="other")
    plan = planned(database, on_web, environment, "other")

    execution = RestoreExecution(database, on_worker)
    correlation = Correlation(operation_type=OperationType.RESTORE_EXECUTE, run_id=uuid7())
    scope = RestoreExecuteInput(
        workspace_id=environment.workspace_id, environment_id=environment.id, restore_plan_id=plan.id
    )
    assert execution.check(correlation, scope, dispatch=STARTED, check_cancelled=never_cancelled) is None
    done = execution.apply(correlation, scope, workflow_run_id=EXECUTION, check_cancelled=never_cancelled)

    assert done is not None
    assert done.outcome == Outcome.SUCCEEDED
    assert repository.read("rev-parse", "main^{tree}") == repository.read("rev-parse", "other^{tree}")
    assert repository.read("rev-list", "--count", "main") == "2"


def test_a_machine_that_never_saw_what_was_live_finds_the_commit_of_a_run(
    database: Database, repositories: Path, tmp_path: Path
) -> None:
    repository = GitRepository(repositories)
    repository.commit({"a.json": "1"})
    repository.tag("before")
    repository.commit({"a.json": "2"})
    with database.transaction() as session:
        environment = make_environment(session, repository_url=repository.url)
    on_web, on_worker, elsewhere = (
        mirrors_under(tmp_path / name, roots=[repositories]) for name in ("web", "worker", "elsewhere")
    )
    plan = planned(database, on_web, environment, "before")
    on_worker.open(environment).fetch()
    rewritten = repository.read("commit-tree", "main^{tree}", "-m", "The same, rewritten")
    repository.read("update-ref", "refs/heads/main", rewritten)
    scope = RestoreExecuteInput(
        workspace_id=environment.workspace_id, environment_id=environment.id, restore_plan_id=plan.id
    )
    correlation = Correlation(operation_type=OperationType.RESTORE_EXECUTE, run_id=uuid7())
    execution = RestoreExecution(database, on_worker, fault_hook=dying_at("restore.after_push"))
    execution.check(correlation, scope, dispatch=STARTED, check_cancelled=never_cancelled)
    with pytest.raises(Died):
        execution.apply(correlation, scope, workflow_run_id=EXECUTION, check_cancelled=never_cancelled)

    registry = AdapterRegistry()
    registry.register(RestoreExecuteAdapter)
    settled = AdapterRunReconciler(database, elsewhere, registry=registry).reconcile(
        correlation.run_id, TERMINATED, source="sweep", actor=ADA
    )

    assert settled.decision is not None
    assert settled.decision.reason_code == ReasonCode.RESTORE_APPLIED
    assert settled.facts.branch.own_commits == (repository.read("rev-parse", "main"),)


class Died(BaseException):
    """What a killed worker leaves of its work: nothing more is done."""


def dying_at(point: str) -> FaultHook:
    def fault_hook(name: str) -> None:
        if name == point:
            raise Died

    return fault_hook


def planned(
    database: Database, mirrors: EnvironmentMirrors, environment: Environment, ref: str
) -> RestorePlan:
    point = RestorePoints(database, mirrors).create(environment, label=ref, ref=ref, actor=ADA)
    return RestorePlans(database, mirrors).create(
        environment, restore_point_id=point.id, mode=RestoreMode.EXACT, items=None, actor=ADA
    )
