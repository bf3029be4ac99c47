from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import Json
from models.errors import NotFound
from models.review import EnvironmentReview, ReviewChange

CHANGES_AT_ONCE: Final = 200


@dataclass(frozen=True, kw_only=True)
class ChangedItem:
    """One changed item as composed; `settings` and `commits` as ReviewChange has them."""

    position: int
    change: str
    kind: str
    path: str
    previous_path: str | None
    settings: list[Json]
    commits: list[Json]


Changes = Callable[[], Iterator[ChangedItem]]


@dataclass(frozen=True, kw_only=True)
class ReviewDocument:
    """What was composed, without what happened to the review since: it never changes.

    `previous_tree` is the tree of the previous review; None where there was none.
    """

    review_id: UUID
    workspace_id: UUID
    environment_id: UUID
    run_id: UUID
    fingerprint: str
    commit: str
    tree: str
    baseline_commit: str | None
    baseline_tree: str | None
    previous_review_id: UUID | None
    previous_commit: str | None
    previous_tree: str | None
    composer_version: str
    composed_at: datetime
    summary: Json
    sections: Json
    findings: list[Json]

    def section(self, name: str) -> Json:
        """Return a section of the review; empty where its composer version did not write it."""
        found = self.sections.get(name)
        return found if isinstance(found, dict) else {}

    def listed(self, name: str) -> list[Json]:
        """Return a section that is a list."""
        found = self.sections.get(name)
        return found if isinstance(found, list) else []

    def counted(self, name: str) -> int:
        """Return a count of the summary."""
        return int(self.summary.get(name) or 0)

    @property
    def environment_name(self) -> str:
        """The environment's name when the review was composed."""
        return str(self.section("environment").get("name") or f"Environment {self.environment_id}")

    @property
    def changed_items(self) -> int:
        """The number of items that changed in any way."""
        return sum(self.counted(name) for name in ("added", "removed", "renamed", "changed"))


@dataclass(frozen=True, kw_only=True)
class ReviewSource:
    """A review's document, and its changes, which each call reads from the database."""

    document: ReviewDocument
    changes: Changes


def open_review(session: Session, review_id: UUID) -> ReviewSource:
    """Open a review for reading while the session lasts; raise NotFound for an unknown id."""
    review = session.get(EnvironmentReview, review_id)
    if review is None:
        raise NotFound
    before = review.previous_review_id and session.get(EnvironmentReview, review.previous_review_id)
    columns: dict[str, Any] = {
        name: getattr(review, name)
        for name in ReviewDocument.__dataclass_fields__
        if name not in {"review_id", "previous_commit", "previous_tree"}
    }
    document = ReviewDocument(
        review_id=review.id,
        previous_commit=before.commit if before else None,
        previous_tree=before.tree if before else None,
        **columns,
    )
    return ReviewSource(document=document, changes=lambda: _changes(session, review_id))


def _changes(session: Session, review_id: UUID) -> Iterator[ChangedItem]:
    columns = [getattr(ReviewChange, name) for name in ChangedItem.__dataclass_fields__]
    last = -1
    while True:
        rows = session.execute(
            select(*columns)
            .where(ReviewChange.review_id == review_id, ReviewChange.position > last)
            .order_by(ReviewChange.position)
            .limit(CHANGES_AT_ONCE)
        ).all()
        for row in rows:
            yield ChangedItem(**row._mapping)  # noqa: SLF001 # SQLAlchemy's public name for a row by column
            last = row.position
        if len(rows) < CHANGES_AT_ONCE:
            return
