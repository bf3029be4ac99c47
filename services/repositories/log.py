import functools
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import pygit2

from models.base import Json
from models.errors import RepositoryError
from services.repositories.commit_facts import CommitFacts, commit_facts
from services.repositories.diff import TreeChange
from services.repositories.mirror import Mirror
from services.repositories.objects import read_blob
from services.repositories.path_history import OutOfBudget, PathHistory
from services.repositories.transport import run_local
from services.repositories.tree_objects import MAX_COMMIT_BYTES

# Enough to show who and when; a change made by more commits shows the newest.
COMMITS_PER_CHANGE: Final = 10
COMMITS_READ: Final = 5000


def commits_of_changes(
    mirror: Mirror, changes: Sequence[TreeChange], *, before: str, after: str
) -> Mapping[str, list[Json]]:
    """Return by changed item's path the commits of before..after that touched it, the newest first.

    A commit is what `CommitFacts.shown` returns; one with several parents is compared with its first. A
    renamed item has the commits of its old name too. All is read from Git's objects, where no name can pose
    as a field. The older part of a history is left out, past COMMITS_READ commits and where PathHistory ends.
    Raises RepositoryError where git cannot read the history.
    """
    if not changes:
        return {}
    names = {change.path: {change.path, change.previous_path or change.path} for change in changes}
    history = PathHistory(mirror.repository, {name for both in names.values() for name in both})
    facts_of = functools.cache(functools.partial(_facts, mirror.repository))
    commits = dict[str, Json]()
    touched = defaultdict[str, list[str]](list)
    for commit, path in _touched(history, _walk(mirror, before, after), facts_of):
        if len(touched[path]) < COMMITS_PER_CHANGE:
            touched[path].append(commit)
            if commit not in commits and (facts := facts_of(commit)):
                commits[commit] = facts.shown(commit)
    order = {commit: place for place, commit in enumerate(commits)}
    return {
        path: [commits[commit] for commit in _newest(touched, both, order)] for path, both in names.items()
    }


def _newest(touched: Mapping[str, Sequence[str]], names: set[str], order: Mapping[str, int]) -> Sequence[str]:
    found = {commit for name in names for commit in touched.get(name, ())}
    return sorted(found, key=order.__getitem__)[:COMMITS_PER_CHANGE]


def _touched(
    history: PathHistory, commits: Sequence[str], facts_of: Callable[[str], CommitFacts | None]
) -> Iterator[tuple[str, str]]:
    """Yield each commit with each path that it touched, until the history's budget ends."""
    try:
        for commit in commits:
            facts = facts_of(commit)
            if facts is not None:
                parent = facts_of(facts.parents[0]) if facts.parents else None
                for path in history.differing(parent.tree if parent else None, facts.tree):
                    yield commit, path
    except OutOfBudget:
        return


def _walk(mirror: Mirror, before: str, after: str) -> Sequence[str]:
    """Return the commits of before..after in git's order: the newest first."""
    # By git, and not in this process: a walk through a history without end is then ended.
    arguments = ["rev-list", f"--max-count={COMMITS_READ}", "--end-of-options", f"{before}..{after}", "--"]
    result = run_local(mirror.path, arguments, limits=mirror.limits)
    if result.exit_code != 0:
        raise RepositoryError("The history between two commits could not be read.")
    return result.stdout.decode("ascii").split()


def _facts(repository: pygit2.Repository, commit: str) -> CommitFacts | None:
    """Read a commit; None for one past MAX_COMMIT_BYTES, which is passed over."""
    data = read_blob(repository, commit, limit=MAX_COMMIT_BYTES)
    return None if data is None else commit_facts(data)
