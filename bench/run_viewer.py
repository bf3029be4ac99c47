"""The run viewer at 1,000,000 runs against the same at 10,000, on one PostgreSQL server.

Both databases have the same workspaces, environments, people, shares of each outcome, and number of active
runs. A signed-in operator requests each page from one and the other in turn, with an engine in memory. The
ratio compares the medians of the whole time of a page; the ratio of the fastest is the one that other work on
the machine disturbs least. The results are in bench/results/run_viewer.json and .md.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from flask.testing import FlaskClient
from sqlalchemy import event, text

from bench.many_runs import ACTIVE, ENVIRONMENTS, fill
from models.base import utc_now
from models.lifecycle import Outcome
from runtime.local.postgres import running_postgres
from runtime.migrate import upgrade
from services.database.paging import PAGE_SIZE, Cursor
from services.database.session import Database
from tests.fake_engine import FakeEngine, services_on
from web.app import create_app
from web.context import scope_of_request

SMALL, LARGE = 10_000, 1_000_000
ROUNDS, WARM_UP = 21, 2
PAGE = 100
PROMISED = 1.5
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, kw_only=True)
class Side:
    """One database with a viewer on it; `paths` are the measured pages by name."""

    runs: int
    client: FlaskClient
    paths: dict[str, str]
    statements: list[str]

    def ask(self, name: str) -> float:
        """Request a page; return the milliseconds."""
        self.statements.clear()
        started = time.perf_counter()
        answer = self.client.get(self.paths[name])
        taken = (time.perf_counter() - started) * 1000
        assert answer.status_code == HTTPStatus.OK, (name, answer.status_code, answer.text)
        assert "could not be read" not in answer.text, name
        return taken


def filters() -> dict[str, str]:
    """Return the query string of the list for each filter, and for filters together."""
    one_environment = f"environment=environment-{ENVIRONMENTS // 2}"
    return {
        "no filter": "",
        "environment": one_environment,
        "type": "type=restore.execute",
        "status queued": "status=queued",
        "status running": "status=running",
        "status completed": "status=completed",
        **{f"outcome {outcome}": f"outcome={outcome}" for outcome in Outcome if outcome != Outcome.PENDING},
        "initiator": "initiator=person-7@example.org",
        "time": "created_after=2026-11-17T00:00:00Z&created_to=2026-11-18",
        "environment and outcome": f"{one_environment}&outcome=blocked",
        "initiator and outcome": "initiator=person-7@example.org&outcome=cancelled",
        "environment and initiator": f"{one_environment}&initiator=person-7@example.org",
        "everything at once": (
            f"{one_environment}&initiator=person-7@example.org&type=environment.review.compose&outcome=failed"
        ),
        "text: a person": "q=person-33",
        "text: an environment": "q=environment-12",
        "text: many names": "q=person",
        "text: nothing": "q=nobody-of-this-name",
    }


def paths_of(database: Database) -> dict[str, str]:
    with database.transaction() as session:
        workspace = session.scalar(text("SELECT slug FROM workspaces ORDER BY slug LIMIT 1"))
        row = "SELECT created_at, id FROM operation_runs ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET :n"
        at, run_id = session.execute(text(row), {"n": PAGE_SIZE * (PAGE - 1) - 1}).one()
        ended = "SELECT id FROM operation_runs WHERE outcome = :outcome ORDER BY id LIMIT 1 OFFSET 500"
        done = session.scalar(text(ended), {"outcome": "succeeded"})
        failed = session.scalar(text(ended), {"outcome": "failed"})
        active = session.scalar(text("SELECT id FROM operation_runs WHERE status = 'running' LIMIT 1"))
    after = f"after={Cursor(at=at, id=run_id).encode()}"
    listed = {f"list, {name}": f"/operations?{query}" for name, query in filters().items()}
    return listed | {
        "list, workspace": f"/operations?workspace={workspace}",
        "list, text: an id": f"/operations?q={run_id}",
        f"list, page {PAGE}": f"/operations?{after}",
        f"list, page {PAGE} of outcome succeeded": f"/operations?outcome=succeeded&{after}",
        "list, polled part": "/operations/fragment",
        "detail, succeeded": f"/operations/{done}",
        "detail, failed": f"/operations/{failed}",
        "detail, running": f"/operations/{active}",
        "detail, polled part": f"/operations/{active}/fragment",
        "evidence": f"/operations/{failed}/evidence.json",
    }


@contextmanager
def side(server_url: str, folder: Path, runs: int) -> Iterator[Side]:
    name = f"runs_{runs}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = urlsplit(server_url)._replace(path=f"/{name}").geturl()
    upgrade(url)
    started = time.perf_counter()
    user_id = fill(url, runs)
    print(f"{runs:,} runs made in {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    database = Database.connect(url)
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    services = services_on(
        FakeEngine(),
        database.narrowed(scope_of_request),
        folder=folder,
        roots=[folder],
        public_url="http://localhost",
    )
    client = create_app(services, secret_key="a key of this bench alone").test_client()  # noqa: S106 - no secret
    sign_in(client, user_id)
    yield Side(runs=runs, client=client, paths=paths_of(database), statements=statements)
    database.close()


def sign_in(client: FlaskClient, user_id: UUID) -> None:
    """Set the session cookie that signing in sets."""
    now = int(utc_now().timestamp())
    with client.session_transaction() as cookie:
        cookie.update(user_id=str(user_id), version=0, signed_in_at=now, seen_at=now)


def measure(sides: list[Side]) -> list[dict[str, Any]]:
    found = []
    for name in sides[0].paths:
        times: dict[int, list[float]] = {each.runs: [] for each in sides}
        for number in range(WARM_UP + ROUNDS):
            for each in sides if number % 2 else reversed(sides):
                taken = each.ask(name)
                if number >= WARM_UP:
                    times[each.runs].append(taken)
        small, large = (median(times[each.runs]) for each in sides)
        found.append(
            {
                "page": name,
                "ratio": round(large / small, 2),
                "ratio_of_fastest": round(min(times[LARGE]) / min(times[SMALL]), 2),
                "median_ms": {SMALL: round(small, 2), LARGE: round(large, 2)},
                "fastest_ms": {runs: round(min(taken), 2) for runs, taken in times.items()},
                "queries": {each.runs: _queries(each, name) for each in sides},
            }
        )
        print(f"{name:40} {large / small:5.2f}  {small:7.1f} ms {large:7.1f} ms", file=sys.stderr, flush=True)
    return found


def _queries(each: Side, name: str) -> int:
    each.ask(name)
    return len(each.statements)


def table(found: list[dict[str, Any]]) -> str:
    lines = [
        f"| page | ratio | {SMALL:,} runs | {LARGE:,} runs | ratio of the fastest | queries |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in found:
        small, large = row["median_ms"].values()
        queries = " / ".join(map(str, dict.fromkeys(row["queries"].values())))
        numbers = f"{row['ratio']:.2f} | {small:.1f} ms | {large:.1f} ms | {row['ratio_of_fastest']:.2f}"
        lines.append(f"| {row['page']} | {numbers} | {queries} |")
    for name, key in (("medians", "ratio"), ("the fastest", "ratio_of_fastest")):
        worst = max(found, key=lambda row: float(row[key]))
        lines += [
            "",
            f"Promised: {PROMISED} at most. The worst of {name} is {worst[key]:.2f}: {worst['page']}.",
        ]
    return "\n".join(lines)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="operationrun-") as temporary:
        folder = Path(temporary)
        with (
            running_postgres(folder / "postgres", say=lambda _: None) as server,
            side(server.url, folder, SMALL) as small,
            side(server.url, folder, LARGE) as large,
        ):
            found = measure([small, large])
    RESULTS.mkdir(exist_ok=True)
    summary = {"small": SMALL, "large": LARGE, "active": ACTIVE, "rounds": ROUNDS, "pages": found}
    (RESULTS / "run_viewer.json").write_text(json.dumps(summary, indent=1) + "\n")
    (RESULTS / "run_viewer.md").write_text(f"# Run viewer\n\n{__doc__}\n{table(found)}\n")
    print(table(found))


if __name__ == "__main__":
    main()
