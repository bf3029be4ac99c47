from collections.abc import Sequence
from dataclasses import dataclass

from models.environment import Environment
from models.operation_run import OperationRun
from services.repositories.mirror import Mirror
from services.repositories.objects import entries, tree_of
from services.repositories.refs import commit_at
from services.repositories.trailers import find_by_trailer
from services.restores.planned_items import PlannedItems
from services.restores.preview import states

TRAILER = "Operation-Run"


@dataclass(frozen=True, kw_only=True)
class RestoreProgress:
    """How far a restore has come, told by the branch itself (section 7).

    `changed` names the planned items that moved since the plan; none where they are as planned by now.
    """

    head: str
    own_commits: Sequence[str]
    as_planned: bool
    changed: Sequence[str]


def look(
    mirror: Mirror, environment: Environment, planned: PlannedItems, run: OperationRun, head: str
) -> RestoreProgress:
    """Read the live branch at its head: this run's commits, the items, and what moved since the plan."""
    plan = planned.plan
    if head == plan.live_commit:
        # The plan itself tells: it was made from this very commit.
        return RestoreProgress(head=head, own_commits=[], as_planned=not planned.writes, changed=[])
    repository = mirror.repository
    # After a rewritten history, or on another machine, what was live then may not be at hand.
    since = commit_at(repository, plan.live_commit)
    own_commits = find_by_trailer(repository, key=TRAILER, value=str(run.id), head=head, since=since)
    if tree_of(repository, head) == whole_tree(mirror, environment, planned):
        return RestoreProgress(head=head, own_commits=own_commits, as_planned=True, changed=[])
    live = entries(repository, head, environment.path_prefix)
    current = states(live)
    as_planned = planned.stand(current)
    return RestoreProgress(
        head=head,
        own_commits=own_commits,
        as_planned=as_planned,
        changed=[] if as_planned else planned.moved(live, current, prefix=environment.path_prefix),
    )


def whole_tree(mirror: Mirror, environment: Environment, planned: PlannedItems) -> str | None:
    """Return the one tree that a branch has after a restore of everything: the restore point's own.

    None: the plan leaves something of the branch as it is, or the mirror lacks the restore point's commit.
    """
    if environment.path_prefix or not planned.is_whole:
        return None
    commit = commit_at(mirror.repository, planned.plan.restore_commit)
    return commit and tree_of(mirror.repository, commit)
