from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from models.base import columns_of
from models.catalog import OperationType
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reconciliation import Related
from services.response_models import ListResponse, ResponseModel, Shaped
from services.runs.links import Links, RelatedLink
from services.runs.messages import Message, message_of
from services.runs.stored_shapes import ContextShape, FailureShape
from services.runs.waiting.queue_status import Waiting, WaitingCode


class RunLinks(ResponseModel):
    """Where a run can be looked at, and what it led to; null where there is no such place."""

    html: str
    temporal: str | None
    related: RelatedLink | None


class RunAnswer(ResponseModel):
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


class RunListAnswer(ListResponse[RunAnswer]):
    """One page of runs."""


class WaitingAnswer(ResponseModel):
    """Why a queued run waits."""

    code: WaitingCode
    sentence: str


class QueuedRunAnswer(RunAnswer):
    """A run that waits, as it is shown by itself."""

    waiting: WaitingAnswer


class ShownRunAnswer(RunAnswer):
    """A run as it is shown by itself; `waiting` is there while it is queued."""

    waiting: WaitingAnswer | None = None


def run_answer(
    run: OperationRun, own: Related | None, links: Links, *, deduplicated: bool = False
) -> RunAnswer:
    """Return a run as programs get it; `own` is the result it made itself, if any."""
    columns = columns_of(run)
    return RunAnswer(
        **columns,
        message=message_of(run),
        deduplicated=deduplicated,
        links=RunLinks(html=links.run(run.id), temporal=links.temporal(run), related=links.related(run, own)),
    )


def queued_run_answer(answer: RunAnswer, waiting: Waiting) -> QueuedRunAnswer:
    """Return a queued run's answer with why it waits."""
    return QueuedRunAnswer(**dict(answer), waiting=WaitingAnswer.model_validate(waiting))
