from collections.abc import Mapping
from typing import Final
from uuid import UUID

import pygit2

from models.base import Json
from models.contracts.review_compose import Evidence
from models.environment import Environment
from models.errors import PathPrefixEmpty
from models.review import EnvironmentReview
from services.hashing import digest
from services.repositories.mirror import Mirror
from services.repositories.objects import entry_groups, is_file, subtree_of, tree_of
from services.repositories.refs import branch_ref, commit_at
from services.repositories.tree_objects import size_of

# Part of the fingerprint: raise it when the same evidence would give another review.
COMPOSER_VERSION: Final = "3"

# Up to this much, in all that is compared, a review is composed in the step that pins its evidence. A killed
# worker then loses a second's work; a step of its own would cost every review a round trip through Temporal.
ITEMS_AT_ONCE: Final = 200
BYTES_AT_ONCE: Final = 2 * 1024**2


def pin_evidence(
    mirror: Mirror, environment: Environment, ref: str | None, published: EnvironmentReview | None
) -> Evidence:
    """Resolve the commits that a review is composed from, in the fetched mirror, and fingerprint them.

    Raises RefNotFound, and PathPrefixEmpty where the commit has nothing under the environment's prefix.
    """
    commit = mirror.resolve(ref or branch_ref(environment.branch))
    baseline = mirror.resolve(environment.baseline_ref) if environment.baseline_ref else None
    trees = trees_of(mirror, environment, commit, baseline)
    if trees["live_tree"] is None:
        raise PathPrefixEmpty
    inputs = fingerprint_inputs(
        environment_id=environment.id,
        **trees,
        previous_tree=published.tree if published else None,
        composer_version=COMPOSER_VERSION,
    )
    return Evidence(
        commit=commit,
        baseline_commit=baseline,
        previous_review_id=published.id if published else None,
        previous_commit=published.commit if published else None,
        fingerprint=digest(inputs),
    )


def fingerprint_inputs(
    *,
    environment_id: UUID,
    live_tree: str | None,
    baseline_tree: str | None,
    previous_tree: str | None,
    composer_version: str,
) -> Json:
    """Return the object whose digest is a review's fingerprint."""
    return {
        "environment_id": str(environment_id),
        "live_tree": live_tree,
        "baseline_tree": baseline_tree,
        "previous_tree": previous_tree,
        "composer_version": composer_version,
    }


def trees_of(
    mirror: Mirror, environment: Environment, commit: str, baseline: str | None
) -> Mapping[str, str | None]:
    """Return the trees under the environment's prefix, as `live_tree` and `baseline_tree`."""

    def tree(of: str | None) -> str | None:
        return of and subtree_of(mirror.repository, tree_of(mirror.repository, of), environment.path_prefix)

    return {"live_tree": tree(commit), "baseline_tree": tree(baseline)}


def commits_of(evidence: Evidence) -> list[str]:
    """Return the commits that a review needs; without the previous one it shows no changes."""
    return [commit for commit in (evidence.commit, evidence.baseline_commit) if commit]


def is_small(mirror: Mirror, environment: Environment, evidence: Evidence) -> bool:
    """Return whether the review's distinct items are at most ITEMS_AT_ONCE and BYTES_AT_ONCE."""
    repository = mirror.repository
    previous = evidence.previous_commit and commit_at(repository, evidence.previous_commit)
    items = set[tuple[bytes, bytes]]()
    files = set[bytes]()
    for commit in [*commits_of(evidence), *([previous] if previous else [])]:
        for group in entry_groups(repository, commit, environment.path_prefix):
            items.update((group.folder + name, oid) for name, oid in group.names)
            files.update(oid for _, oid in group.names if is_file(group.mode))
            if len(items) > ITEMS_AT_ONCE:
                return False
    return _bytes_of(repository, files) <= BYTES_AT_ONCE


def _bytes_of(repository: pygit2.Repository, files: set[bytes]) -> int:
    return sum(size_of(repository, oid.hex()) for oid in files)
