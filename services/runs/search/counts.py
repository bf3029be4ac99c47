from datetime import timedelta
from typing import Final

from sqlalchemy import func, literal, select, text, union_all
from sqlalchemy.orm import Session

from models.lifecycle import Status
from services.runs.search.index_scans import IndexScans, by_standing
from services.runs.search.listing import alike_scans, scan_rows, within

# A larger number is shown as "1,000+", so that a page never waits for the rest of a count.
BOUND: Final = 1000

# A count that takes longer is shown as not available.
WITHIN: Final = timedelta(milliseconds=500)


def count_standings(session: Session, scans: IndexScans) -> dict[str, int] | None:
    """Count the runs along some scans by standing; a number is exact up to BOUND, and BOUND + 1 beyond.

    Keys are the outcome of completed runs, else the status. The filters by status and outcome are ignored.
    None for a text search: two of its scans may find the same run. Raises OperationalError where it takes
    longer than WITHIN; the session's transaction cannot be used after that.
    """
    if scans.filters.q:
        return None
    filters = scans.filters.without_standing()
    ways = by_standing(scans.scans, filters, always=True)
    if not ways:
        return {}
    session.execute(text(f"SET LOCAL statement_timeout = {WITHIN // timedelta(milliseconds=1)}"))
    counted: dict[str, int] = {}
    statements = []
    for shape, alike in alike_scans(ways):
        scan, on_it = scan_rows(shape, alike)
        found = select(literal(1).label("one")).where(*on_it, *within(filters)).limit(BOUND + 1)
        number = select(func.count()).select_from(found.correlate(scan).lateral()).correlate(scan)
        statements.append(select(scan.c.status, scan.c.outcome, number.scalar_subquery()).select_from(scan))
    for status, outcome, number in session.execute(union_all(*statements)):
        standing = outcome if status == Status.COMPLETED else status
        counted[standing] = min(counted.get(standing, 0) + number, BOUND + 1)
    return counted
