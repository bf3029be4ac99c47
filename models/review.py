from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Json, one_of, within_environment


class ReviewStatus(StrEnum):
    """Where a review stands in its lineage."""

    DRAFT = "draft"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    ARCHIVED = "archived"


# The restore that a review's evidence names. PostgreSQL uses the index only for these very words.
LAST_RESTORE = "sections #>> '{restore,last_restore,run_id}'"

LIVE = frozenset({ReviewStatus.DRAFT, ReviewStatus.PUBLISHED})


class EnvironmentReview(Base):
    """An immutable composition of one evidence set, with its place in the lineage.

    `fingerprint` identifies the evidence: a sha256 over the ids of its trees (services/reviews/evidence.py).
    Only `status`, `superseded_by_id` and the times of those steps ever change.
    """

    __tablename__ = "environment_reviews"

    id: Mapped[Id]
    workspace_id: Mapped[UUID]
    environment_id: Mapped[UUID]
    run_id: Mapped[UUID] = mapped_column(ForeignKey("operation_runs.id"), unique=True)
    status: Mapped[str]
    fingerprint: Mapped[str]
    commit: Mapped[str]
    tree: Mapped[str]
    baseline_commit: Mapped[str | None]
    baseline_tree: Mapped[str | None]
    previous_review_id: Mapped[UUID | None] = mapped_column(ForeignKey("environment_reviews.id"))
    superseded_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("environment_reviews.id"))
    composer_version: Mapped[str]
    summary: Mapped[Json]
    sections: Mapped[Json]
    findings: Mapped[list[Json]]
    composed_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    superseded_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]

    __table_args__ = (
        within_environment(),
        CheckConstraint(one_of("status", ReviewStatus), name="status"),
        CheckConstraint("status <> 'published' OR published_at IS NOT NULL", name="published_at"),
        CheckConstraint("(status = 'superseded') = (superseded_at IS NOT NULL)", name="superseded_at"),
        CheckConstraint("(status = 'superseded') = (superseded_by_id IS NOT NULL)", name="superseded_by"),
        CheckConstraint("(status = 'archived') = (archived_at IS NOT NULL)", name="archived_at"),
        # A lineage does not fork: a review supersedes at most one other.
        UniqueConstraint("superseded_by_id"),
        Index(
            "uq_environment_reviews_live_fingerprint",
            "workspace_id",
            "environment_id",
            "fingerprint",
            unique=True,
            postgresql_where=text("status IN ('draft', 'published')"),
        ),
        # An environment has one published review; publishing supersedes it in the same transaction.
        Index(
            "uq_environment_reviews_published",
            "workspace_id",
            "environment_id",
            unique=True,
            postgresql_where=text("status = 'published'"),
        ),
        # Reconciliation reads every match, superseded and archived ones too.
        Index("ix_environment_reviews_fingerprint", "fingerprint"),
        Index("ix_environment_reviews_last_restore", text(f"({LAST_RESTORE})")),
        Index("ix_environment_reviews_list", "workspace_id", "environment_id", text("composed_at DESC")),
    )


class ReviewChange(Base):
    """One changed item of a review, in the order of paths.

    `settings` is one object per changed setting, {`path`, `before`, `after`}, with secrets masked; `commits`
    changed the item since the previous review, {`id`, `author`, `at`, `subject`}, newest first.
    """

    __tablename__ = "environment_review_changes"

    review_id: Mapped[UUID] = mapped_column(ForeignKey("environment_reviews.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    change: Mapped[str]
    kind: Mapped[str]
    path: Mapped[str]
    previous_path: Mapped[str | None]
    settings: Mapped[list[Json]]
    commits: Mapped[list[Json]]
