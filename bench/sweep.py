"""A sweep over 100,000 active runs, 1,000 of them abnormal, against one over those 1,000 alone.

The database is real; the engine is in memory and answers at once, so that only our own time is measured. A
second row measures a sweep that finds nothing to settle.
"""

import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from sqlalchemy import text
from uuid_utils.compat import uuid7

from bench.report import at_most, write
from models.base import utc_now
from models.catalog import OperationType
from models.correlation import Correlation
from models.reconciliation import OPEN
from models.sweep import SweepCursor
from reconcilers.reconciler import AdapterRunReconciler
from reconcilers.run_check import RunCheck
from reconcilers.sweep import Sweep
from runtime.local.postgres import running_postgres
from runtime.migrate import upgrade
from services.database.session import Database
from services.database.write_guard import WRITER
from services.engine.port import WorkflowView
from services.runs.cancellation import Cancellations
from services.runs.dispatch import Dispatcher
from tests.factories import make_environment
from tests.fake_engine import FakeEngine
from tests.mirrors import mirrors_under

FEW, MANY, ABNORMAL, ROUNDS = 1_000, 100_000, 1_000, 3
PROMISE = 2.0
COMPOSE = OperationType.ENVIRONMENT_REVIEW_COMPOSE

SEED = """
INSERT INTO operation_runs (id, workspace_id, environment_id, type, status, outcome, identity,
    initiator_kind, initiator_name, context, summary_counts, failures, created_at, updated_at)
SELECT id, :workspace, :environment, 'environment.review.compose', 'queued', 'pending', id::text,
    'system', 'bench', jsonb_build_object('input', '{}'::jsonb, 'dispatch', jsonb_build_object(
        'job_class', 'bench', 'queue', 'operation-runs', 'connection', 'default',
        'dispatched_at', now(), 'correlation_version', 1, 'operation_run_id', id::text)),
    '{}', '[]', now() - interval '1 hour', now() - interval '1 hour'
FROM unnest(CAST(:ids AS uuid[])) AS id
"""
# A run is born queued: the trigger refuses any other insert, benchmarks included.
START = "UPDATE operation_runs SET status = 'running', started_at = created_at WHERE status = 'queued'"


class Engine(FakeEngine):
    """Reports every workflow as open, except those in `views`, which closed abnormally."""

    def closed_abnormally(self, since: datetime, *, limit: int) -> Sequence[str]:  # noqa: ARG002
        return [*self.views][:limit]

    def open_workflows(self, since: datetime, *, limit: int) -> Sequence[str]:  # noqa: ARG002
        return []

    def describe(self, workflow_id: str, *, workflow_run_id: str | None = None) -> WorkflowView:  # noqa: ARG002
        return self.views.get(workflow_id, WorkflowView(execution=OPEN, started_at=utc_now()))

    def compact_history(
        self,
        workflow_id: str,
        *,
        workflow_run_id: str | None = None,  # noqa: ARG002
    ) -> dict[str, Any] | None:
        return {"workflow_id": workflow_id, "closed_at": utc_now().isoformat(), "steps": []}


class Sweeps:
    """Sweeps over their own database."""

    def __init__(self, url: str, folder: Path, active: int) -> None:
        self._database = Database.connect(url)
        self._engine = Engine()
        mirrors = mirrors_under(folder, roots=[])
        reconciler = AdapterRunReconciler(self._database, mirrors)
        dispatcher = Dispatcher(self._database, self._engine, public_url="http://bench")
        self._check = RunCheck(self._database, self._engine, reconciler, dispatcher)
        with self._database.transaction() as session:
            self._environment = make_environment(session)
        self._activate(active)

    def abnormal(self) -> float:
        """Return the seconds of a sweep that finds ABNORMAL runs whose workflow was terminated."""
        self._engine.views.clear()
        for run_id in self._activate(ABNORMAL):
            correlation = Correlation(operation_type=COMPOSE, run_id=run_id)
            self._engine.close(correlation.workflow_id, "terminated")
        return self._swept(ABNORMAL)

    def nothing(self) -> float:
        """Return the seconds of a sweep that finds nothing to settle."""
        self._engine.views.clear()
        return self._swept(0)

    def _swept(self, settled: int) -> float:
        cancellations = Cancellations(self._database, self._engine)
        sweep = Sweep(self._database, self._engine, self._check, cancellations, connection="default")
        begun = time.perf_counter()
        result = sweep.run_once(SweepCursor())
        seconds = time.perf_counter() - begun
        assert sum(result.settled.values()) == settled, result
        return seconds

    def _activate(self, count: int) -> Sequence[UUID]:
        ids = [uuid7() for _ in range(count)]
        scope = {"workspace": self._environment.workspace_id, "environment": self._environment.id}
        with self._database.transaction() as session:
            session.execute(
                text("SELECT set_config('operationrun.writer', :writer, true)"), {"writer": WRITER}
            )
            session.execute(text(SEED), scope | {"ids": ids})
            session.execute(text(START))
        return ids


def main() -> None:
    """Measure the sweeps of both databases in turn."""
    with (
        tempfile.TemporaryDirectory(prefix="operationrun-") as folder,
        running_postgres(Path(folder) / "postgres", say=lambda _: None) as server,
    ):
        rows = []
        for name, what, step, abnormal in (
            ("some", f"settles {ABNORMAL:,} of {MANY:,} active runs", Sweeps.abnormal, ABNORMAL),
            ("none", f"finds nothing among {MANY:,} active runs", Sweeps.nothing, 0),
        ):
            many = Sweeps(_migrated(server.url, f"{name}_of_many"), Path(folder), MANY - abnormal)
            few = Sweeps(_migrated(server.url, f"{name}_of_few"), Path(folder), FEW - abnormal)
            figures = [(step(many), step(few)) for _ in range(1 + ROUNDS)][1:]
            ours, floor = (median(side) for side in zip(*figures, strict=True))
            rows.append(
                at_most(PROMISE, f"sweep that {what}", ours=ours, floor=floor, wording="{:.2f} s".format)
            )
    write("sweep", rows, notes=[f"The floor is the same sweep with {FEW:,} active runs."])


def _migrated(url: str, name: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    named = urlsplit(url)._replace(path=f"/{name}").geturl()
    upgrade(named)
    return named


if __name__ == "__main__":
    main()
