from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Json, one_of, within_environment


class RestoreMode(StrEnum):
    """How far a restore goes: write the selected items, or also remove those the point lacks."""

    OVERLAY = "overlay"
    EXACT = "exact"


class PlannedChange(StrEnum):
    """What a restore will do to one item."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class RestorePoint(Base):
    """A named, pinned commit of an environment."""

    __tablename__ = "restore_points"

    id: Mapped[Id]
    workspace_id: Mapped[UUID]
    environment_id: Mapped[UUID]
    label: Mapped[str]
    ref: Mapped[str]
    commit: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (
        within_environment(),
        UniqueConstraint("workspace_id", "environment_id", "label"),
    )


class RestorePlan(Base):
    """An immutable preview of a restore; the database refuses every change of one.

    `items` are the glob patterns as given (empty: every item). `changes` is one object per selected item:
    {`path`, `change`, `reason`, `live` and `wanted`: {`oid`, `mode`} or null}. `counts`: of them by `change`;
    None in a plan from before these were kept.
    """

    __tablename__ = "restore_plans"

    id: Mapped[Id]
    workspace_id: Mapped[UUID]
    environment_id: Mapped[UUID]
    restore_point_id: Mapped[UUID] = mapped_column(ForeignKey("restore_points.id"))
    mode: Mapped[str]
    items: Mapped[list[str]]
    restore_commit: Mapped[str]
    live_commit: Mapped[str]
    changes: Mapped[list[Json]]
    counts: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    digest: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (
        within_environment(),
        CheckConstraint(one_of("mode", RestoreMode), name="mode"),
        Index("ix_restore_plans_environment", "workspace_id", "environment_id", "created_at"),
    )


class RestoreResult(Base):
    """What one run restored; `commit` is null where every item was as planned already.

    `items` is one object per planned item: {`path`, `change`, `result`}.
    """

    __tablename__ = "restore_results"

    id: Mapped[Id]
    workspace_id: Mapped[UUID]
    environment_id: Mapped[UUID]
    run_id: Mapped[UUID] = mapped_column(ForeignKey("operation_runs.id"), unique=True)
    restore_plan_id: Mapped[UUID] = mapped_column(ForeignKey("restore_plans.id"))
    commit: Mapped[str | None]
    items: Mapped[list[Json]]
    summary: Mapped[Json]
    created_at: Mapped[datetime]

    __table_args__ = (
        within_environment(),
        Index("ix_restore_results_environment", "workspace_id", "environment_id", "created_at"),
    )
