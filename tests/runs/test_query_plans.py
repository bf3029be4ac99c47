"""How PostgreSQL reads the run viewer's pages, behind row-level security as the web reads them.

Every statement of a page goes along an index and reads a few thousand entries at most, however many runs.
"""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from bench.many_runs import ENVIRONMENTS, fill
from models.operation_run import OperationRun
from services.database.row_security import within
from services.database.session import Database
from services.runs.queries import own_results, requests_of, reviews_for, transitions_of
from services.runs.search.counts import BOUND, count_standings
from services.runs.search.filters import RunFilters
from services.runs.search.index_scans import STANDINGS, scans_of
from services.runs.search.listing import list_runs
from services.runs.typical_durations import typical_durations
from tests.conftest import named

RUNS = 20_000
LARGE = {"operation_runs", "operation_run_transitions", "operation_requests", "environment_reviews"}
ENVIRONMENT = f"environment-{ENVIRONMENTS // 2}"
FILTERS = [
    {},
    {"environment": ENVIRONMENT},
    {"type": "restore.execute"},
    {"status": "queued"},
    {"status": "completed"},
    {"outcome": "blocked"},
    {"outcome": "succeeded"},
    {"initiator": "person-7@example.org"},
    {"created_after": "2026-11-01", "created_to": "2026-11-12"},
    {"environment": ENVIRONMENT, "outcome": "blocked"},
    {"initiator": "person-7@example.org", "outcome": "cancelled"},
    {"environment": ENVIRONMENT, "initiator": "person-7@example.org"},
    {"q": "person-3"},
    {"q": "environment-1"},
    {"q": "nobody-of-this-name"},
    {"q": "01890000"},
]


@pytest.fixture(scope="module")
def many(postgres_url: str) -> Iterator[tuple[Database, frozenset[UUID]]]:
    """A database with many runs as the web sees it, and the workspaces of its reader."""
    url = named(postgres_url, "many_runs")
    whole = Database.connect(postgres_url)
    with whole.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE many_runs TEMPLATE migrated"))
    fill(url, RUNS)
    filled = Database.connect(url)
    with filled.transaction() as session:
        workspaces = frozenset(session.scalars(text("SELECT id FROM workspaces")))
    yield filled.narrowed(lambda: within(workspaces)), workspaces
    filled.close()
    with whole.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE many_runs WITH (FORCE)"))
    whole.close()


def scans(database: Database, read: Callable[[Session], object]) -> list[dict[str, Any]]:
    """Return how the large tables were scanned for what is read: each scan as EXPLAIN ANALYZE tells it."""
    statements: list[tuple[str, Any]] = []

    def keep(*given: Any) -> None:
        if not given[2].startswith(("SET", "SELECT set_config", "EXPLAIN")):
            statements.append((given[2], given[3]))

    with database.transaction() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", keep)
        read(session)
        event.remove(connection, "before_cursor_execute", keep)
        plans = [
            connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", given).scalar_one()
            for statement, given in statements
        ]
    assert plans
    return [node for plan in plans for node in _nodes(plan[0]["Plan"]) if node.get("Relation Name") in LARGE]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def assert_bounded(found: list[dict[str, Any]], most: int) -> None:
    told = [(node["Node Type"], node["Relation Name"], node.get("Index Name")) for node in found]
    assert "Seq Scan" not in {node["Node Type"] for node in found}, told
    read = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in found
    )
    assert read <= most, (read, told)


@pytest.mark.parametrize("given", FILTERS, ids=lambda given: "&".join(given) or "none")
def test_a_page_of_the_list_reads_a_few_thousand_entries(
    many: tuple[Database, frozenset[UUID]], given: dict[str, str]
) -> None:
    database, workspaces = many
    filters = RunFilters.parse(given)

    found = scans(database, lambda session: list_runs(session, workspaces=workspaces, filters=filters))

    assert_bounded(found, 6000)


@pytest.mark.parametrize("given", FILTERS[:12], ids=lambda given: "&".join(given) or "none")
def test_the_numbers_stop_at_their_bound(
    many: tuple[Database, frozenset[UUID]], given: dict[str, str]
) -> None:
    database, workspaces = many
    filters = RunFilters.parse(given)

    found = scans(
        database,
        lambda session: count_standings(session, scans_of(session, workspaces=workspaces, filters=filters)),
    )

    assert_bounded(found, 2 * len(workspaces) * len(STANDINGS) * (BOUND + 1))


def test_the_parts_of_a_runs_page_are_found_by_an_index(many: tuple[Database, frozenset[UUID]]) -> None:
    database, _ = many

    with database.transaction() as session:
        latest = text(
            "SELECT id FROM operation_runs WHERE outcome = 'failed' ORDER BY created_at DESC LIMIT 1"
        )
        run = session.get_one(OperationRun, session.scalar(latest))

    def read(session: Session) -> None:
        session.get_one(OperationRun, run.id)
        transitions_of(session, run.id)
        requests_of(session, run.id, limit=50)
        own_results(session, [run.id])
        reviews_for(session, run)
        assert typical_durations(session, [run])

    assert_bounded(scans(database, read), 500)
