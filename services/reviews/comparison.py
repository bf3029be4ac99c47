from collections.abc import Sequence
from typing import Final

from models.base import Json
from models.contracts.review_compose import Evidence
from models.environment import Environment
from models.errors import RepositoryError
from models.review import EnvironmentReview
from services.inventory.facts_cache import ItemFacts
from services.inventory.reader import ItemReader
from services.repositories.diff import TreeChange, diff_trees
from services.repositories.git import never_cancelled
from services.repositories.mirror import Mirror
from services.repositories.refs import commit_at
from services.reviews.changes import rows_of_changes

# Each may be two files of the largest size, and one page reads them all.
ROWS_AT_ONCE: Final = 20


class ReviewComparison:
    """What changed between the commits of two reviews of one environment, read from Git's objects.

    Counts and words changes as a composition does; stores nothing.
    """

    def __init__(
        self, mirror: Mirror, environment: Environment, before: EnvironmentReview, after: EnvironmentReview
    ) -> None:
        self._mirror = mirror
        self._environment = environment
        self._before = before
        self._after = after

    def is_at_hand(self) -> bool:
        """Return whether the mirror is undamaged and holds both commits, so that no fetch is needed."""
        if self._mirror.is_damaged():
            return False
        try:
            repository = self._mirror.repository
            return all(commit_at(repository, commit) is not None for commit in self._commits)
        except RepositoryError:
            return False

    def fetch(self) -> None:
        """Have both commits in the mirror; a damaged mirror is recreated.

        Raises EnvironmentUnreachable, and RefNotFound where the repository no longer has one of them.
        """
        if self._mirror.is_damaged():
            self._mirror.fetch()
        self._mirror.ensure(self._commits)

    def changes(self) -> Sequence[TreeChange]:
        """Return the files that differ under the environment's prefix, in the order of paths."""
        return diff_trees(
            self._mirror, self._before.commit, self._after.commit, self._environment.path_prefix
        )

    def rows(self, changes: Sequence[TreeChange]) -> list[Json]:
        """Return the changes setting by setting, secrets masked, as a review keeps them.

        Reads both versions of every changed file, so pass at most ROWS_AT_ONCE changes.
        """
        evidence = Evidence(
            commit=self._after.commit,
            baseline_commit=None,
            previous_review_id=self._before.id,
            previous_commit=self._before.commit,
            fingerprint=self._after.fingerprint,
        )
        reader = ItemReader(
            self._mirror.repository,
            ItemFacts(self._mirror.path),
            prefix=self._environment.path_prefix,
            limit=self._mirror.limits.max_file_bytes,
        )
        return rows_of_changes(self._mirror, evidence, changes, reader, check_cancelled=never_cancelled)

    @property
    def _commits(self) -> tuple[str, str]:
        return self._before.commit, self._after.commit
