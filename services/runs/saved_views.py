from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.access import AuditAction
from models.actor import Actor
from models.base import Clock, utc_now
from models.errors import InvalidInput, NotFound
from models.saved_view import SavedView
from services.access.audit import Audit

LONGEST_NAME: Final = 60
MOST_OF_A_WORKSPACE: Final = 50


class SavedViews:
    """Saves and deletes the named lists of runs that a workspace's members share; each change is audited."""

    def __init__(self, session: Session, *, actor: Actor, clock: Clock = utc_now) -> None:
        self._session = session
        self._actor = actor
        self._clock = clock

    def save(self, *, workspace_id: UUID, name: str, filters: Mapping[str, str]) -> SavedView:
        """Save a list under a name; raise InvalidInput("name") where it is empty, too long, or taken.

        Names are compared without case. Raises InvalidInput("filters") where no filter is set.
        """
        name = " ".join(name.split())
        self._check(workspace_id, name, filters)
        statement = insert(SavedView).values(
            workspace_id=workspace_id,
            name=name,
            filters=dict(filters),
            created_by=self._actor.name,
            created_at=self._clock(),
        )
        saved = self._session.scalars(statement.on_conflict_do_nothing().returning(SavedView)).one_or_none()
        if saved is None:
            raise InvalidInput(
                "name", f"name: this workspace has a view “{name}” already. Choose another name."
            )
        self._record(AuditAction.VIEW_SAVED, saved)
        return saved

    def delete(self, view_id: UUID) -> None:
        """Delete a list; raise NotFound where there is none of that id."""
        view = self._session.get(SavedView, view_id)
        if view is None:
            raise NotFound
        self._session.delete(view)
        self._record(AuditAction.VIEW_DELETED, view)

    def _record(self, action: AuditAction, view: SavedView) -> None:
        audit = Audit(
            session=self._session, workspace_id=view.workspace_id, actor=self._actor, clock=self._clock
        )
        audit.record(action, view.name, subject_id=view.id)

    def _check(self, workspace_id: UUID, name: str, filters: Mapping[str, str]) -> None:
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise InvalidInput("name", f"name: give the view a name of 1 to {LONGEST_NAME} characters.")
        if not filters:
            raise InvalidInput("filters", "filters: narrow the list first; a view is what it is narrowed to.")
        of_it = select(func.count()).where(SavedView.workspace_id == workspace_id)
        if (self._session.scalar(of_it) or 0) >= MOST_OF_A_WORKSPACE:
            message = f"name: this workspace has {MOST_OF_A_WORKSPACE} views. Delete one that nobody uses."
            raise InvalidInput("name", message)


def list_saved_views(session: Session, *, workspaces: Collection[UUID]) -> Sequence[SavedView]:
    """Return the saved views of the workspaces, by name."""
    statement = select(SavedView).where(SavedView.workspace_id.in_(workspaces))
    return session.scalars(statement.order_by(func.lower(SavedView.name), SavedView.id)).all()
