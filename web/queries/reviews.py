from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from models.review import EnvironmentReview, ReviewChange, ReviewStatus
from web.queries.keyset import LARGEST_POSITION, PAGE_SIZE, Cursor, Page, decode_position, page_of
from web.queries.review_filters import ReviewFilters


def list_reviews(
    session: Session,
    *,
    workspaces: Collection[UUID],
    environment_id: UUID | None = None,
    statuses: Collection[ReviewStatus] | None = None,
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[EnvironmentReview]:
    """Return the newest reviews of the workspaces a reader may see, a page behind `after`.

    `statuses` None means every status.
    """
    review = EnvironmentReview
    statement = select(review).where(review.workspace_id.in_(workspaces))
    if environment_id is not None:
        statement = statement.where(review.environment_id == environment_id)
    if statuses is not None:
        statement = statement.where(review.status.in_(statuses))
    if after is not None:
        cursor = Cursor.decode(after)
        statement = statement.where(tuple_(review.composed_at, review.id) < tuple_(cursor.at, cursor.id))
    newest = statement.order_by(review.composed_at.desc(), review.id.desc()).limit(limit + 1)
    found = session.scalars(newest).all()
    return page_of(found, limit, lambda last: Cursor(at=last.composed_at, id=last.id).encode())


def get_review(session: Session, review_id: UUID) -> EnvironmentReview | None:
    """Return a review by its id alone; whether the reader may see it is the caller's question."""
    return session.get(EnvironmentReview, review_id)


def list_changes(
    session: Session,
    review_id: UUID,
    *,
    filters: ReviewFilters | None = None,
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[ReviewChange]:
    """Return a review's changed items in the order of their paths, a page behind `after`."""
    statement = (
        select(ReviewChange)
        .where(
            ReviewChange.position > decode_position(after),
            *_of_changes(review_id, filters or ReviewFilters()),
        )
        .order_by(ReviewChange.position)
        .limit(limit + 1)
    )
    found: Sequence[ReviewChange] = session.scalars(statement).all()
    return page_of(found, limit, lambda last: str(last.position))


def count_changes(session: Session, review_id: UUID, filters: ReviewFilters) -> int:
    """Return how many changed items of a review the filters leave."""
    statement = select(func.count()).select_from(ReviewChange).where(*_of_changes(review_id, filters))
    return session.scalar(statement) or 0


def kinds_of_changes(session: Session, review_id: UUID) -> Sequence[str]:
    """Return the kinds that a review's changed items have, in the order of their names."""
    statement = select(ReviewChange.kind).where(ReviewChange.review_id == review_id).distinct()
    return sorted(session.scalars(statement))


def get_change(session: Session, review_id: UUID, position: int) -> ReviewChange | None:
    """Return one changed item of a review by its place in the order of paths."""
    return session.get(ReviewChange, (review_id, position)) if position <= LARGEST_POSITION else None


def _of_changes(review_id: UUID, filters: ReviewFilters) -> list[ColumnElement[bool]]:
    conditions = [ReviewChange.review_id == review_id]
    if filters.kind is not None:
        conditions.append(ReviewChange.kind == filters.kind)
    if filters.change is not None:
        conditions.append(ReviewChange.change == filters.change)
    return conditions
