from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.environment import Environment
from models.errors import ItemsRefused
from models.operation_run import OperationRun
from models.restore import PlannedChange, RestoreMode, RestorePlan
from services.paths import shown
from services.repositories.commits import find_by_trailer
from services.repositories.mirror import Mirror
from services.repositories.objects import Entry, entries
from services.restore_preview import State, select, states

TRAILER = "Operation-Run"
WRITING = frozenset({PlannedChange.CREATE, PlannedChange.UPDATE, PlannedChange.DELETE})


@dataclass(frozen=True, kw_only=True)
class RestoreProgress:
    """How far a restore has come, told by the branch itself (section 7).

    `changed` names the planned items that moved since the plan; none where they are as planned by now.
    """

    head: str
    own_commits: Sequence[str]
    as_planned: bool
    changed: Sequence[str]


def look(mirror: Mirror, environment: Environment, plan: RestorePlan, run: OperationRun) -> RestoreProgress:
    """Read the fetched branch: this run's commits, the items as they are, and what moved since the plan.

    Raises RefNotFound where the branch is gone.
    """
    head = head_of(mirror, environment)
    if head == plan.live_commit:
        # The plan itself tells: it was made from this very commit.
        return RestoreProgress(head=head, own_commits=[], as_planned=not _writes(plan), changed=[])
    repository = mirror.repository
    live = entries(repository, head, environment.path_prefix)
    current = states(live)
    as_planned = _as_planned(plan, current)
    return RestoreProgress(
        head=head,
        own_commits=find_by_trailer(
            repository, key=TRAILER, value=str(run.id), head=head, since=plan.live_commit
        ),
        as_planned=as_planned,
        changed=[] if as_planned else _changed(plan, live, current, prefix=environment.path_prefix),
    )


def head_of(mirror: Mirror, environment: Environment) -> str:
    """Return the commit of the fetched branch; raise RefNotFound where the branch is gone."""
    return mirror.resolve(f"refs/heads/{environment.branch}")


def check_writable(plan: RestorePlan) -> None:
    """Raise ItemsRefused, naming them, where a plan has refused items and nothing else to write."""
    refused = [change["path"] for change in plan.changes if change["change"] == PlannedChange.REFUSED]
    if refused and not _writes(plan):
        raise ItemsRefused(refused)


def _writes(plan: RestorePlan) -> bool:
    return any(change["change"] in WRITING for change in plan.changes)


def _as_planned(plan: RestorePlan, current: Mapping[str, State]) -> bool:
    return all(
        current.get(change["path"]) == change["wanted"]
        for change in plan.changes
        if change["change"] != PlannedChange.REFUSED
    )


def _changed(
    plan: RestorePlan, live: Sequence[Entry], current: Mapping[str, State], *, prefix: str
) -> list[str]:
    planned = {change["path"]: change["live"] for change in plan.changes}
    moved = [path for path, live in planned.items() if current.get(path) != live]
    if plan.mode == RestoreMode.EXACT:
        # A new file that the selection matches counts as a planned item changed (section 6).
        selected = (shown(entry.path) for entry in select(live, plan.items, prefix=prefix))
        moved += (path for path in selected if path not in planned)
    return sorted(moved)
