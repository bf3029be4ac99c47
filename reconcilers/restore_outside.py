from contextlib import suppress

from models.environment import Environment
from models.errors import RepositoryError
from models.operation_run import OperationRun
from reconcilers.restore_execute_decision import RestoreFacts
from services.connections.access import EnvironmentMirrors
from services.database.session import Database
from services.restores.push_ledger import RunPushLedger
from services.restores.push_remote import MirrorRemote
from services.restores.pushing import RestorePushing


class RestoreOutside:
    """The pushes of restores that may still land, and the tickets that close them."""

    def __init__(self, database: Database, mirrors: EnvironmentMirrors) -> None:
        self._database = database
        self._mirrors = mirrors

    def fence(self, run: OperationRun, facts: RestoreFacts) -> bool:
        """Close the run's last push where it has no answer; return False where that brought none."""
        if not facts.needs_fence or facts.branch is None or not facts.execution.ended:
            return False
        try:
            self._pushing(run).close()
        except RepositoryError:
            return False
        return True

    def tidy(self, run: OperationRun) -> None:
        """Delete the run's tickets, where the repository is still within reach."""
        if run.context.pushes:
            with suppress(RepositoryError):
                self._pushing(run).delete_tickets()

    def _pushing(self, run: OperationRun) -> RestorePushing:
        with self._database.transaction() as session:
            environment = session.get_one(Environment, run.environment_id)
        mirror = self._mirrors.open(environment)
        remote = MirrorRemote(mirror, environment.branch, at=run.created_at)
        return RestorePushing(run.id, RunPushLedger(self._database, run.id), remote)
