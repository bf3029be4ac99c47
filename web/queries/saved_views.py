from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.saved_view import SavedView


def list_saved_views(session: Session, *, workspaces: Collection[UUID]) -> Sequence[SavedView]:
    """Return the views that are kept in the workspaces a reader may see, by name."""
    statement = select(SavedView).where(SavedView.workspace_id.in_(workspaces))
    return session.scalars(statement.order_by(func.lower(SavedView.name), SavedView.id)).all()


def get_saved_view(session: Session, view_id: UUID) -> SavedView | None:
    """Return a view by its id alone; whether the reader may see it is the caller's question."""
    return session.get(SavedView, view_id)
