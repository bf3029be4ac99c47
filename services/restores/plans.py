from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.actor import Actor
from models.base import Clock, utc_now
from models.environment import Environment
from models.errors import InvalidInput, RefNotFound
from models.restore import RestoreMode, RestorePlan, RestorePoint
from services.hashing import digest
from services.repositories.mirror import Mirror, MirrorStore
from services.repositories.objects import Entry, entries
from services.restores.planned_items import count
from services.restores.preview import preview, select


class RestorePlans:
    """Previews restores; a plan is immutable, and a restore executes a plan and nothing else."""

    def __init__(self, session: Session, mirrors: MirrorStore, *, clock: Clock = utc_now) -> None:
        self._session = session
        self._mirrors = mirrors
        self._clock = clock

    def create(
        self,
        environment: Environment,
        *,
        restore_point_id: UUID,
        mode: str,
        items: Sequence[str] | None,
        actor: Actor,
    ) -> RestorePlan:
        """Compare the restore point with the live branch as it is now, and keep the preview.

        `items` are globs; None selects every item. Raises InvalidInput by field, and
        EnvironmentUnreachable where the repository does not answer.
        """
        point = self._session.get(RestorePoint, restore_point_id)
        if point is None or point.environment_id != environment.id:
            raise InvalidInput("restore_point_id", "This environment has no such restore point.")
        restore_mode = _mode(mode)
        if items is not None and not items:
            raise InvalidInput("items", "No item is selected. Leave `items` out to select every one.")
        patterns = list(items or [])
        mirror = self._mirrors.open(environment.id, environment.repository_url)
        live_commit = _live(mirror, environment)
        _present(mirror, point)
        wanted = entries(mirror.repository, point.commit, environment.path_prefix)
        live = entries(mirror.repository, live_commit, environment.path_prefix)
        _check_selection(patterns, wanted, live if restore_mode is RestoreMode.EXACT else [], environment)
        changes = preview(
            mirror.repository,
            live=live,
            wanted=wanted,
            mode=restore_mode,
            patterns=patterns,
            prefix=environment.path_prefix,
            limit=mirror.limits.max_file_bytes,
        )
        facts = {
            "restore_commit": point.commit,
            "live_commit": live_commit,
            "mode": restore_mode,
            "items": patterns,
            "changes": changes,
        }
        plan = RestorePlan(
            id=uuid7(),
            workspace_id=environment.workspace_id,
            environment_id=environment.id,
            restore_point_id=point.id,
            counts=count(changes),
            digest=digest({"environment_id": environment.id, **facts}),
            created_by=actor.name,
            created_at=self._clock(),
            **facts,
        )
        self._session.add(plan)
        self._session.flush()
        return plan


def _mode(mode: str) -> RestoreMode:
    try:
        return RestoreMode(mode)
    except ValueError:
        raise InvalidInput("mode", f"There is no mode {mode!r}. Use overlay or exact.") from None


def _live(mirror: Mirror, environment: Environment) -> str:
    mirror.fetch()
    try:
        return mirror.resolve(f"refs/heads/{environment.branch}")
    except RefNotFound:
        raise InvalidInput(
            "branch", f"The repository has no branch {environment.branch!r} any more. Mend the environment."
        ) from None


def _present(mirror: Mirror, point: RestorePoint) -> None:
    try:
        mirror.ensure([point.commit])
    except RefNotFound:
        raise InvalidInput(
            "restore_point_id",
            "The repository no longer has the commit of this restore point; choose another.",
        ) from None


def _check_selection(
    patterns: Sequence[str], wanted: Sequence[Entry], live: Sequence[Entry], environment: Environment
) -> None:
    if not wanted:
        # An exact restore to nothing would remove the whole environment.
        raise InvalidInput(
            "restore_point_id",
            f"It has nothing under {environment.path_prefix or 'its root'!r}. Choose another restore point.",
        )
    for pattern in patterns:
        if not select([*wanted, *live], [pattern], prefix=environment.path_prefix):
            raise InvalidInput(
                "items",
                f"{pattern!r} selects nothing. Use a path, a folder, or a glob such as 'folder/*.json'.",
            )
