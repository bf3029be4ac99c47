from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import SLUG_PATTERN, Base, Id


class Environment(Base):
    """A Git repository, a branch and a path prefix; its live state is the branch's head."""

    __tablename__ = "environments"

    id: Mapped[Id]
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    slug: Mapped[str]
    name: Mapped[str]
    repository_url: Mapped[str]
    branch: Mapped[str]
    path_prefix: Mapped[str] = mapped_column(default="")
    baseline_ref: Mapped[str | None]
    created_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("workspace_id", "slug"),
        # Rows refer to an environment by both ids, so that none can cross a workspace.
        UniqueConstraint("workspace_id", "id"),
        CheckConstraint(f"slug ~ '{SLUG_PATTERN}'", name="slug"),
    )
