from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from models.base import Json, utc_now
from models.catalog import Capability
from models.errors import NotFound
from models.history import OperationRunHistory
from models.lifecycle import Status
from models.operation_run import OperationRun
from models.reconciliation import Related
from services.access import Principal, require
from services.engine import WorkflowView
from services.engine_looks import Seen
from web.operations import waiting_of
from web.pages.signed_in import may_see, signed_in
from web.presenters.askers import SHOWN
from web.presenters.links import workflow_id_of
from web.presenters.run_views import RunPage, RunStory, run_page
from web.presenters.work_steps import awaits_history
from web.queries.business_truth import BusinessTruth, reviews_for
from web.queries.environments import get_environment
from web.queries.runs import get_run, history_of, own_results, requests_of, result_of, transitions_of
from web.queries.usual_times import usual_times
from web.services import services

_log = structlog.get_logger()


def read_run(run_id: UUID) -> RunPage:
    """Read one run for its page."""
    story, principal = read_story(run_id)
    return run_page(story, principal, utc_now())


def read_story(run_id: UUID) -> tuple[RunStory, Principal]:
    """Read all there is of one run: a fixed number of queries, then two short looks at the engine.

    Raises NotFound where the reader may not see it.
    """
    with services().database.transaction() as session:
        run = get_run(session, run_id)
        principal = may_see(run.workspace_id if run else None, Capability.OPERATIONS_VIEW)
        assert run is not None  # noqa: S101 - may_see has raised NotFound
        environment = get_environment(session, run.environment_id)
        transitions = transitions_of(session, run_id)
        requests = requests_of(session, run_id, limit=SHOWN + 2)
        history = history_of(session, run_id)
        usual = usual_times(session, [run]).get(run_id)
    own, truth = _read_result(run)
    seen, so_far = _look_at_work(run, history)
    story = RunStory(
        run=run,
        environment=environment,
        transitions=transitions,
        requests=requests,
        history=history,
        usual=usual,
        own=own,
        truth=truth,
        seen=seen,
        so_far=so_far,
        waiting=waiting_of(services(), run),
    )
    return story, principal


def find_run_to_act_on(session: Session, run_id: UUID) -> tuple[OperationRun, Principal]:
    """Return a run that the reader may act on, and who reads; raise NotFound or Forbidden."""
    principal = signed_in()
    run = get_run(session, run_id)
    if run is None:
        raise NotFound
    require(principal, run.workspace_id, Capability.OPERATIONS_ACT, see=Capability.OPERATIONS_VIEW)
    return run, principal


def _look_at_work(
    run: OperationRun, history: OperationRunHistory | None
) -> tuple[Seen[WorkflowView], Seen[Json] | None]:
    """Return the engine's word on a run's work, and its steps if they are not kept yet; None: not asked."""
    looks, workflow_id, ended = services().looks, workflow_id_of(run), run.completed_at is not None
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
