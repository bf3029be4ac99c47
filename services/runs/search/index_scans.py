"""Turns the filters of a list of runs into scans of indexes.

A scan fixes the leading columns of one index, whose rows are then newest first: reading its first rows costs
the same however many runs there are. A list is the newest of all its scans.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models.access import Workspace
from models.catalog import OperationType
from models.correlation import parse_workflow_id
from models.environment import Environment
from models.lifecycle import FINAL_OUTCOMES, Outcome, Status
from services.database.paging import as_uuid, contains
from services.runs.search.filters import RunFilters
from services.runs.search.initiators import mentioned_initiators

# How many initiators, and how many environments, one text search follows.
MENTIONED: Final = 50

# The shortest prefix of an id that is searched; uuid7s of about one minute share so many digits.
_ID_BEGINS: Final = 8
_ID_DIGITS: Final = 32

STANDINGS: Final = (
    (Status.QUEUED, Outcome.PENDING),
    (Status.RUNNING, Outcome.PENDING),
    *((Status.COMPLETED, outcome) for outcome in sorted(FINAL_OUTCOMES)),
)


@dataclass(frozen=True, kw_only=True)
class IndexScan:
    """One scan of an index of runs: the values its columns are fixed to; None: not fixed.

    `first_id` and `last_id` are the first and last id of a range.
    """

    workspace_id: UUID
    environment_id: UUID | None = None
    initiator_name: str | None = None
    type: str | None = None
    status: str | None = None
    outcome: str | None = None
    first_id: UUID | None = None
    last_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class IndexScans:
    """The scans of a list, and its filters; `is_cut`: its text matches more than MENTIONED names."""

    scans: Sequence[IndexScan]
    filters: RunFilters
    is_cut: bool = False


def scans_of(session: Session, *, workspaces: Collection[UUID], filters: RunFilters) -> IndexScans:
    """Turn filters into scans, within the workspaces that the reader may see."""
    places = [
        replace(place, initiator_name=filters.initiator) for place in _places(session, workspaces, filters)
    ]
    is_cut = False
    if filters.q:
        places, is_cut = _mentioning(session, places, filters.q)
    return IndexScans(scans=places, filters=filters, is_cut=is_cut)


def by_standing(scans: Iterable[IndexScan], filters: RunFilters, *, always: bool = False) -> list[IndexScan]:
    """Split scans by type and standing, where a filter, their index or the caller needs that."""
    if not (always or filters.type or filters.status or filters.outcome):
        parts = [[scan] if _is_single(scan) else by_standing([scan], filters, always=True) for scan in scans]
        return [*chain.from_iterable(parts)]
    types = [filters.type] if filters.type else [*OperationType]
    standings = [
        (status, outcome)
        for status, outcome in STANDINGS
        if filters.status in {None, status} and filters.outcome in {None, outcome}
    ]
    return [
        replace(scan, type=kind, status=status, outcome=outcome)
        for scan, kind, (status, outcome) in product(scans, types, standings)
    ]


def _is_single(scan: IndexScan) -> bool:
    """Return whether one index has all runs of a scan newest first.

    None has those of one initiator in one environment: there each standing is a scan of its own.
    """
    return scan.environment_id is None or scan.initiator_name is None or scan.first_id is not None


def _places(session: Session, workspaces: Collection[UUID], filters: RunFilters) -> list[IndexScan]:
    """Return one scan for each environment of the filter, else for each workspace."""
    if filters.workspace:
        named = select(Workspace.id).where(Workspace.id.in_(workspaces), _is(Workspace, filters.workspace))
        workspaces = session.scalars(named).all()
    if not filters.environment:
        return [IndexScan(workspace_id=workspace_id) for workspace_id in workspaces]
    found = session.execute(
        select(Environment.workspace_id, Environment.id).where(
            Environment.workspace_id.in_(workspaces), _is(Environment, filters.environment)
        )
    )
    return [IndexScan(workspace_id=workspace_id, environment_id=row_id) for workspace_id, row_id in found]


def _mentioning(session: Session, places: Sequence[IndexScan], text: str) -> tuple[list[IndexScan], bool]:
    """Narrow scans to what a text names: environments and initiators by part of a name, a run by its id."""
    scope = {place.workspace_id for place in places}
    environments = _mentioned_environments(session, scope, text)
    initiators = mentioned_initiators(session, scope, text, limit=MENTIONED + 1)
    is_cut = max(len(environments), len(initiators)) > MENTIONED
    scans = dict.fromkeys(
        found
        for place in places
        for found in (
            *_in_environments(place, environments[:MENTIONED]),
            *_by_initiators(place, initiators[:MENTIONED]),
            *_with_id(place, text),
        )
    )
    return [*scans], is_cut


def _in_environments(place: IndexScan, environments: Iterable[tuple[UUID, UUID]]) -> list[IndexScan]:
    return [
        replace(place, environment_id=environment_id)
        for workspace_id, environment_id in environments
        if place.workspace_id == workspace_id and place.environment_id in {None, environment_id}
    ]


def _by_initiators(place: IndexScan, initiators: Iterable[tuple[UUID, str]]) -> list[IndexScan]:
    return [
        replace(place, initiator_name=name)
        for workspace_id, name in initiators
        if place.workspace_id == workspace_id and place.initiator_name in {None, name}
    ]


def _with_id(place: IndexScan, text: str) -> list[IndexScan]:
    correlation = parse_workflow_id(text)
    digits = (str(correlation.run_id) if correlation else text).replace("-", "").lower()
    first, last = (as_uuid(digits.ljust(_ID_DIGITS, fill)) for fill in "0f")
    if len(digits) < _ID_BEGINS or first is None or last is None:
        return []
    return [replace(place, first_id=first, last_id=last)]


def _mentioned_environments(
    session: Session, workspaces: Collection[UUID], text: str
) -> list[tuple[UUID, UUID]]:
    pattern = contains(text)
    found = session.execute(
        select(Environment.workspace_id, Environment.id)
        .where(
            Environment.workspace_id.in_(workspaces),
            Environment.name.ilike(pattern) | Environment.slug.ilike(pattern),
        )
        .order_by(Environment.name, Environment.id)
        .limit(MENTIONED + 1)
    )
    return [(workspace_id, row_id) for workspace_id, row_id in found]


def _is(table: type[Workspace] | type[Environment], given: str) -> ColumnElement[bool]:
    row_id = as_uuid(given)
    return table.id == row_id if row_id else table.slug == given
