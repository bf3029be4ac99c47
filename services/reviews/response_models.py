from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, model_validator

from models.base import utc_now
from models.review import EnvironmentReview, ReviewStatus
from services.repositories.diff import Change
from services.response_models import ListResponse, ResponseModel, Shaped
from services.reviews.readiness import readiness_of


class SummaryShape(BaseModel):
    """Files: how many there are, and how many of them changed since the review before, and how."""

    items: int
    added: int
    removed: int
    renamed: int
    changed: int
    unparsed: int


class FindingShape(BaseModel):
    """What a review found, and the items it rests on."""

    code: str
    severity: str
    title: str
    items: list[str]


class MissingShape(BaseModel):
    """What a report lacks to be shared."""

    code: str
    text: str


class ReadyShape(BaseModel):
    """Whether a report can be shared."""

    ready: bool
    missing: list[MissingShape]


class ReadinessShape(BaseModel):
    """Whether the reports of each profile can be shared."""

    executive: ReadyShape
    technical: ReadyShape
    audit: ReadyShape


class SettingShape(BaseModel):
    """One changed setting; a secret value is masked."""

    path: str
    before: Any
    after: Any


class ReviewAnswer(ResponseModel):
    """An immutable composition of one evidence set, with its place in the lineage."""

    id: UUID
    environment_id: UUID
    status: ReviewStatus
    fingerprint: str
    commit: str
    baseline_commit: str | None
    previous_review_id: UUID | None
    superseded_by_id: UUID | None
    run_id: UUID
    summary: Annotated[dict[str, Any], Shaped(SummaryShape)]
    sections: dict[str, Any]
    findings: list[Annotated[dict[str, Any], Shaped(FindingShape)]]
    readiness: Annotated[dict[str, Any], Shaped(ReadinessShape)]
    composed_at: datetime
    published_at: datetime | None

    @model_validator(mode="before")
    @classmethod
    def _with_readiness(cls, review: EnvironmentReview) -> dict[str, Any]:
        columns = {name: getattr(review, name) for name in cls.model_fields if name != "readiness"}
        return {**columns, "readiness": readiness_of(review, now=utc_now())}


class ReviewListAnswer(ListResponse[ReviewAnswer]):
    """One page of reviews."""


class ReviewChangeAnswer(ResponseModel):
    """One changed item of a review."""

    change: Change
    path: str
    previous_path: str | None
    settings: list[Annotated[dict[str, Any], Shaped(SettingShape)]]
    commits: list[dict[str, Any]]


class ReviewChangeListAnswer(ListResponse[ReviewChangeAnswer]):
    """One page of changed items."""
