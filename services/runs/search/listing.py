from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    Uuid,
    cast,
    func,
    select,
    true,
    tuple_,
    union,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from models.operation_run import OperationRun
from services.database.paging import PAGE_SIZE, Cursor, Page, page_of
from services.runs.search.filters import RunFilters
from services.runs.search.index_scans import IndexScan, IndexScans, by_standing, scans_of

# The columns that a scan fixes, and its range of ids.
_EQUAL: Final = ("workspace_id", "environment_id", "initiator_name", "type", "status", "outcome")
_RANGE: Final = ("first_id", "last_id")


def list_runs(
    session: Session,
    *,
    workspaces: Collection[UUID],
    filters: RunFilters,
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[OperationRun]:
    """Return the newest runs of the workspaces, one page, after the cursor `after`."""
    scans = scans_of(session, workspaces=workspaces, filters=filters)
    return runs_along(session, scans, after=after, limit=limit)


def runs_along(
    session: Session, scans: IndexScans, *, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[OperationRun]:
    """Return the newest runs along some scans, one page, after the cursor `after`.

    Each scan reads its own index and at most one page of keys, so that the cost does not grow with the
    number of runs; whole rows are read for the page alone.
    """
    conditions = within(scans.filters)
    if after is not None:
        cursor = Cursor.decode(after)
        conditions.append(tuple_(OperationRun.created_at, OperationRun.id) < tuple_(cursor.at, cursor.id))
    ways = by_standing(scans.scans, scans.filters)
    if not ways:
        return Page(items=[], next=None)
    keys = union(*(_newest(shape, alike, conditions, limit + 1) for shape, alike in alike_scans(ways)))
    newest = keys.order_by(keys.selected_columns.created_at.desc(), keys.selected_columns.id.desc())
    page = newest.limit(limit + 1).subquery()
    statement = select(OperationRun).join(page, OperationRun.id == page.c.id)
    ordered = statement.order_by(OperationRun.created_at.desc(), OperationRun.id.desc())
    found = session.scalars(ordered).all()
    return page_of(found, limit, lambda last: Cursor(at=last.created_at, id=last.id).encode())


def alike_scans(scans: Iterable[IndexScan]) -> list[tuple[tuple[str, ...], list[IndexScan]]]:
    """Group scans by the columns that they fix: each group is one statement along one index."""
    ordered = sorted(scans, key=_shape)
    return [(shape, [*alike]) for shape, alike in groupby(ordered, key=_shape)]


def scan_rows(shape: Sequence[str], scans: Sequence[IndexScan]) -> tuple[Any, list[ColumnElement[bool]]]:
    """Return scans of one shape as rows to join, and the conditions that join a run to its scan."""
    equal = [name for name in shape if name in _EQUAL]
    columns = [
        cast([getattr(scan, name) for scan in scans], ARRAY(Uuid() if name.endswith("id") else Text()))
        for name in equal
    ]
    scan = func.unnest(*columns).table_valued(*equal).render_derived(name="scan")
    conditions = [getattr(OperationRun, name) == scan.c[name] for name in equal]
    if "first_id" in shape:
        # As values: PostgreSQL then sees how few ids the range has.
        conditions.append(OperationRun.id.between(scans[0].first_id, scans[0].last_id))
    return scan, conditions


def within(filters: RunFilters) -> list[ColumnElement[bool]]:
    """Return the conditions on the time at which a run was created."""
    conditions: list[ColumnElement[bool]] = []
    if filters.created_after:
        conditions.append(OperationRun.created_at >= filters.created_after)
    if filters.ends_before:
        conditions.append(OperationRun.created_at < filters.ends_before)
    return conditions


def _newest(
    shape: Sequence[str], scans: Sequence[IndexScan], conditions: Sequence[ColumnElement[bool]], limit: int
) -> Select[Any]:
    scan, on_it = scan_rows(shape, scans)
    run = (
        select(OperationRun.created_at, OperationRun.id)
        .where(*on_it, *conditions)
        .order_by(OperationRun.created_at.desc(), OperationRun.id.desc())
        .limit(limit)
        .lateral()
    )
    return select(run.c.created_at, run.c.id).select_from(scan).join(run, true())


def _shape(scan: IndexScan) -> tuple[str, ...]:
    return tuple(name for name in (*_EQUAL, *_RANGE) if getattr(scan, name) is not None)
