from collections.abc import Sequence
from dataclasses import dataclass

from models.environment import Environment
from models.errors import EnvironmentChanged
from models.operation_run import OperationRun
from services.repositories.mirror import Mirror
from services.repositories.objects import entries, tree_of
from services.repositories.refs import commit_at
from services.repositories.trailers import find_by_trailer
from services.repositories.tree_sizes import size_of_tree
from services.restores.planned_items import PlannedItems
from services.restores.preview import states

TRAILER = "Operation-Run"


@dataclass(frozen=True, kw_only=True)
class RestoreProgress:
    """How far a restore has come, as the branch itself shows it.

    `own_commits` are this run's, the newest first. `changed` names the planned items that moved since the
    plan was made; it is empty where all are as planned.
    """

    head: str
    own_commits: Sequence[str]
    as_planned: bool
    changed: Sequence[str]

    @property
    def commit(self) -> str | None:
        """This run's commit; None where it has none."""
        return self.own_commits[0] if self.own_commits else None

    @property
    def is_inconsistent(self) -> bool:
        """Whether the branch has this run's commit but not the planned items, or several such commits."""
        return bool(self.own_commits) and (len(self.own_commits) > 1 or not self.as_planned)

    def check_plan_holds(self) -> None:
        """Raise EnvironmentChanged where planned items moved and this run has not committed."""
        if self.changed and not self.own_commits:
            raise EnvironmentChanged(self.changed)


def read_progress(
    mirror: Mirror, environment: Environment, planned: PlannedItems, run: OperationRun, head: str
) -> RestoreProgress:
    """Read from the live branch at `head` this run's commits, and which planned items moved."""
    plan = planned.plan
    if head == plan.live_commit:
        # The plan was made from this very commit.
        return RestoreProgress(head=head, own_commits=[], as_planned=not planned.writes, changed=[])
    repository = mirror.repository
    # After a rewritten history, or on another machine, the mirror may lack the commit the plan saw.
    since = commit_at(repository, plan.live_commit)
    own_commits = find_by_trailer(repository, key=TRAILER, value=str(run.id), head=head, since=since)
    if tree_of(repository, head) == whole_tree(mirror, environment, planned):
        return RestoreProgress(head=head, own_commits=own_commits, as_planned=True, changed=[])
    live = entries(repository, head, environment.path_prefix)
    current = states(live)
    as_planned = planned.match(current)
    return RestoreProgress(
        head=head,
        own_commits=own_commits,
        as_planned=as_planned,
        changed=[] if as_planned else planned.moved(live, current, prefix=environment.path_prefix),
    )


def whole_tree(mirror: Mirror, environment: Environment, planned: PlannedItems) -> str | None:
    """Return the tree that a branch has after a restore of everything: the restore point's own.

    None where the plan keeps some of the branch's items, the mirror lacks the restore point's commit, or a
    name in the tree may be one that is never written, if only that of an empty folder.
    """
    if environment.path_prefix or not planned.is_whole:
        return None
    repository = mirror.repository
    commit = commit_at(repository, planned.plan.restore_commit)
    tree = commit and tree_of(repository, commit)
    return None if tree is None or size_of_tree(repository, tree).may_be_dangerous else tree
