"""Restores on a real repository that are stopped where a test says, and settled by the reconciler."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from models.base import Clock, Json, utc_now
from models.catalog import OperationType
from models.contracts import OperationResult
from models.contracts.restore_execute import RestoreExecuteInput
from models.correlation import Correlation
from models.reconciliation import Execution, ExecutionState
from models.restore import RestoreMode
from reconcilers.adapter import AdapterRegistry
from reconcilers.reconciler import AdapterRunReconciler, Reconciliation
from reconcilers.restore_execute import RestoreExecuteAdapter
from services.connections.access import EnvironmentMirrors
from services.database.session import Database
from services.repositories.git import never_cancelled
from services.restores.execution import RestoreExecution
from services.restores.plans import RestorePlans
from services.restores.points import RestorePoints
from tests.factories import ADA, EXECUTION, STARTED, make_environment
from tests.git_repository import GitRepository
from tests.mirrors import access_to, mirrors_under
from tests.runs.seen_runs import see

TERMINATED = Execution(state=ExecutionState.CLOSED, cause="terminated")
TICKETS = "refs/operation-runs"


class Died(BaseException):
    """What a killed worker leaves of its work: nothing more is done."""


@dataclass
class FencedRestore:
    """One restore of `a.json` from 2 to 1, its repository, and its run."""

    database: Database
    mirrors: EnvironmentMirrors
    repository: GitRepository
    correlation: Correlation
    scope: RestoreExecuteInput

    @classmethod
    def plan(cls, database: Database, repositories: Path, folder: Path) -> "FencedRestore":
        repository = GitRepository(repositories)
        repository.commit({"a.json": "1"})
        repository.tag("before")
        repository.commit({"a.json": "2"})
        return cls.of(database, repository, folder)

    @classmethod
    def of(
        cls,
        database: Database,
        repository: GitRepository,
        folder: Path,
        *,
        mode: RestoreMode = RestoreMode.EXACT,
    ) -> "FencedRestore":
        """Plan the restore of everything from a repository's tag `before`."""
        mirrors = mirrors_under(folder / "mirrors", roots=[repository.path.parent])
        with database.transaction() as session:
            environment = make_environment(session, repository_url=repository.url)
        point = RestorePoints(database, mirrors).create(environment, label="p", ref="before", actor=ADA)
        plan = RestorePlans(database, mirrors).create(
            environment, restore_point_id=point.id, mode=mode, items=None, actor=ADA
        )
        scope = RestoreExecuteInput(
            workspace_id=environment.workspace_id, environment_id=environment.id, restore_plan_id=plan.id
        )
        correlation = Correlation(operation_type=OperationType.RESTORE_EXECUTE, run_id=uuid7())
        return cls(database, mirrors, repository, correlation, scope)

    @property
    def run_id(self) -> UUID:
        return self.correlation.run_id

    @property
    def head(self) -> str:
        return self.repository.read("rev-parse", "main")

    @property
    def tickets(self) -> list[str]:
        return self.repository.read("for-each-ref", "--format=%(refname)", TICKETS).split()

    @property
    def pushes(self) -> list[tuple[bool, str | None]]:
        """Return of each recorded push whether it had a ticket, and its answer."""
        recorded: list[Json] = see(self.database, self.run_id).context["pushes"]
        return [(push["ticket"] is not None, push["answer"]) for push in recorded]

    def run(self, *, dies_at: str | None = None, clock: Clock = utc_now) -> OperationResult | None:
        def reach(point: str) -> None:
            if point == dies_at:
                raise Died

        execution = RestoreExecution(self.database, self.mirrors, fault_hook=reach, clock=clock)
        execution.check(self.correlation, self.scope, dispatch=STARTED, check_cancelled=never_cancelled)
        return execution.apply(
            self.correlation, self.scope, workflow_run_id=EXECUTION, check_cancelled=never_cancelled
        )

    def die_at(self, point: str, *, ago: timedelta = timedelta(0)) -> None:
        with pytest.raises(Died):
            self.run(dies_at=point, clock=lambda: utc_now() - ago)

    def settle(self, *, fences: bool = True) -> Reconciliation:
        registry = AdapterRegistry()
        registry.register(RestoreExecuteAdapter)
        reconciler = AdapterRunReconciler(self.database, self.mirrors, registry=registry, fences=fences)
        return reconciler.reconcile(self.run_id, TERMINATED, source="sweep", actor=ADA)

    def reason(self) -> str | None:
        decision = self.settle().decision
        return decision.reason_code if decision else None

    def land_by_hand(self) -> None:
        """Do what a push that was held all the time does in the end."""
        push = see(self.database, self.run_id).context["pushes"][-1]
        mirror = self.mirrors.store.open(
            self.scope.environment_id, self.repository.url, access_to(self.repository.url)
        )
        self.repository.read("fetch", "-q", str(mirror.path), push["commit"])
        self.repository.read("update-ref", "refs/heads/main", push["commit"], push["head"])
