"""The shapes of the bodies that programs get."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, model_validator

from models.base import columns_of, utc_now
from models.catalog import OperationType
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from models.reconciliation import Related
from models.restore import PlannedChange, RestoreMode
from models.review import EnvironmentReview, ReviewStatus
from reconcilers.run_check import CheckResult
from reconcilers.run_judgement import Action
from services.repositories.diff import Change
from services.reviews.readiness import readiness_of
from services.runs.admission import Requested
from services.runs.queue_status import Waiting, WaitingCode
from web.api.stored_shapes import (
    ContextShape,
    EvidenceShape,
    FailureShape,
    FindingShape,
    ReadinessShape,
    SettingShape,
    Shaped,
    SummaryShape,
)
from web.runs.messages import Message, message_of
from web.ui.links import RelatedLink, related_of, run_url, temporal_url


class Answer(BaseModel):
    """What a program gets, read from the row of the same names."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


Item = TypeVar("Item", bound=Answer)


class ListAnswer(Answer, Generic[Item]):
    """One page of a list; `next` is the cursor for `?after=`, null on the last page."""

    items: list[Item]
    next: str | None


Listed = TypeVar("Listed", bound=ListAnswer[Any])


class WorkspaceAnswer(Answer):
    """A workspace."""

    id: UUID
    slug: str
    name: str
    created_at: datetime


class WorkspaceListAnswer(ListAnswer[WorkspaceAnswer]):
    """One page of workspaces."""


class EnvironmentAnswer(Answer):
    """An environment."""

    id: UUID
    workspace_id: UUID
    slug: str
    name: str
    repository_url: str
    branch: str
    path_prefix: str
    baseline_ref: str | None
    created_at: datetime


class EnvironmentListAnswer(ListAnswer[EnvironmentAnswer]):
    """One page of environments."""


class RestorePointAnswer(Answer):
    """A named, pinned commit."""

    id: UUID
    environment_id: UUID
    label: str
    ref: str
    commit: str
    created_by: str
    created_at: datetime


class RestorePointListAnswer(ListAnswer[RestorePointAnswer]):
    """One page of restore points."""


class PlannedItem(Answer):
    """What a restore will do to one item; `reason` says why one is refused."""

    path: str
    change: PlannedChange
    reason: str | None = None


class RestorePlanAnswer(Answer):
    """An immutable preview of a restore."""

    id: UUID
    environment_id: UUID
    restore_point_id: UUID
    digest: str
    restore_commit: str
    live_commit: str
    mode: RestoreMode
    items: list[str]
    changes: list[PlannedItem]
    created_by: str
    created_at: datetime


class ReviewAnswer(Answer):
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


class ReviewListAnswer(ListAnswer[ReviewAnswer]):
    """One page of reviews."""


class ReviewChangeAnswer(Answer):
    """One changed item of a review."""

    change: Change
    path: str
    previous_path: str | None
    settings: list[Annotated[dict[str, Any], Shaped(SettingShape)]]
    commits: list[dict[str, Any]]


class ReviewChangeListAnswer(ListAnswer[ReviewChangeAnswer]):
    """One page of changed items."""


class RunLinks(Answer):
    """Where a run can be looked at, and what it led to; null where there is no such place."""

    html: str
    temporal: str | None
    related: RelatedLink | None


class RunAnswer(Answer):
    """A run: its columns, its story in words, and its links."""

    id: UUID
    workspace_id: UUID
    environment_id: UUID
    type: OperationType
    status: Status
    outcome: Outcome
    identity: str
    initiator_kind: Literal["user", "token", "workflow", "system"]
    initiator_name: str
    context: Annotated[dict[str, Any], Shaped(ContextShape)]
    summary_counts: dict[str, Any]
    failures: list[Annotated[dict[str, Any], Shaped(FailureShape)]]
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime
    message: Message
    deduplicated: bool
    links: RunLinks


class RunListAnswer(ListAnswer[RunAnswer]):
    """One page of runs."""


class WaitingAnswer(Answer):
    """Why a queued run waits."""

    code: WaitingCode
    sentence: str


class QueuedRunAnswer(RunAnswer):
    """A run that waits, as it is shown by itself."""

    waiting: WaitingAnswer


class ShownRunAnswer(RunAnswer):
    """A run as it is shown by itself; `waiting` is there while it is queued."""

    waiting: WaitingAnswer | None = None


class DecisionAnswer(Answer):
    """What business truth says of a run."""

    adapter: str
    outcome: Outcome
    reason_code: ReasonCode
    related: Related | None
    evidence: Annotated[dict[str, Any], Shaped(EvidenceShape)]


class CheckAnswer(Answer):
    """What came of checking a run; `decision` is null exactly where `result` is not `decision`.

    `facts` are what the decision rests on, or would; null where none were collected.
    """

    result: Literal["decision", "unsupported", "no_decision"]
    decision: DecisionAnswer | None
    facts: dict[str, Any] | None


def run_answer(run: OperationRun, own: Related | None, *, deduplicated: bool = False) -> RunAnswer:
    """Render a run; `own` is the result it made itself, if any."""
    return RunAnswer(
        **columns_of(run),
        message=message_of(run),
        deduplicated=deduplicated,
        links=RunLinks(html=run_url(run.id), temporal=temporal_url(run), related=related_of(run, own)),
    )


def requested_answer(requested: Requested, own: Related | None) -> RunAnswer:
    """Render the run that answers a request."""
    return run_answer(requested.run, own, deduplicated=requested.deduplicated)


def queued_run_answer(answer: RunAnswer, waiting: Waiting) -> QueuedRunAnswer:
    """Add to a queued run's answer why it waits."""
    return QueuedRunAnswer(**dict(answer), waiting=WaitingAnswer.model_validate(waiting))


def check_answer(checked: CheckResult) -> CheckAnswer:
    """Render a check; a decision that it left alone, or that somebody else is making, is none."""
    found = checked.reconciliation
    facts = found.facts.model_dump(mode="json") if found and found.facts else None
    if found and found.result == "unsupported":
        return CheckAnswer(result="unsupported", decision=None, facts=facts)
    if found is None or found.decision is None or checked.action is not Action.SETTLE:
        return CheckAnswer(result="no_decision", decision=None, facts=facts)
    return CheckAnswer(result="decision", decision=DecisionAnswer.model_validate(found.decision), facts=facts)


def list_answer(kind: type[Listed], rows: Iterable[object], *, following: str | None = None) -> Listed:
    """Render a page of rows."""
    return kind.model_validate({"items": [*rows], "next": following})
