from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.base import Json, utc_now
from models.catalog import Capability
from models.environment import Environment
from models.lifecycle import Status
from models.operation_run import OperationRequest, OperationRun, OperationRunHistory, OperationRunTransition
from models.reconciliation import Related
from services.engine.cache import Snapshot
from services.engine.port import Engine, WorkflowView
from services.runs.links import workflow_id_of
from services.runs.operations import waiting_of
from services.runs.own_workflow import find_workflow
from services.runs.queries import (
    BusinessTruth,
    history_of,
    own_results,
    requests_of,
    result_of,
    reviews_for,
    transitions_of,
)
from services.runs.typical_durations import TypicalRange, typical_durations
from services.runs.waiting.queue_status import Waiting
from web.access import authorized
from web.context import services
from web.runs.workflow_steps import awaits_history

# How many requests of one run the page shows.
SHOWN: Final = 50

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class RunStory:
    """What was read of one run for its page.

    `requests` are those that the run answers, its own first. `own` is what the run made itself, if anything,
    and `truth` what exists of its result; both are None where the read failed. `seen` is Temporal's word on
    the workflow, and `so_far` its steps while no history is stored.
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

    @property
    def duplicates(self) -> Sequence[OperationRequest]:
        """Return the requests for the same work that were merged into the run; at most `SHOWN`."""
        return self.requests[1 : SHOWN + 1]

    @property
    def has_more_duplicates(self) -> bool:
        """Return whether `duplicates` leaves some out."""
        return len(self.requests) > SHOWN + 1


def read_story(run_id: UUID) -> RunStory:
    """Read everything about one run: a fixed number of queries, then two short calls to Temporal.

    Raises NotFound where the reader may not see the run.
    """
    with services().database.transaction() as session:
        run = authorized(session, OperationRun, run_id, Capability.OPERATIONS_VIEW)
        environment = session.get_one(Environment, run.environment_id)
        transitions = transitions_of(session, run_id)
        requests = requests_of(session, run_id, limit=SHOWN + 2)
        history = history_of(session, run_id)
        typical = typical_durations(session, [run]).get(run_id)
    own, truth = _read_result(run)
    seen, so_far = _ask_engine(run, history)
    return RunStory(
        run=run,
        environment=environment,
        transitions=transitions,
        requests=requests,
        history=history,
        typical=typical,
        own=own,
        truth=truth,
        seen=seen,
        so_far=so_far,
        waiting=waiting_of(services().engine_cache, run),
    )


def _ask_engine(
    run: OperationRun, history: OperationRunHistory | None
) -> tuple[Snapshot[WorkflowView], Snapshot[Json] | None]:
    """Return what Temporal says of the workflow, and its steps while the history is not stored."""
    engine, workflow_id, ended = services().engine_cache, workflow_id_of(run), run.completed_at is not None

    def find(port: Engine) -> WorkflowView:
        return find_workflow(port, run).own

    if run.status == Status.QUEUED or not awaits_history(run, history, utc_now()):
        return engine.workflow(workflow_id, ended=ended, find=find), None
    worked = run.context.workflow_run_id
    return engine.workflow_and_story(workflow_id, ended=ended, find=find, workflow_run_id=worked)


def _read_result(run: OperationRun) -> tuple[Related | None, BusinessTruth | None]:
    """Return what a run made, and what exists of its result; None and None where the read failed."""
    # A transaction of its own: a failed read leaves the rest of the page.
    try:
        with services().database.transaction() as session:
            own = own_results(session, [run.id]).get(run.id)
            truth = BusinessTruth(reviews=reviews_for(session, run), result=result_of(session, run.id))
    except SQLAlchemyError:
        _log.exception("result_unread", run_id=str(run.id))
        return None, None
    return own, truth
