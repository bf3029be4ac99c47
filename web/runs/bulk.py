import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

import structlog
from flask import Blueprint, render_template, request
from sqlalchemy.exc import SQLAlchemyError

from models.catalog import Capability
from models.errors import AlreadyCompleted, InvalidInput, NotFound, OperationRunError
from models.operation_run import OperationRun
from reconcilers.run_check import CheckResult
from reconcilers.run_judgement import Action
from services.access.principals import Principal
from services.engine.port import EngineUnreachable
from services.runs.cancellation import why_not_cancel
from services.runs.messages import message_of
from services.runs.queries import get_runs
from services.workspaces.queries import environments_by_id
from web.access import authorized, current_principal, is_visible
from web.context import services
from web.runs.views import RunRow, run_row
from web.ui.navigation import why_not
from web.ui.states import State

BulkAction = Literal["cancel", "check"]


@dataclass(frozen=True, kw_only=True)
class SelectedRun:
    """A selected run before the action; `row` None: no run has the id. `why_not`: why the action skips it."""

    run_id: UUID
    row: RunRow | None
    why_not: str | None


@dataclass(frozen=True, kw_only=True)
class BulkResult:
    """What the action did about a selected run; `row` is the run as it is now."""

    run_id: UUID
    row: RunRow | None
    state: State
    sentence: str


DONE: Final = State(word="Done", tone="good")
LEFT: Final = State(word="Left as it was", tone="quiet", icon="minus")
NOT_DONE: Final = State(word="Not done", tone="look")

NOT_THERE: Final = "There is no such operation."
NO_TIME: Final = "There was no time left to get to it. Nothing was changed; ask again for this one."
NOT_NOW: Final = "It could not be done just now, because something it takes did not answer. Ask again later."


def cancelled_words(before: OperationRun, run: OperationRun) -> tuple[State, str]:
    """Word the request to cancel a run that was as `before` and is as `run`."""
    if before.context.cancellation is not None:
        return LEFT, "Its cancellation had been asked for already."
    requested = run.context.cancellation
    if requested is None or requested.delivered_at is None:
        return DONE, "Its cancellation is recorded, and is handed on as soon as the work can be reached."
    return DONE, "Its cancellation was asked for and handed on to the work."


def checked_words(run: OperationRun, checked: CheckResult) -> tuple[State, str]:
    """Word the check of a run; `run` is as the check left it."""
    found = checked.reconciliation
    if found is not None and found.written:
        return DONE, f"It was settled. {message_of(run).title}"
    if found is not None and found.result == "busy":
        return LEFT, "It is being settled by somebody else at this moment."
    if found is not None and found.result == "unsupported":
        return NOT_DONE, "There is no rule for this kind of operation."
    if found is not None and found.decision is not None:
        return LEFT, "What is recorded is what is true. Nothing was changed."
    return _UNDECIDED[checked.action]


_UNDECIDED: Final[Mapping[Action, tuple[State, str]]] = {
    Action.LEAVE: (LEFT, "There is nothing to settle: its work goes on, or it is recorded how it ended."),
    Action.DISPATCH: (DONE, "It was handed over again, because no work was known of it."),
    Action.TERMINATE: (LEFT, "Its work is being ended, because it failed again and again."),
    Action.SETTLE: (NOT_DONE, "It cannot be told yet. The regular check looks again by itself."),
}


blueprint = Blueprint("chosen_runs", __name__, url_prefix="/operations/chosen")

MOST: Final = 100
# A check may have to ask a repository: no run is begun after this, so that the page answers in time.
WITHIN: Final = timedelta(seconds=20)

_log = structlog.get_logger()


@blueprint.post("")
def confirm() -> str:
    """Show the selected runs and ask for confirmation; nothing is done yet."""
    action: BulkAction = "cancel" if request.form.get("deed") == "cancel" else "check"
    run_ids = _selected_ids()
    principal = current_principal()
    rows = _rows(run_ids)
    chosen = [_selected(run_id, rows.get(run_id), principal, action) for run_id in run_ids]
    return render_template("operations/chosen.html", action=action, chosen=chosen)


@blueprint.post("/cancel")
def cancel() -> str:
    """Request the cancellation of each selected run, and show the results."""
    return _do("cancel", _cancel)


@blueprint.post("/check")
def check() -> str:
    """Check each selected run, settle it by business truth, and show the results."""
    return _do("check", _check)


def _do(action: BulkAction, act: Callable[[UUID], tuple[State, str]]) -> str:
    run_ids = _selected_ids()
    deadline = time.monotonic() + WITHIN.total_seconds()
    results = {
        run_id: _try(run_id, act) if time.monotonic() < deadline else (NOT_DONE, NO_TIME)
        for run_id in run_ids
    }
    rows = _rows(run_ids)
    done = [
        BulkResult(run_id=run_id, row=rows.get(run_id), state=state, sentence=sentence)
        for run_id, (state, sentence) in results.items()
    ]
    return render_template("operations/done.html", action=action, done=done)


def _try(run_id: UUID, act: Callable[[UUID], tuple[State, str]]) -> tuple[State, str]:
    """Act on one run; its error is its own result and does not stop the others."""
    try:
        return act(run_id)
    except NotFound:
        return NOT_DONE, NOT_THERE
    except AlreadyCompleted:
        return LEFT, "It had ended already."
    except OperationRunError as error:
        return NOT_DONE, str(error)
    except (EngineUnreachable, SQLAlchemyError):
        _log.warning("chosen_run_left", run_id=str(run_id), exc_info=True)
        return NOT_DONE, NOT_NOW


def _cancel(run_id: UUID) -> tuple[State, str]:
    with services().database.transaction() as session:
        run = authorized(session, OperationRun, run_id, Capability.OPERATIONS_ACT)
    return cancelled_words(run, services().cancellations.ask(run.id, current_principal().actor))


def _check(run_id: UUID) -> tuple[State, str]:
    with services().database.transaction() as session:
        run = authorized(session, OperationRun, run_id, Capability.OPERATIONS_ACT)
    checked = services().check.check(run.id, source="operator", actor=current_principal().actor)
    with services().database.transaction() as session:
        return checked_words(session.get_one(OperationRun, run_id), checked)


def _selected(run_id: UUID, row: RunRow | None, principal: Principal, action: BulkAction) -> SelectedRun:
    if row is None:
        return SelectedRun(run_id=run_id, row=None, why_not=NOT_THERE)
    may_not = why_not(principal, row.run.workspace_id, Capability.OPERATIONS_ACT)
    cannot = why_not_cancel(row.run) if action == "cancel" else None
    return SelectedRun(run_id=run_id, row=row, why_not=may_not or cannot)


def _rows(run_ids: list[UUID]) -> dict[UUID, RunRow]:
    """Return the selected runs that the reader may see, as they are now."""
    with services().database.transaction() as session:
        runs = get_runs(session, run_ids)
        environments = environments_by_id(session, {run.environment_id for run in runs.values()})
    return {
        run_id: run_row(run, environments.get(run.environment_id))
        for run_id, run in runs.items()
        if is_visible(run)
    }


def _selected_ids() -> list[UUID]:
    """Return the ids in the form, each once; raise InvalidInput for none, too many, or a malformed one."""
    given = list(dict.fromkeys(request.form.getlist("run")))
    if not given:
        raise InvalidInput("run", "run: choose at least one operation in the list.")
    if len(given) > MOST:
        raise InvalidInput("run", f"run: choose {MOST} operations at most; these are {len(given)}.")
    try:
        return [UUID(each) for each in given]
    except ValueError:
        raise InvalidInput("run", "run: choose the operations in the list.") from None
