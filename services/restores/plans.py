from collections.abc import Sequence
from uuid import UUID

from uuid_utils.compat import uuid7

from models.access import AuditAction
from models.actor import Actor
from models.base import Clock, Json, utc_now
from models.environment import Environment
from models.errors import InvalidInput, RefNotFound
from models.restore import RestoreMode, RestorePlan, RestorePoint
from services.access.audit import Audit
from services.connections.access import EnvironmentMirrors
from services.connections.uses import note_use
from services.database.session import Database
from services.hashing import digest
from services.repositories.mirror import Mirror
from services.repositories.objects import Entry, entries
from services.repositories.refs import branch_ref
from services.restores.planned_items import count
from services.restores.preview import preview, select


class RestorePlans:
    """Previews restores; a plan is immutable, and a restore executes exactly a plan.

    No transaction is open while the repository is asked.
    """

    def __init__(self, database: Database, mirrors: EnvironmentMirrors, *, clock: Clock = utc_now) -> None:
        self._database = database
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
        """Compare the restore point with the live branch and store the preview.

        `items` are globs; None selects every item. Raises InvalidInput by field, and
        EnvironmentUnreachable where the repository does not answer.
        """
        point = self._point(environment, restore_point_id)
        restore_mode, patterns = _mode(mode), _patterns(items)
        mirror = self._mirrors.open(environment)
        live_commit = _live(mirror, environment)
        _present(mirror, point)
        changes = _preview(
            mirror, environment, live=live_commit, wanted=point.commit, mode=restore_mode, patterns=patterns
        )
        facts = {
            "restore_commit": point.commit,
            "live_commit": live_commit,
            "mode": restore_mode,
            "items": patterns,
            "changes": changes,
        }
        return self._keep(environment, point, facts, actor)

    def _keep(self, environment: Environment, point: RestorePoint, facts: Json, actor: Actor) -> RestorePlan:
        plan = RestorePlan(
            id=uuid7(),
            workspace_id=environment.workspace_id,
            environment_id=environment.id,
            restore_point_id=point.id,
            counts=count(facts["changes"]),
            digest=digest({"environment_id": environment.id, **facts}),
            created_by=actor.name,
            created_at=self._clock(),
            **facts,
        )
        with self._database.transaction() as session:
            note_use(session, environment, by=actor.name, at=plan.created_at)
            session.add(plan)
            Audit(session=session, workspace_id=plan.workspace_id, actor=actor, clock=self._clock).record(
                AuditAction.RESTORE_PLAN_CREATED, environment.name, subject_id=plan.id, detail=plan.digest
            )
        return plan

    def _point(self, environment: Environment, point_id: UUID) -> RestorePoint:
        with self._database.transaction() as session:
            point = session.get(RestorePoint, point_id)
        if point is None or point.environment_id != environment.id:
            raise InvalidInput("restore_point_id", "This environment has no such restore point.")
        return point


def _mode(mode: str) -> RestoreMode:
    try:
        return RestoreMode(mode)
    except ValueError:
        raise InvalidInput("mode", f"There is no mode {mode!r}. Use overlay or exact.") from None


def _patterns(items: Sequence[str] | None) -> list[str]:
    if items is not None and not items:
        raise InvalidInput("items", "No item is selected. Leave `items` out to select every one.")
    return list(items or [])


def _live(mirror: Mirror, environment: Environment) -> str:
    mirror.fetch()
    try:
        return mirror.resolve(branch_ref(environment.branch))
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


def _preview(
    mirror: Mirror,
    environment: Environment,
    *,
    live: str,
    wanted: str,
    mode: RestoreMode,
    patterns: Sequence[str],
) -> list[Json]:
    prefix = environment.path_prefix
    wanted_items = entries(mirror.repository, wanted, prefix)
    live_items = entries(mirror.repository, live, prefix)
    selectable = live_items if mode is RestoreMode.EXACT else []
    _check_selection(patterns, wanted_items, selectable, prefix)
    return preview(
        mirror.repository,
        live=live_items,
        wanted=wanted_items,
        mode=mode,
        patterns=patterns,
        prefix=prefix,
        limit=mirror.limits.max_file_bytes,
    )


def _check_selection(
    patterns: Sequence[str], wanted: Sequence[Entry], live: Sequence[Entry], prefix: str
) -> None:
    if not wanted:
        # An exact restore to nothing would remove the whole environment.
        raise InvalidInput(
            "restore_point_id",
            f"It has nothing under {prefix or 'its root'!r}. Choose another restore point.",
        )
    for pattern in patterns:
        if not select([*wanted, *live], [pattern], prefix=prefix):
            raise InvalidInput(
                "items",
                f"{pattern!r} selects nothing. Use a path, a folder, or a glob such as 'folder/*.json'.",
            )
