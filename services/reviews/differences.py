from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from models.contracts.review_compose import Evidence
from models.environment import Environment
from models.errors import RefNotFound
from models.restore import RestorePoint
from services.repositories.diff import TreeChange, diff_trees
from services.repositories.mirror import Mirror


@dataclass(frozen=True, kw_only=True)
class Differences:
    """What changed from the previous review's tree, the baseline's and the restore point's to the live one.

    None where the environment has no such commit, or the repository no longer has it.
    """

    previous: Sequence[TreeChange] | None
    baseline: Sequence[TreeChange] | None
    point: Sequence[TreeChange] | None


def compare_trees(
    mirror: Mirror, environment: Environment, evidence: Evidence, point: RestorePoint | None
) -> Differences:
    """Compare the live tree with the previous review's, the baseline's and the restore point's.

    Raises RefNotFound where the baseline's commit is gone.
    """
    previous = _if_available(mirror, evidence.previous_commit)
    pinned = _if_available(mirror, point.commit if point else None)
    commits = (previous, evidence.baseline_commit, pinned)
    # One git process for each commit, all at the same time.
    with ThreadPoolExecutor(max_workers=len(commits)) as git:
        found = {
            commit: git.submit(diff_trees, mirror, commit, evidence.commit, environment.path_prefix)
            for commit in dict.fromkeys(commits)
            if commit is not None
        }
    of = [found[commit].result() if commit is not None else None for commit in commits]
    return Differences(previous=of[0], baseline=of[1], point=of[2])


def _if_available(mirror: Mirror, commit: str | None) -> str | None:
    try:
        mirror.ensure([commit] if commit else [])
    except RefNotFound:
        return None
    return commit
