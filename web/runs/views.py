import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from models.base import utc_now
from models.catalog import Capability, OperationCatalog
from models.environment import Environment
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reconciliation import ExecutionState
from services.access.principals import Principal
from services.runs.cancellation import why_not_cancel
from services.runs.links import RelatedLink, run_path, workflow_id_of
from services.runs.messages import Card, Message, card_of, message_of
from services.runs.operations import why_not_again
from web.access import current_principal
from web.context import services
from web.runs.progress import Ladder, Step, ladder_of, timeline_of
from web.runs.receipt import Receipt, Settlement, receipt_of, settlements_of
from web.runs.run_story import RunStory, read_story
from web.runs.truths import SourcesOfTruth, truths_of
from web.runs.workflow_steps import Work, awaits_history, work_of
from web.ui.navigation import why_not
from web.ui.states import State, state_of_run

Primary = Literal["related", "check", "again"]


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One run as a list shows it; `took` is None until it has ended.

    `stale` is why an active run is late; `may_act`: the reader may select it for a bulk action.
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
class RunPage:
    """One run as its page shows it; `is_final`: nothing of it changes any more, its stored history included.

    `took` counts from the request until the run ended, or until now.
    `why_no_cancel`, `why_no_check` and `why_not_again` are why the reader may not do that; None where they
    may. `primary` is the first thing to do. All `settlements` but the first are corrections. `is_gone`:
    Temporal no longer knows the workflow.
    """

    story: RunStory
    row: RunRow
    card: Card
    steps: Sequence[Step]
    ladder: Ladder | None
    settlements: Sequence[Settlement]
    receipt: Receipt | None
    work: Work | None
    truths: SourcesOfTruth
    took: timedelta
    related: RelatedLink | None
    is_final: bool
    is_gone: bool
    primary: Primary
    why_no_cancel: str | None
    why_no_check: str | None
    why_not_again: str | None
    workflow_id: str
    temporal_url: str | None
    context: str
    failures: str

    @property
    def run(self) -> OperationRun:
        """Return the run itself."""
        return self.story.run

    @property
    def is_completed(self) -> bool:
        """Return whether the run has ended; a check may still correct it."""
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


def read_run(run_id: UUID) -> RunPage:
    """Read a run and word it for its page; raise NotFound as `read_story` does."""
    return run_page(read_story(run_id), current_principal(), utc_now())


def run_page(story: RunStory, principal: Principal, now: datetime) -> RunPage:
    """Word a run for its page and one reader."""
    run = story.run
    related = services().links.related(run, story.own)
    may_not = why_not(principal, run.workspace_id, Capability.OPERATIONS_ACT)
    return RunPage(
        story=story,
        row=run_row(run, story.environment),
        card=card_of(run),
        steps=timeline_of(run, story.transitions),
        ladder=ladder_of(run),
        settlements=settlements_of(story.transitions),
        receipt=receipt_of(run, story.transitions),
        work=work_of(run, story.history, story.so_far, now),
        truths=truths_of(run, story.seen, story.truth, now),
        took=max((run.completed_at or now) - run.created_at, timedelta()),
        related=related,
        is_final=run.status == Status.COMPLETED and not awaits_history(run, story.history, now),
        is_gone=_is_gone(story),
        primary=primary_of(run, has_related=related is not None),
        why_no_cancel=may_not or why_not_cancel(run),
        why_no_check=may_not,
        why_not_again=may_not or why_not_again(run),
        workflow_id=workflow_id_of(run),
        temporal_url=services().links.temporal(run),
        context=_pretty(run.context_json),
        failures=_pretty(run.failures) if run.failures else "",
    )


def primary_of(run: OperationRun, *, has_related: bool) -> Primary:
    """Return the first thing to do about a run: open what it led to, run it again, or check it."""
    if has_related:
        return "related"
    ended_without = {Outcome.FAILED, Outcome.CANCELLED, Outcome.BLOCKED}
    return "again" if run.outcome in ended_without and why_not_again(run) is None else "check"


def _is_gone(story: RunStory) -> bool:
    if story.run.status != Status.COMPLETED or story.seen.found is None:
        return False
    return story.seen.found.execution.state is ExecutionState.NOT_FOUND


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
