from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, cast, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.orm import Session

from models.access import Workspace
from models.base import Json
from models.environment import Environment
from models.errors import InvalidInput
from models.review import EnvironmentReview, ReviewChange, ReviewStatus
from services.database.paging import (
    LARGEST_POSITION,
    PAGE_SIZE,
    Cursor,
    Page,
    decode_position,
    page_of,
    searchable,
)
from services.repositories.diff import Change
from services.reviews.findings import Severity

Known = TypeVar("Known", bound=StrEnum)


@dataclass(frozen=True, kw_only=True)
class ReviewFilters:
    """The filters of a review's page; None leaves a filter out.

    `kind` and `change` narrow the changes, `severity` the findings. A kind that no item has matches none.
    """

    kind: str | None = None
    change: Change | None = None
    severity: Severity | None = None

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "ReviewFilters":
        """Read the filters of a query string; raise InvalidInput naming an unknown value."""
        return cls(
            kind=searchable(given.get("kind", "")) or None,
            change=_one_of("change", given, Change),
            severity=_one_of("severity", given, Severity),
        )

    def given(self) -> dict[str, str]:
        """Return the filters that are set, as a query string names them."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: str(value) for name, value in values.items() if value}

    @property
    def narrows_changes(self) -> bool:
        """Whether a filter leaves changes out."""
        return self.kind is not None or self.change is not None


def _one_of(field: str, given: Mapping[str, str], known: type[Known]) -> Known | None:
    value = given.get(field, "").strip()
    if not value:
        return None
    if value not in [*known]:
        raise InvalidInput(field, f"{field}: there is no {value!r}. Use one of: {', '.join(known)}.")
    return known(value)


@dataclass(frozen=True, kw_only=True)
class PastReview:
    """A review as lists show it, without its content; `findings` counts them by severity."""

    id: UUID
    environment_id: UUID
    environment_name: str
    workspace_name: str
    status: str
    commit: str
    previous_review_id: UUID | None
    composed_at: datetime
    published_at: datetime | None
    summary: Json
    findings: Mapping[str, int]


def list_past_reviews(
    session: Session,
    *,
    workspaces: Collection[UUID],
    environment_id: UUID | None = None,
    statuses: Collection[ReviewStatus] = frozenset(ReviewStatus),
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[PastReview]:
    """Return the newest reviews of the workspaces a reader may see, a page behind `after`."""
    review = EnvironmentReview
    statement = _statement().where(review.workspace_id.in_(workspaces), review.status.in_(statuses))
    if environment_id is not None:
        statement = statement.where(review.environment_id == environment_id)
    if after is not None:
        cursor = Cursor.decode(after)
        statement = statement.where(tuple_(review.composed_at, review.id) < tuple_(cursor.at, cursor.id))
    newest = statement.order_by(review.composed_at.desc(), review.id.desc()).limit(limit + 1)
    found = [_past(row) for row in session.execute(newest)]
    return page_of(found, limit, lambda last: Cursor(at=last.composed_at, id=last.id).encode())


def _statement() -> Select[*tuple[Any, ...]]:
    review = EnvironmentReview
    # A finding may name every item; a list needs the severities alone.
    severities = func.jsonb_path_query_array(review.findings, cast(literal("$[*].severity"), JSONPATH))
    return (
        select(
            review.id,
            review.environment_id,
            Environment.name.label("environment_name"),
            Workspace.name.label("workspace_name"),
            review.status,
            review.commit,
            review.previous_review_id,
            review.composed_at,
            review.published_at,
            review.summary,
            severities.label("findings"),
        )
        .join(Environment, Environment.id == review.environment_id)
        .join(Workspace, Workspace.id == review.workspace_id)
    )


def _past(row: Row[Any]) -> PastReview:
    values = dict(row._mapping)  # noqa: SLF001 # SQLAlchemy's public name for a row by column
    return PastReview(**values | {"findings": Counter(values["findings"])})


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
    """Return how many changed items of a review match the filters."""
    statement = select(func.count()).select_from(ReviewChange).where(*_of_changes(review_id, filters))
    return session.scalar(statement) or 0


def kinds_of_changes(session: Session, review_id: UUID) -> Sequence[str]:
    """Return the kinds of a review's changed items, sorted."""
    statement = select(ReviewChange.kind).where(ReviewChange.review_id == review_id).distinct()
    return sorted(session.scalars(statement))


def get_change(session: Session, review_id: UUID, position: int) -> ReviewChange | None:
    """Return one changed item of a review by its position in the order of paths."""
    return session.get(ReviewChange, (review_id, position)) if position <= LARGEST_POSITION else None


def _of_changes(review_id: UUID, filters: ReviewFilters) -> list[ColumnElement[bool]]:
    conditions = [ReviewChange.review_id == review_id]
    if filters.kind is not None:
        conditions.append(ReviewChange.kind == filters.kind)
    if filters.change is not None:
        conditions.append(ReviewChange.change == filters.change)
    return conditions
