from dataclasses import replace
from uuid import UUID

from sqlalchemy.orm import Session

from models.base import utc_now
from models.catalog import Capability
from models.errors import NotFound
from models.lifecycle import Status
from models.operation_run import OperationRun
from models.reconciliation import ExecutionState
from services.access import Principal, require
from web.operations import waiting_of
from web.pages.signed_in import may_see, signed_in
from web.presenters.links import workflow_id_of
from web.presenters.run_views import RunPage, RunStory, run_page
from web.queries.environments import get_environment
from web.queries.runs import get_run, history_of, own_results, result_of, transitions_of
from web.services import services


def read_run(run_id: UUID) -> RunPage:
    """Read one run for its page: a fixed number of queries, then at most one short look at the engine."""
    with services().database.transaction() as session:
        run = get_run(session, run_id)
        principal = may_see(session, run.workspace_id if run else None, Capability.OPERATIONS_VIEW)
        assert run is not None  # noqa: S101 - may_see has raised NotFound
        story = RunStory(
            run=run,
            environment=get_environment(session, run.environment_id),
            transitions=transitions_of(session, run_id),
            own=own_results(session, [run_id]).get(run_id),
            result=result_of(session, run_id),
            history=history_of(session, run_id),
        )
    story = replace(story, waiting=waiting_of(services(), run), is_gone=_is_gone(run))
    return run_page(story, principal, utc_now())


def find_run_to_act_on(session: Session, run_id: UUID) -> tuple[OperationRun, Principal]:
    """Return a run that the reader may act on, and who reads; raise NotFound or Forbidden."""
    principal = signed_in(session)
    run = get_run(session, run_id)
    if run is None:
        raise NotFound
    require(principal, run.workspace_id, Capability.OPERATIONS_ACT, see=Capability.OPERATIONS_VIEW)
    return run, principal


def _is_gone(run: OperationRun) -> bool:
    """Tell whether the engine says that it no longer knows an ended run's workflow."""
    if run.status != Status.COMPLETED:
        return False
    view = services().looks.workflow(workflow_id_of(run))
    return view is not None and view.execution.state is ExecutionState.NOT_FOUND
