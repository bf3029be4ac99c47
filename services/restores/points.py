from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from models.access import AuditAction
from models.actor import Actor
from models.base import Clock, utc_now
from models.environment import Environment
from models.errors import Conflict, InvalidInput, RefNotFound
from models.restore import RestorePoint
from services.access.audit import Audit
from services.connections.access import EnvironmentMirrors
from services.connections.uses import note_use
from services.database.session import Database
from services.repositories.refs import check_ref
from services.validation import check_name


class RestorePoints:
    """Pins commits of an environment under a name; no transaction is open while the repository is asked."""

    def __init__(self, database: Database, mirrors: EnvironmentMirrors, *, clock: Clock = utc_now) -> None:
        self._database = database
        self._mirrors = mirrors
        self._clock = clock

    def create(self, environment: Environment, *, label: str, ref: str, actor: Actor) -> RestorePoint:
        """Pin the commit that `ref` names now.

        Raises InvalidInput for an invalid label or ref, Conflict for a label that is taken, and
        EnvironmentUnreachable where the repository does not answer.
        """
        label = check_name(label, field="label")
        check_ref(ref)
        mirror = self._mirrors.open(environment)
        mirror.fetch()
        try:
            commit = mirror.resolve(ref)
        except RefNotFound as error:
            raise InvalidInput("ref", str(error)) from error
        values = {
            "id": uuid7(),
            "workspace_id": environment.workspace_id,
            "environment_id": environment.id,
            "label": label,
            "ref": ref,
            "commit": commit,
            "created_by": actor.name,
            "created_at": self._clock(),
        }
        statement = insert(RestorePoint).values(values).on_conflict_do_nothing().returning(RestorePoint)
        with self._database.transaction() as session:
            note_use(session, environment, by=actor.name, at=self._clock())
            point = session.scalars(statement).one_or_none()
            if point is not None:
                Audit(
                    session=session, workspace_id=point.workspace_id, actor=actor, clock=self._clock
                ).record(AuditAction.RESTORE_POINT_CREATED, label, subject_id=point.id, detail=commit)
        if point is None:
            raise Conflict(f"This environment has a restore point {label!r} already. Choose another label.")
        return point
