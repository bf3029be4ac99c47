import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from models.base import Json
from models.catalog import Capability, OperationCatalog
from models.environment import Environment
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRequest, OperationRun, OperationRunHistory, OperationRunTransition
from models.reason_codes import ReasonCode
from models.reconciliation import ExecutionState, Related
from models.restore import RestoreResult
from services.access.principals import Principal
from services.engine.cache import Snapshot
from services.engine.port import WorkflowView
from services.runs.queries import BusinessTruth
from services.runs.queue_status import Waiting
from services.runs.typical_durations import TypicalRange
from web.runs.cancellation import Ladder, ladder_of
from web.runs.durations import TypicalDuration, typical_duration_of
from web.runs.messages import Card, Message, card_of, message_of
from web.runs.receipt import Correction, Receipt, corrections_of, receipt_of, settlements_of
from web.runs.timeline import Step, timeline_of
from web.runs.truths import SourcesOfTruth, truths_of
from web.runs.workflow_steps import Work, awaits_history, work_of
from web.ui.links import RelatedLink, related_of, run_path, temporal_url, workflow_id_of
from web.ui.navigation import why_not
from web.ui.states import State, state_of_run

# How many requests of one run are shown.
SHOWN: Final = 50


@dataclass(frozen=True, kw_only=True)
class Requester:
    """Somebody who asked for work that was under way already, and got its run."""

    name: str
    kind: str
    at: datetime
    with_key: bool


@dataclass(frozen=True, kw_only=True)
class Requesters:
    """Who else asked for a run, in the order in which they did; `are_more`: not all of them are shown."""

    others: Sequence[Requester]
    are_more: bool


def askers_of(requests: Sequence[OperationRequest]) -> Requesters:
    """Tell who else asked, from a run's requests, the first of which made it."""
    others = [
        Requester(
            name=request.actor_name,
            kind=request.actor_kind,
            at=request.at,
            with_key=request.idempotency_key is not None,
        )
        for request in requests[1:]
    ]
    return Requesters(others=others[:SHOWN], are_more=len(others) > SHOWN)


# A plan is never changed: what held its restore back would do so again.
_PLAN_IS_SPENT: Final = frozenset({ReasonCode.ENVIRONMENT_CHANGED, ReasonCode.ITEMS_REFUSED})

Primary = Literal["related", "check", "again"]


def primary_of(run: OperationRun, *, has_related: bool) -> Primary:
    """Return the one thing to do first about a run: look at what it led to, check it, or run it again."""
    if has_related:
        return "related"
    ended_without = {Outcome.FAILED, Outcome.CANCELLED, Outcome.BLOCKED}
    return "again" if run.outcome in ended_without and why_not_again(run) is None else "check"


def why_no_cancel(run: OperationRun) -> str | None:
    """Say why there is nothing to cancel; None where there is."""
    if run.status == Status.COMPLETED:
        return "It has already ended."
    return "Its cancellation was asked for already." if run.context.cancellation else None


def why_not_again(run: OperationRun) -> str | None:
    """Say why a run cannot be run again; None where it can."""
    if run.status != Status.COMPLETED:
        return "It is still under way."
    settled = run.context.reconciliation
    is_spent = settled is not None and settled.reason_code in _PLAN_IS_SPENT
    return "Its plan would be held back again. Make a new one." if is_spent else None


RELATED_LABELS = {
    "environment_review": "Open the review",
    "restore_result": "See what was put back",
    "operation_run": "Open the other operation",
}


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One run as a list shows it; `took` is None until it has ended.

    `stale` says why an active one has not come further, where it should have; `may_act` tells whether the
    reader may choose it to act on.
    """

    run: OperationRun
    path: str
    label: str
    environment: Environment | None
    state: State
    message: Message
    took: timedelta | None
    stale: str | None = None
    may_act: bool = False


@dataclass(frozen=True, kw_only=True)
class RunStory:
    """What was read of one run for its page.

    `requests` are those it answers, its own first; `typical` is how long such runs take, None: unknown.
    `own` is what it made itself and `truth` what is there of its result; None: it could not be read.
    `waiting` is why it is still queued, `seen` the engine's word on its workflow, and `so_far` on its steps,
    where that was asked for.
    """

    run: OperationRun
    environment: Environment | None
    transitions: Sequence[OperationRunTransition]
    requests: Sequence[OperationRequest]
    history: OperationRunHistory | None
    typical: TypicalRange | None
    own: Related | None
    truth: BusinessTruth | None
    seen: Snapshot[WorkflowView]
    so_far: Snapshot[Json] | None = None
    waiting: Waiting | None = None


@dataclass(frozen=True, kw_only=True)
class RunPage:
    """One run as its page shows it; `is_final` tells that nothing more is to come, its kept history included.

    `why_no_cancel`, `why_no_check` and `why_not_again` say why the reader may not do that; None where they
    may. `primary` is the one thing to do first, and `changes` are all settlements, corrections among them.
    """

    row: RunRow
    card: Card
    steps: Sequence[Step]
    waiting: Waiting | None
    ladder: Ladder | None
    corrections: Sequence[Correction]
    changes: Sequence[Correction]
    receipt: Receipt | None
    work: Work | None
    truths: SourcesOfTruth
    askers: Requesters
    typical: TypicalDuration | None
    is_final: bool
    is_gone: bool
    primary: Primary
    why_no_cancel: str | None
    why_no_check: str | None
    why_not_again: str | None
    related: RelatedLink | None
    related_label: str | None
    result: RestoreResult | None
    workflow_id: str
    temporal_url: str | None
    context: str
    failures: str

    @property
    def run(self) -> OperationRun:
        """Return the run itself."""
        return self.row.run

    @property
    def is_completed(self) -> bool:
        """Tell whether nothing more is to come by itself."""
        return self.run.status == Status.COMPLETED


def run_row(
    run: OperationRun, environment: Environment | None, *, stale: str | None = None, may_act: bool = False
) -> RunRow:
    """Word a run for a list."""
    return RunRow(
        run=run,
        path=run_path(run.id),
        label=OperationCatalog.get(run.type).label,
        environment=environment,
        state=state_of_run(run),
        message=message_of(run),
        took=run.completed_at - run.created_at if run.completed_at else None,
        stale=stale,
        may_act=may_act,
    )


def run_page(story: RunStory, principal: Principal, now: datetime) -> RunPage:
    """Word a run for its page, for one reader."""
    run = story.run
    related = related_of(run, story.own)
    may_not = why_not(principal, run.workspace_id, Capability.OPERATIONS_ACT)
    return RunPage(
        row=run_row(run, story.environment),
        card=card_of(run),
        steps=timeline_of(run, story.transitions),
        waiting=story.waiting,
        ladder=ladder_of(run),
        corrections=corrections_of(story.transitions),
        changes=settlements_of(story.transitions),
        receipt=receipt_of(run, story.transitions),
        work=work_of(run, story.history, story.so_far, now),
        truths=truths_of(run, story.seen, story.truth, now),
        askers=askers_of(story.requests),
        typical=typical_duration_of(run, story.typical, now),
        is_final=run.status == Status.COMPLETED and not awaits_history(run, story.history, now),
        is_gone=_is_gone(story),
        primary=primary_of(run, has_related=related is not None),
        why_no_cancel=may_not or why_no_cancel(run),
        why_no_check=may_not,
        why_not_again=may_not or why_not_again(run),
        related=related,
        related_label=RELATED_LABELS[related.type] if related else None,
        result=story.truth.result if story.truth else None,
        workflow_id=workflow_id_of(run),
        temporal_url=temporal_url(run),
        context=_pretty(run.context_json),
        failures=_pretty(run.failures) if run.failures else "",
    )


def _is_gone(story: RunStory) -> bool:
    """Tell whether the engine says that it no longer knows an ended run's workflow."""
    if story.run.status != Status.COMPLETED or story.seen.found is None:
        return False
    return story.seen.found.execution.state is ExecutionState.NOT_FOUND


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
