from dataclasses import dataclass
from functools import cached_property

from models.environment import Environment
from models.errors import RefNotFound
from models.operation_run import OperationRun
from models.restore import PlannedChange, RestorePoint
from services.connections.access import EnvironmentMirrors
from services.repositories.commits import commit_tree, write_tree
from services.repositories.git import CheckCancelled
from services.repositories.mirror import Mirror
from services.repositories.objects import tree_of
from services.repositories.tickets import AUTHOR
from services.restores.planned_items import WRITING, PlannedItems
from services.restores.progress import TRAILER, RestoreProgress, read_progress, whole_tree
from services.restores.push_ledger import pushes_of


@dataclass(frozen=True, kw_only=True)
class RestoreWork:
    """One run's restore: its plan and point, and the environment whose branch it writes to."""

    run: OperationRun
    planned: PlannedItems
    point: RestorePoint
    environment: Environment
    mirrors: EnvironmentMirrors

    @cached_property
    def mirror(self) -> Mirror:
        """The environment's mirror, opened at the first use: a refusal must not undo the run's claim."""
        return self.mirrors.open(self.environment)

    def head(self, check_cancelled: CheckCancelled) -> str:
        """Ask the remote for the live branch's head; raise RefNotFound where the branch is gone."""
        head = self.mirror.head_of(self.environment.branch, check_cancelled)
        if head is None:
            raise RefNotFound(self.environment.branch)
        return head

    def progress_at(self, head: str) -> RestoreProgress:
        """Read the live branch as of `head`, which the mirror holds."""
        return read_progress(self.mirror, self.environment, self.planned, self.run, head)

    def first_progress(self, check_cancelled: CheckCancelled) -> RestoreProgress:
        """Assume the head that the plan saw, if the plan writes anything; otherwise ask the remote.

        A commit may be built on an outdated head: the push succeeds only if the branch is still there. Where
        the run has pushed before, the remote is asked.
        """
        live = self.planned.plan.live_commit
        assumed = self.planned.writes and not pushes_of(self.run) and self.mirror.holds(live)
        return self.progress_at(live if assumed else self.head(check_cancelled))

    def build_commit(self, head: str) -> str:
        """Write the restore's commit on `head` and return its id: every attempt builds the same one."""
        summary = f"{self.planned.writes} items from {self.point.commit[:12]}."
        return commit_tree(
            self.mirror.repository,
            tree=whole_tree(self.mirror, self.environment, self.planned) or self._write_tree(head),
            parent=head,
            message=f"Restore {self.point.label}\n\n{summary}",
            trailers={TRAILER: str(self.run.id)},
            author_name=AUTHOR[0],
            author_email=AUTHOR[1],
            at=self.run.created_at,
        )

    def _write_tree(self, head: str) -> str:
        repository, changes = self.mirror.repository, self.planned.changes
        return write_tree(
            repository,
            tree_of(repository, head),
            writes={
                change["path"]: (change["wanted"]["oid"], change["wanted"]["mode"])
                for change in changes
                if change["change"] in WRITING and change["wanted"]
            },
            deletes=[change["path"] for change in changes if change["change"] == PlannedChange.DELETE],
        )
