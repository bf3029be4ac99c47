from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import SLUG_PATTERN, Base, Id
from models.connection import Connection


class Environment(Base):
    """A Git repository, a branch and a path prefix; its live state is the branch's head.

    `connection`, read with the environment, is the one way to its repository (law L12). None: it was
    taken away; until the environment is given one, no repository is reached.
    """

    __tablename__ = "environments"

    id: Mapped[Id]
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    slug: Mapped[str]
    name: Mapped[str]
    repository_url: Mapped[str]
    branch: Mapped[str]
    path_prefix: Mapped[str] = mapped_column(default="")
    baseline_ref: Mapped[str | None]
    connection_id: Mapped[UUID | None]
    created_at: Mapped[datetime]

    connection: Mapped[Connection | None] = relationship(lazy="joined", viewonly=True)

    __table_args__ = (
        UniqueConstraint("workspace_id", "slug"),
        # Rows refer to an environment by both ids, so that none can cross a workspace.
        UniqueConstraint("workspace_id", "id"),
        ForeignKeyConstraint(
            ["workspace_id", "connection_id"], ["connections.workspace_id", "connections.id"]
        ),
        CheckConstraint(f"slug ~ '{SLUG_PATTERN}'", name="slug"),
    )
