from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from flask import request
from sqlalchemy.exc import SQLAlchemyError

from models.base import utc_now
from models.catalog import Capability
from models.lifecycle import Status
from models.operation_run import OperationRun
from services.access import Principal
from web.operations import waiting_of
from web.presenters.run_list import CUT, Choices, RunList, tabs_of
from web.presenters.run_views import RunRow, run_row
from web.presenters.staleness import why_stale
from web.queries.filters import RunFilters
from web.queries.keyset import Page
from web.queries.run_counts import count_standings
from web.queries.run_walks import Walks, walks_of
from web.queries.runs import runs_along
from web.queries.usual_times import UsualTime, usual_times
from web.services import services

_log = structlog.get_logger()

_WITH_TEXT = "Numbers are not shown beside a text: it may find an operation in more than one way."
_FAILED = "The numbers could not be read just now."


def read_list(principal: Principal, filters: RunFilters, choices: Choices) -> RunList:
    """Read a page of runs with how many there are; what cannot be read is told as such, never as empty."""
    walks = _read_walks(principal, filters)
    counted = _count(walks) if walks else None
    page = _read_page(walks) if walks else None
    uncounted = None if counted is not None else (_WITH_TEXT if filters.q else _FAILED)
    return RunList(
        rows=None if page is None else _rows(page[0].items, page[1], principal, choices),
        next=page[0].next if page else None,
        tabs=tabs_of(filters, counted),
        uncounted=uncounted,
        note=CUT if walks and walks.is_cut else None,
    )


def _read_walks(principal: Principal, filters: RunFilters) -> Walks | None:
    try:
        with services().database.transaction() as session:
            seen = principal.workspaces_where(Capability.OPERATIONS_VIEW)
            return walks_of(session, workspaces=seen, filters=filters)
    except SQLAlchemyError:
        _log.exception("operations_unread")
        return None


def _count(walks: Walks) -> dict[str, int] | None:
    """Count in a transaction of its own: where that takes too long, the list is still there."""
    try:
        with services().database.transaction() as session:
            return count_standings(session, walks)
    except SQLAlchemyError:
        _log.warning("operations_uncounted", exc_info=True)
        return None


def _read_page(walks: Walks) -> tuple[Page[OperationRun], dict[UUID, UsualTime]] | None:
    """Return a page of runs, and how long the running ones of it usually take; None where that failed."""
    try:
        with services().database.transaction() as session:
            page = runs_along(session, walks, after=request.args.get("after"))
            running = [run for run in page.items if run.status == Status.RUNNING]
            return page, dict(usual_times(session, running))
    except SQLAlchemyError:
        _log.exception("operations_unread")
        return None


def _rows(
    runs: Sequence[OperationRun], usual: dict[UUID, UsualTime], principal: Principal, choices: Choices
) -> list[RunRow]:
    now = utc_now()
    return [
        run_row(
            run,
            choices.environment(run.environment_id),
            stale=_stale(run, usual.get(run.id), now),
            may_act=principal.may(run.workspace_id, Capability.OPERATIONS_ACT),
        )
        for run in runs
    ]


def _stale(run: OperationRun, usual: UsualTime | None, now: datetime) -> str | None:
    if run.status == Status.COMPLETED:
        return None
    return why_stale(run, waiting=waiting_of(services(), run), usual=usual, now=now)
