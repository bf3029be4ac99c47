from typing import Annotated
from uuid import UUID

from pydantic import Field

from models.contracts import CanonicalId, Contract, PlainText


class ReviewComposeInput(Contract):
    """The input of `environment.review.compose`; `ref` null means the environment's branch."""

    workspace_id: CanonicalId
    environment_id: CanonicalId
    ref: Annotated[PlainText, Field(min_length=1, max_length=255)] | None = None


class Evidence(Contract):
    """The commits that a review is composed from; the fingerprint is made of their trees."""

    commit: str
    baseline_commit: str | None
    previous_review_id: UUID | None
    previous_commit: str | None
    fingerprint: str
