import re
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from models.lifecycle import Outcome

_CANONICAL_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _canonical(value: object) -> object:
    """Refuse ids that are no lowercase hyphenated uuids, so that one id has one spelling."""
    if isinstance(value, str) and not _CANONICAL_ID.fullmatch(value):
        raise ValueError("an id is a lowercase hyphenated uuid")
    return value


CanonicalId = Annotated[UUID, BeforeValidator(_canonical)]


def _storable(value: str) -> str:
    """Refuse what PostgreSQL cannot store as text: NUL, and halves of surrogate pairs."""
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("holds characters that are not text")
    return value


PlainText = Annotated[str, AfterValidator(_storable)]


class Contract(BaseModel):
    """A value that crosses to Temporal: frozen, ids and small facts only, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


RelatedType = Literal["environment_review", "restore_result", "operation_run"]


class OperationResult(Contract):
    """How a run ended, and what it led to; a workflow's result."""

    run_id: UUID
    outcome: Outcome
    related_type: RelatedType | None = None
    related_id: UUID | None = None


Cause = Literal[
    "activity_failed",
    "activity_timed_out",
    "deadline",
    "cancelled",
    "terminated",
    "timed_out",
    "task_failing",
    "never_started",
    "history_gone",
]


class Failure(Contract):
    """One entry of a run's `failures`; `detail` is redacted and shown to experts only (law L10).

    `attempts` is None where Temporal does not count them, as for an activity that timed out.
    """

    code: str
    step: str | None
    attempts: int | None
    at: datetime
    detail: str


class Closing(Contract):
    """Why a workflow is about to close without a result."""

    cause: Cause
    failure: Failure
