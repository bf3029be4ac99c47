"""The shapes of the bodies that the API promises: requests first, then answers."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from models.base import utc_now
from models.contracts import CanonicalId, PlainText
from models.operation_run import OperationRun
from models.reconciliation import Related
from models.restore import PlannedChange, RestoreMode
from models.review import EnvironmentReview
from reconcilers.run_check import Checked
from reconcilers.run_judgement import Action
from services.operation_requests import Requested
from services.output_readiness import readiness_of
from services.queue_truth import Waiting, WaitingCode
from web.presenters.links import RelatedLink, related_of, run_url, temporal_url
from web.presenters.messages import Message, message_of


class Request(BaseModel):
    """What a program sends: nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NewEnvironment(Request):
    """An environment to register; `workspace` is a slug or an id."""

    workspace: PlainText
    slug: PlainText
    name: PlainText
    repository_url: PlainText
    branch: PlainText
    path_prefix: PlainText = ""
    baseline_ref: PlainText | None = None


class NewRestorePoint(Request):
    """A commit to pin, by any ref that names it."""

    label: PlainText
    ref: PlainText


class NewRestorePlan(Request):
    """A restore to preview; `items` are glob patterns, and leaving them out means every item."""

    restore_point_id: CanonicalId
    mode: RestoreMode
    items: list[PlainText] | None = None


class NewOperation(Request):
    """An operation to start; what `input` holds is the type's own."""

    type: Annotated[str, Field(max_length=200)]
    environment_id: CanonicalId
    input: dict[str, Any] = Field(default_factory=dict)


class CheckRequest(Request):
    """A check of a run; with `dry_run` it says what it would decide, and writes nothing."""

    dry_run: StrictBool = False


class Nothing(Request):
    """A body that says nothing: `{}`."""


class Answer(BaseModel):
    """What a program gets, read from the row of the same names."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


Item = TypeVar("Item", bound=Answer)


class ListAnswer(Answer, Generic[Item]):
    """One page of a list; `next` is the cursor for `?after=`, null on the last page."""

    items: list[Item]
    next: str | None


class WorkspaceAnswer(Answer):
    """A workspace."""

    id: UUID
    slug: str
    name: str
    created_at: datetime


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


class RestorePointAnswer(Answer):
    """A named, pinned commit."""

    id: UUID
    environment_id: UUID
    label: str
    ref: str
    commit: str
    created_by: str
    created_at: datetime


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
    status: str
    fingerprint: str
    commit: str
    baseline_commit: str | None
    previous_review_id: UUID | None
    superseded_by_id: UUID | None
    run_id: UUID
    summary: dict[str, Any]
    sections: dict[str, Any]
    findings: list[dict[str, Any]]
    readiness: dict[str, Any]
    composed_at: datetime
    published_at: datetime | None

    @model_validator(mode="before")
    @classmethod
    def _with_readiness(cls, review: EnvironmentReview) -> dict[str, Any]:
        columns = {name: getattr(review, name) for name in cls.model_fields if name != "readiness"}
        return {**columns, "readiness": readiness_of(review, now=utc_now())}


class ReviewChangeAnswer(Answer):
    """One changed item of a review."""

    change: str
    path: str
    previous_path: str | None
    settings: list[dict[str, Any]]
    commits: list[dict[str, Any]]


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
    type: str
    status: str
    outcome: str
    identity: str
    initiator_kind: str
    initiator_name: str
    context: dict[str, Any]
    summary_counts: dict[str, Any]
    failures: list[dict[str, Any]]
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime
    message: Message
    deduplicated: bool
    links: RunLinks


class WaitingAnswer(Answer):
    """Why a queued run waits."""

    code: WaitingCode
    sentence: str


class QueuedRunAnswer(RunAnswer):
    """A run that waits, as it is shown by itself."""

    waiting: WaitingAnswer


class DecisionAnswer(Answer):
    """What business truth says of a run."""

    adapter: str
    outcome: str
    reason_code: str
    related: Related | None
    evidence: dict[str, Any]


class CheckAnswer(Answer):
    """What came of checking a run; `decision` is null exactly where `result` is not `decision`.

    `facts` are what the decision rests on, or would; null where none were collected.
    """

    result: Literal["decision", "unsupported", "no_decision"]
    decision: DecisionAnswer | None
    facts: dict[str, Any] | None


def run_answer(run: OperationRun, own: Related | None, *, deduplicated: bool = False) -> RunAnswer:
    """Render a run; `own` is the result it made itself, if any."""
    columns = {column.key: getattr(run, column.key) for column in OperationRun.__table__.columns}
    return RunAnswer(
        **columns,
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


def check_answer(checked: Checked) -> CheckAnswer:
    """Render a check; a decision that it left alone, or that somebody else is making, is none."""
    found = checked.reconciliation
    facts = found.facts.model_dump(mode="json") if found and found.facts else None
    if found and found.result == "unsupported":
        return CheckAnswer(result="unsupported", decision=None, facts=facts)
    if found is None or found.decision is None or checked.action is not Action.SETTLE:
        return CheckAnswer(result="no_decision", decision=None, facts=facts)
    return CheckAnswer(result="decision", decision=DecisionAnswer.model_validate(found.decision), facts=facts)


def list_answer(
    kind: type[Item], rows: Iterable[object], *, following: str | None = None
) -> ListAnswer[Item]:
    """Render a page of rows, each as `kind`."""
    return ListAnswer[kind](items=[kind.model_validate(row) for row in rows], next=following)  # type: ignore[valid-type] # a class made at run time
