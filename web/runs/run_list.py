from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from flask import request, url_for
from sqlalchemy.exc import SQLAlchemyError

from models.access import Workspace
from models.base import utc_now
from models.catalog import Capability, OperationCatalog
from models.environment import Environment
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from services.access.principals import Principal
from services.database.paging import Page
from services.runs.operations import waiting_of
from services.runs.search.counts import BOUND, count_standings
from services.runs.search.filters import RunFilters
from services.runs.search.index_scans import MENTIONED, IndexScans, scans_of
from services.runs.search.listing import runs_along
from services.runs.typical_durations import TypicalRange, typical_durations
from web.context import services
from web.runs.views import RunRow, run_row
from web.ui.states import OF_RUN, State
from web.ui.times import coarse, duration_between

CUT: Final = (
    f"The text is part of more than {MENTIONED} names. Only the first {MENTIONED} people and the first "
    f"{MENTIONED} environments are followed here: write more of the name to find the others."
)


@dataclass(frozen=True, kw_only=True)
class Tab:
    """A status or outcome to filter the list by; `state` None: all runs. `number` None: not counted."""

    state: State | None
    path: str
    number: str | None
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class RunList:
    """A page of the run list; `next` is the cursor for `?after=`, None on the last page.

    `rows` None: the read failed. `uncounted` is why the tabs have no numbers; None where they have.
    """

    rows: Sequence[RunRow] | None
    next: str | None
    tabs: Sequence[Tab]
    uncounted: str | None
    note: str | None

    @property
    def may_act(self) -> bool:
        """Return whether the reader may act on any of the rows."""
        return any(row.may_act for row in self.rows or ())


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The workspaces and environments that the list can be filtered by."""

    workspaces: Sequence[Workspace]
    environments: Sequence[Environment]

    def environment(self, environment_id: UUID) -> Environment | None:
        """Return an environment by its id; None where the reader does not see it."""
        return next((each for each in self.environments if each.id == environment_id), None)


def list_path(filters: Mapping[str, str]) -> str:
    """Return the path of the list with these filters."""
    return url_for("operations.index", **filters)  # type: ignore[arg-type] # every value is a string


def tabs_of(filters: RunFilters, counted: Mapping[str, int] | None) -> list[Tab]:
    """Return a tab for each status and outcome, with its count; `counted` None: without counts."""
    others = filters.without_standing().given()
    everything = not (filters.status or filters.outcome)
    tabs = [Tab(state=None, path=list_path(others), number=None, is_current=everything)]
    for standing, state in OF_RUN.items():
        name = "outcome" if standing in [*Outcome] else "status"
        is_current = standing == (filters.outcome or filters.status)
        number = _number(counted.get(standing, 0)) if counted is not None else None
        tabs.append(
            Tab(state=state, path=list_path({**others, name: standing}), number=number, is_current=is_current)
        )
    return tabs


def _number(count: int) -> str:
    return f"{BOUND:,}+" if count > BOUND else str(count)


_log = structlog.get_logger()

_WITH_TEXT = "Numbers are not shown beside a text: it may find an operation in more than one way."
_FAILED = "The numbers could not be read just now."


def read_list(principal: Principal, filters: RunFilters, choices: Choices) -> RunList:
    """Read a page of runs and their counts; a failed read is shown as failed, never as empty."""
    scans = _read_scans(principal, filters)
    counted = _count(scans) if scans else None
    page = _read_page(scans) if scans else None
    uncounted = None if counted is not None else (_WITH_TEXT if filters.q else _FAILED)
    return RunList(
        rows=None if page is None else _rows(page[0].items, page[1], principal, choices),
        next=page[0].next if page else None,
        tabs=tabs_of(filters, counted),
        uncounted=uncounted,
        note=CUT if scans and scans.is_cut else None,
    )


def _read_scans(principal: Principal, filters: RunFilters) -> IndexScans | None:
    try:
        with services().database.transaction() as session:
            seen = principal.workspaces_where(Capability.OPERATIONS_VIEW)
            return scans_of(session, workspaces=seen, filters=filters)
    except SQLAlchemyError:
        _log.exception("operations_unread")
        return None


def _count(scans: IndexScans) -> dict[str, int] | None:
    """Count in a transaction of its own: a count that times out leaves the list."""
    try:
        with services().database.transaction() as session:
            return count_standings(session, scans)
    except SQLAlchemyError:
        _log.warning("operations_uncounted", exc_info=True)
        return None


def _read_page(scans: IndexScans) -> tuple[Page[OperationRun], dict[UUID, TypicalRange]] | None:
    """Return a page of runs and the typical durations of those that run; None where the read failed."""
    try:
        with services().database.transaction() as session:
            page = runs_along(session, scans, after=request.args.get("after"))
            running = [run for run in page.items if run.status == Status.RUNNING]
            return page, dict(typical_durations(session, running))
    except SQLAlchemyError:
        _log.exception("operations_unread")
        return None


def _rows(
    runs: Sequence[OperationRun], typical: dict[UUID, TypicalRange], principal: Principal, choices: Choices
) -> list[RunRow]:
    now = utc_now()
    return [
        run_row(
            run,
            choices.environment(run.environment_id),
            stale=_why_late(run, typical.get(run.id), now),
            may_act=principal.may(run.workspace_id, Capability.OPERATIONS_ACT),
        )
        for run in runs
    ]


def _why_late(run: OperationRun, typical: TypicalRange | None, now: datetime) -> str | None:
    """Return why an active run is late; None where it is not, or where the run has ended.

    The queue says it of a queued run; the time limit, then the typical duration, of a running one.
    """
    if run.status == Status.QUEUED:
        waiting = waiting_of(services().engine_cache, run)
        return waiting.sentence if waiting and waiting.code != "starting" else None
    if run.status != Status.RUNNING:
        return None
    took, limit = now - run.created_at, OperationCatalog.get(run.type).deadline
    if took > limit:
        return (
            f"It is under way for longer than its time limit of {coarse(limit)}. "
            "The regular check looks after it."
        )
    if typical is not None and typical.is_exceeded_by(took):
        between = duration_between(typical.shortest, typical.longest)
        return (
            f"It takes longer than others: they usually took {between}, and this one {coarse(took)} so far."
        )
    return None
