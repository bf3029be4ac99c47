from collections.abc import Sequence
from pathlib import Path

from uuid_utils.compat import uuid7

from models.catalog import OperationType
from models.contracts.restore_execute import RestoreExecuteInput
from models.correlation import Correlation
from models.environment import Environment
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from models.reconciliation import Execution, ExecutionState
from models.restore import RestoreMode
from models.run_context import RunPush
from reconcilers.adapter import AdapterRegistry
from reconcilers.reconciler import AdapterRunReconciler
from reconcilers.restore_execute import RestoreExecuteAdapter
from services.connections.access import EnvironmentMirrors
from services.database.session import Database
from services.repositories.git import never_cancelled
from services.repositories.tickets import ticket_ref
from services.restores.execution import RestoreExecution
from services.restores.plans import RestorePlans
from services.restores.points import RestorePoints
from services.restores.push_ledger import RunPushLedger
from services.restores.push_remote import MirrorRemote
from services.restores.pushing import RestorePushing
from tests.factories import ADA, TARGET, make_environment
from tests.git_repository import git
from tests.mirrors import mirrors_under
from tests.remotes.attempts import LIMITS, Attempt, Work
from tests.remotes.served import ServedRemote

TERMINATED = Execution(state=ExecutionState.CLOSED, cause="terminated")
BRANCH = "refs/heads/main"


class RemoteEnvironment:
    """An environment whose repository is a served remote, and the restores of it."""

    def __init__(self, database_url: str, folder: Path, remote: ServedRemote) -> None:
        self.database_url, self.remote = database_url, remote
        self.database = Database.connect(database_url)
        self.attempts: list[Attempt] = []
        self._folder = folder
        with self.database.transaction() as session:
            self.environment: Environment = make_environment(session, repository_url=remote.url)

    def restore(self) -> "Restoring":
        """Change the branch, plan to take that back, and bring a run of the plan to where it may push."""
        wanted = self.remote.repository.head()
        self.remote.repository.git("reset", "--quiet", "--hard", wanted)
        self.remote.repository.commit({"a.json": f'"{uuid7()}"'})
        mirrors = self.mirrors("web")
        point = RestorePoints(self.database, mirrors).create(
            self.environment, label=wanted, ref=wanted, actor=ADA
        )
        plan = RestorePlans(self.database, mirrors).create(
            self.environment, restore_point_id=point.id, mode=RestoreMode.EXACT, items=None, actor=ADA
        )
        correlation = Correlation(operation_type=OperationType.RESTORE_EXECUTE, run_id=uuid7())
        operation_input = RestoreExecuteInput(
            workspace_id=self.environment.workspace_id,
            environment_id=self.environment.id,
            restore_plan_id=plan.id,
        )
        execution = RestoreExecution(self.database, mirrors)
        execution.check(correlation, operation_input, dispatch=TARGET, check_cancelled=never_cancelled)
        return Restoring(self, correlation, operation_input)

    def close(self) -> None:
        for attempt in self.attempts:
            attempt.close()
        self.database.close()

    def mirrors(self, machine: str) -> EnvironmentMirrors:
        return mirrors_under(self.folder(machine), roots=[self.remote.path.parent], limits=LIMITS)

    def folder(self, machine: str) -> Path:
        return self._folder / machine


class Restoring:
    """One running restore: its attempts, what settles it, and what is true of it."""

    def __init__(
        self, place: RemoteEnvironment, correlation: Correlation, operation_input: RestoreExecuteInput
    ) -> None:
        self._place, self._correlation, self._input = place, correlation, operation_input
        self.planned_on = place.remote.repository.head()

    def attempt(self, machine: str = "worker", *, dies_at: str = "") -> Attempt:
        remote = self._place.remote
        work = Work(
            database_url=self._place.database_url,
            mirrors=self._place.folder(machine),
            file_root=remote.path.parent,
            environment=remote.environment,
            correlation=self._correlation,
            operation_input=self._input,
            dies_at=dies_at,
        )
        attempt = Attempt(work, remote.url)
        self._place.attempts.append(attempt)
        return attempt

    def settle(self, execution: Execution = TERMINATED) -> ReasonCode | None:
        """Reconcile the run as the sweep does, on a machine of its own; None: nothing is decided yet."""
        registry = AdapterRegistry()
        registry.register(RestoreExecuteAdapter)
        settled = AdapterRunReconciler(
            self._place.database, self._place.mirrors("sweep"), registry=registry
        ).reconcile(self._correlation.run_id, execution, source="sweep", actor=ADA)
        return settled.decision.reason_code if settled.decision else None

    def push_again(self) -> None:
        """Make the last push once more, as an attempt that knows nothing of it yet."""
        last, database = self.pushes()[-1], self._place.database
        mirror = self._place.mirrors("worker").open(self._place.environment)
        run_id = self._correlation.run_id
        remote = MirrorRemote(mirror, self._place.environment.branch, at=self.run().created_at)
        RestorePushing(run_id, RunPushLedger(database, run_id), remote).push(
            head=last.head, commit=last.commit
        )

    def run(self) -> OperationRun:
        with self._place.database.transaction() as session:
            return session.get_one(OperationRun, self._correlation.run_id)

    def pushes(self) -> Sequence[RunPush]:
        return self.run().context.pushes

    def ticket(self, number: int = 1) -> str:
        return ticket_ref(self._correlation.run_id, number)

    def landed(self) -> Sequence[str]:
        """Return the run's commits in the branch's history, as the remote itself has it."""
        trailer = f"^Operation-Run: {self._correlation.run_id}$"
        return git("log", "--format=%H", f"--grep={trailer}", BRANCH, cwd=self._place.remote.path).split()
