from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id


class RenderedFile(Base):
    """A report or pack of a review: claimed by the process that renders it, then kept as rendered.

    `name` says which one ("technical.pdf"), and `version` which program and composer rendered it. While
    `sha256` is null nothing is kept: until `claimed_until` a process renders it, or, where `problem` names
    why it cannot be rendered, no process tries again.
    """

    __tablename__ = "rendered_files"

    id: Mapped[Id]
    review_id: Mapped[UUID] = mapped_column(ForeignKey("environment_reviews.id", ondelete="CASCADE"))
    workspace_id: Mapped[UUID]
    name: Mapped[str]
    version: Mapped[str]
    claimed_until: Mapped[datetime | None]
    problem: Mapped[str | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]

    __table_args__ = (
        # One process renders a file at a time (services/reports/kept_files.py).
        UniqueConstraint("review_id", "name"),
        CheckConstraint(
            "(sha256 IS NULL) = (size IS NULL) AND (sha256 IS NULL) = (claimed_until IS NOT NULL)",
            name="kept",
        ),
        CheckConstraint("problem IS NULL OR sha256 IS NULL", name="problem"),
    )


class RenderedPiece(Base):
    """A piece of a rendered file, so that sending one holds a piece in memory and no transaction open."""

    __tablename__ = "rendered_pieces"

    file_id: Mapped[UUID] = mapped_column(
        ForeignKey("rendered_files.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    content: Mapped[bytes]
