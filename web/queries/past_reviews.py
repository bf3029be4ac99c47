from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, cast, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.orm import Session

from models.access import Workspace
from models.base import Json
from models.environment import Environment
from models.review import EnvironmentReview, ReviewStatus
from web.queries.keyset import PAGE_SIZE, Cursor, Page, page_of


@dataclass(frozen=True, kw_only=True)
class PastReview:
    """What a list tells of a review, without its content; `findings` counts them by severity."""

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
    # A finding may name every item there is; a list needs none of them.
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
