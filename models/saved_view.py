from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Json


class SavedView(Base):
    """A named list of runs that a workspace's members share: the filters of its address."""

    __tablename__ = "saved_views"

    id: Mapped[Id]
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    name: Mapped[str]
    filters: Mapped[Json]
    created_by: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (Index("uq_saved_views_name", "workspace_id", text("lower(name)"), unique=True),)
