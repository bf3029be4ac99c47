from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.base import Json, utc_now
from models.catalog import Capability
from models.environment import Environment
from models.lifecycle import Status
from models.operation_run import OperationRun, OperationRunHistory
from models.reconciliation import Related
from services.engine.cache import Snapshot
from services.engine.port import WorkflowView
from services.runs.links import workflow_id_of
from services.runs.operations import waiting_of
from services.runs.queries import (
    BusinessTruth,
    history_of,
    own_results,
    requests_of,
    result_of,
    reviews_for,
    transitions_of,
)
from services.runs.typical_durations import typical_durations
from web.access import authorized, current_principal
from web.context import services
from web.runs.views import SHOWN, RunPage, RunStory, run_page
from web.runs.workflow_steps import awaits_history

_log = structlog.get_logger()


def read_run(run_id: UUID) -> RunPage:
    """Read one run for its page."""
    return run_page(read_story(run_id), current_principal(), utc_now())


def read_story(run_id: UUID) -> RunStory:
    """Read all there is of one run: a fixed number of queries, then two short looks at the engine.

    Raises NotFound where the reader may not see it.
    """
    with services().database.transaction() as session:
        run = authorized(session, OperationRun, run_id, Capability.OPERATIONS_VIEW)
        environment = session.get_one(Environment, run.environment_id)
        transitions = transitions_of(session, run_id)
        requests = requests_of(session, run_id, limit=SHOWN + 2)
        history = history_of(session, run_id)
        typical = typical_durations(session, [run]).get(run_id)
    own, truth = _read_result(run)
    seen, so_far = _look_at_work(run, history)
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


def _look_at_work(
    run: OperationRun, history: OperationRunHistory | None
) -> tuple[Snapshot[WorkflowView], Snapshot[Json] | None]:
    """Return the engine's word on a run's work, and its steps if they are not kept yet; None: not asked."""
    looks, workflow_id, ended = services().engine_cache, workflow_id_of(run), run.completed_at is not None
    if run.status == Status.QUEUED or not awaits_history(run, history, utc_now()):
        return looks.workflow(workflow_id, ended=ended), None
    return looks.workflow_and_story(workflow_id, ended=ended)


def _read_result(run: OperationRun) -> tuple[Related | None, BusinessTruth | None]:
    """Return what a run made, and what is there of its result; None for the latter where the read failed.

    A transaction of its own, so that the rest of the page can still be told.
    """
    try:
        with services().database.transaction() as session:
            own = own_results(session, [run.id]).get(run.id)
            truth = BusinessTruth(reviews=reviews_for(session, run), result=result_of(session, run.id))
    except SQLAlchemyError:
        _log.exception("result_unread", run_id=str(run.id))
        return None, None
    return own, truth
