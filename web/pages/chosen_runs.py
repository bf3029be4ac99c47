import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from flask import Blueprint, render_template, request
from sqlalchemy.exc import SQLAlchemyError

from models.catalog import Capability
from models.errors import AlreadyCompleted, InvalidInput, NotFound, OperationRunError
from models.operation_run import OperationRun
from services.access import Principal
from services.engine import EngineUnreachable
from web.pages.run_reading import find_run_to_act_on
from web.pages.signed_in import signed_in
from web.presenters.chosen import (
    DEEDS,
    LEFT,
    NO_TIME,
    NOT_DONE,
    NOT_NOW,
    NOT_THERE,
    Chosen,
    Deed,
    Done,
    cancelled_words,
    checked_words,
    why_left_out,
)
from web.presenters.permissions import why_not
from web.presenters.run_views import RunRow, run_row
from web.presenters.states import State
from web.queries.environments import environments_by_id
from web.queries.runs import get_runs
from web.services import services

blueprint = Blueprint("chosen_runs", __name__, url_prefix="/operations/chosen")

MOST: Final = 100
# A check may have to ask a repository; none is begun after this, so that the answer is not long in coming.
WITHIN: Final = timedelta(seconds=20)

_log = structlog.get_logger()


@blueprint.post("")
def confirm() -> str:
    """Name the chosen runs, and ask once more before anything is done about them."""
    deed: Deed = "cancel" if request.form.get("deed") == "cancel" else "check"
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


def _do(deed: Deed, act: Callable[[UUID], tuple[State, str]]) -> str:
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


def _before(run_id: UUID, row: RunRow | None, principal: Principal, deed: Deed) -> Chosen:
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
