import re
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from models.lifecycle import Outcome

_CANONICAL_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _canonical(value: object) -> object:
    """Hold ids to lowercase hyphenated uuids, so that one id has one spelling (section 5)."""
    if isinstance(value, str) and not _CANONICAL_ID.fullmatch(value):
        raise ValueError("an id is a lowercase hyphenated uuid")
    return value


CanonicalId = Annotated[UUID, BeforeValidator(_canonical)]


def _storable(value: str) -> str:
    """Refuse what PostgreSQL cannot hold as text: NUL, and halves of surrogate pairs."""
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("holds characters that are not text")
    return value


PlainText = Annotated[str, AfterValidator(_storable)]


class Contract(BaseModel):
    """What crosses the border to Temporal: frozen, ids and small facts only, nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")


RelatedType = Literal["environment_review", "restore_result", "operation_run"]


class OperationResult(Contract):
    """How a workflow ended, and the id of what it made."""

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
    """One failure, as the run's `failures` keeps it: `detail` is redacted and for experts only (law L10).

    `attempts` is None where nobody counted them, as in an activity that timed out.
    """

    code: str
    step: str | None
    attempts: int | None
    at: datetime
    detail: str


class Closing(Contract):
    """What a workflow says of its own end when it cannot end well."""

    cause: Cause
    failure: Failure
