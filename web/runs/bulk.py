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
from services.runs.queries import get_runs
from services.workspaces.queries import environments_by_id
from web.access import find_run_to_act_on, signed_in
from web.context import services
from web.runs.messages import message_of
from web.runs.views import RunRow, run_row, why_no_cancel
from web.ui.navigation import why_not
from web.ui.states import State

BulkAction = Literal["cancel", "check"]


@dataclass(frozen=True, kw_only=True)
class DeedWords:
    """What a deed is called where it is asked for, confirmed and done."""

    question: str
    meaning: str
    button: str
    done: str


DEEDS: Final[Mapping[BulkAction, DeedWords]] = {
    "cancel": DeedWords(
        question="Cancel these operations?",
        meaning="Each stops at the next place where it is safe to stop, and reads “Cancelled” only then.",
        button="Yes, cancel them",
        done="What became of it",
    ),
    "check": DeedWords(
        question="Check these operations now?",
        meaning="Each is compared with what is true now, and settled by that where its work is over.",
        button="Yes, check them",
        done="What became of it",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """One chosen run before the deed; `row` None: there is none of that id. `why_not` leaves it out."""

    run_id: UUID
    row: RunRow | None
    why_not: str | None


@dataclass(frozen=True, kw_only=True)
class Done:
    """What became of one chosen run."""

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


def why_left_out(run: OperationRun, deed: BulkAction) -> str | None:
    """Say why a deed has nothing to do about a run; None where it has."""
    return why_no_cancel(run) if deed == "cancel" else None


def cancelled_words(before: OperationRun, run: OperationRun) -> tuple[State, str]:
    """Say what came of asking for a run's cancellation."""
    if before.context.cancellation is not None:
        return LEFT, "Its cancellation had been asked for already."
    requested = run.context.cancellation
    if requested is None or requested.delivered_at is None:
        return DONE, "Its cancellation is recorded, and is handed on as soon as the work can be reached."
    return DONE, "Its cancellation was asked for and handed on to the work."


def checked_words(run: OperationRun, checked: CheckResult) -> tuple[State, str]:
    """Say what came of checking a run, which stands as `run` does since."""
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
# A check may have to ask a repository; none is begun after this, so that the answer is not long in coming.
WITHIN: Final = timedelta(seconds=20)

_log = structlog.get_logger()


@blueprint.post("")
def confirm() -> str:
    """Name the chosen runs, and ask once more before anything is done about them."""
    deed: BulkAction = "cancel" if request.form.get("deed") == "cancel" else "check"
    run_ids = _chosen()
    principal = signed_in()
    rows = _rows(run_ids, principal)
    chosen = [_before(run_id, rows.get(run_id), principal, deed) for run_id in run_ids]
    return render_template("operations/chosen.html", deed=deed, words=DEEDS[deed], chosen=chosen)


@blueprint.post("/cancel")
def cancel() -> str:
    """Ask for the cancellation of each chosen run, and tell what came of it."""
    return _do("cancel", _cancel)


@blueprint.post("/check")
def check() -> str:
    """Check each chosen run and settle it by what is true, and tell what came of it."""
    return _do("check", _check)


def _do(deed: BulkAction, act: Callable[[UUID], tuple[State, str]]) -> str:
    run_ids = _chosen()
    principal = signed_in()
    deadline = time.monotonic() + WITHIN.total_seconds()
    told = {
        run_id: _tried(run_id, act) if time.monotonic() < deadline else (NOT_DONE, NO_TIME)
        for run_id in run_ids
    }
    rows = _rows(run_ids, principal)
    done = [
        Done(run_id=run_id, row=rows.get(run_id), state=state, sentence=sentence)
        for run_id, (state, sentence) in told.items()
    ]
    return render_template("operations/done.html", deed=deed, words=DEEDS[deed], done=done)


def _tried(run_id: UUID, act: Callable[[UUID], tuple[State, str]]) -> tuple[State, str]:
    """Act on one run; what stands in its way is its own result and keeps no other from its turn."""
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
        run, principal = find_run_to_act_on(session, run_id)
    return cancelled_words(run, services().cancellations.ask(run.id, principal.actor))


def _check(run_id: UUID) -> tuple[State, str]:
    with services().database.transaction() as session:
        run, principal = find_run_to_act_on(session, run_id)
    checked = services().check.check(run.id, source="operator", actor=principal.actor)
    with services().database.transaction() as session:
        return checked_words(session.get_one(OperationRun, run_id), checked)


def _before(run_id: UUID, row: RunRow | None, principal: Principal, deed: BulkAction) -> Chosen:
    if row is None:
        return Chosen(run_id=run_id, row=None, why_not=NOT_THERE)
    may_not = why_not(principal, row.run.workspace_id, Capability.OPERATIONS_ACT)
    return Chosen(run_id=run_id, row=row, why_not=may_not or why_left_out(row.run, deed))


def _rows(run_ids: list[UUID], principal: Principal) -> dict[UUID, RunRow]:
    """Return the chosen runs that the reader may see, as they stand now."""
    with services().database.transaction() as session:
        runs = get_runs(session, run_ids)
        environments = environments_by_id(session, {run.environment_id for run in runs.values()})
    return {
        run_id: run_row(run, environments.get(run.environment_id))
        for run_id, run in runs.items()
        if principal.may(run.workspace_id, Capability.OPERATIONS_VIEW)
    }


def _chosen() -> list[UUID]:
    """Read which runs were chosen, each once; raise InvalidInput for none, for too many, or for no id."""
    given = list(dict.fromkeys(request.form.getlist("run")))
    if not given:
        raise InvalidInput("run", "run: choose at least one operation in the list.")
    if len(given) > MOST:
        raise InvalidInput("run", f"run: choose {MOST} operations at most; these are {len(given)}.")
    try:
        return [UUID(each) for each in given]
    except ValueError:
        raise InvalidInput("run", "run: choose the operations in the list.") from None
