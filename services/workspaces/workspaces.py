from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.access import AuditAction, Workspace
from models.actor import Actor
from models.base import Clock, utc_now
from models.errors import Conflict, InvalidInput
from services.access.audit import SYSTEM, Audit
from services.validation import check_name, check_slug


class Workspaces:
    """The workspaces of an installation; their creation is audited."""

    def __init__(self, session: Session, *, actor: Actor = SYSTEM, clock: Clock = utc_now) -> None:
        self._session = session
        self._actor = actor
        self._clock = clock

    def create(self, *, slug: str, name: str | None = None) -> Workspace:
        """Insert a workspace, by default named as its slug; raise Conflict for a slug that is taken."""
        workspace = self.ensure(slug=slug, name=name)
        if workspace is None:
            raise Conflict(f"There is a workspace {slug!r} already. Choose another slug.")
        return workspace

    def ensure(self, *, slug: str, name: str | None = None) -> Workspace | None:
        """Insert a workspace; None means that it is there already, and is left as it is."""
        values = {
            "id": uuid7(),
            "slug": check_slug(slug),
            "name": check_name(name or slug),
            "created_at": self._clock(),
        }
        statement = insert(Workspace).values(values).on_conflict_do_nothing().returning(Workspace)
        workspace = self._session.scalars(statement).one_or_none()
        if workspace is not None:
            audit = Audit(
                session=self._session, workspace_id=workspace.id, actor=self._actor, clock=self._clock
            )
            audit.record(AuditAction.WORKSPACE_CREATED, workspace.slug, subject_id=workspace.id)
        return workspace

    def find(self, given: str) -> Workspace:
        """Return a workspace by slug; raise InvalidInput where there is none."""
        found = self._session.scalars(select(Workspace).where(Workspace.slug == given)).one_or_none()
        if found is None:
            raise InvalidInput("workspace", f"There is no workspace {given!r}. Create it first.")
        return found
