import dataclasses
import socket
from itertools import product

import pytest
from prometheus_client.parser import text_string_to_metric_families

from models.base import utc_now
from models.environment import Environment
from models.lifecycle import ACTIVE, Outcome, Status
from services.database.session import Database
from tests.api.test_waiting import fail
from tests.factories import make_run
from tests.world import ABSENT, World
from web.app import create_app
from web.metrics.ledger import read_figures


def read(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def figures(api_world: World) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = api_world.api.ask("GET", "/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return read(answer.text)


def runs(**labels: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    return "operationrun_runs", tuple(sorted(labels.items()))


COMPOSE = "environment.review.compose"


def test_it_counts_runs_by_type_status_and_outcome(api_world: World) -> None:
    for ref in ("one", "two", "three"):
        last = api_world.api.start_compose(ref).get_json()
    fail(api_world, last)
    found = figures(api_world)
    assert found[runs(type=COMPOSE, status="queued", outcome="pending")] == 2
    assert found[runs(type=COMPOSE, status="completed", outcome="failed")] == 1
    assert found["operationrun_ended_recently", (("outcome", "failed"), ("type", COMPOSE))] == 1
    assert found["operationrun_reconciled_recently", (("outcome", "failed"), ("source", "sweep"))] == 1
    assert found["operationrun_oldest_queued_seconds", ()] > 0
    assert found["operationrun_oldest_running_seconds", ()] == 0
    assert found["operationrun_database_up", ()] == 1


def test_a_run_is_as_old_as_its_standing(api_world: World) -> None:
    with api_world.services.database.transaction() as session:
        environment = session.get_one(Environment, api_world.environment.id)
        queued, running = (make_run(session, environment, status=status) for status in sorted(ACTIVE))
        assert running.started_at
        assert running.started_at > running.created_at
        oldest_at = read_figures(session, utc_now()).oldest_at
        assert oldest_at == {Status.QUEUED: queued.created_at, Status.RUNNING: running.started_at}


def test_it_tells_no_workspace_from_another(api_world: World) -> None:
    api_world.api.start_compose()
    text = api_world.api.ask("GET", "/metrics").text
    for name in ("own", "foreign", "production", str(api_world.workspace.id), str(api_world.environment.id)):
        assert f'"{name}"' not in text


def test_it_times_requests_by_route_and_not_by_address(api_world: World) -> None:
    api_world.api.get(f"/api/v1/operations/{ABSENT}")
    api_world.api.get("/api/v1/workspaces")
    api_world.api.get("/api/v1/nothing")
    api_world.api.ask("BREW", "/api/v1/workspaces")
    found = {
        (labels["route"], labels["method"], labels["status"]): count
        for (name, pairs), count in figures(api_world).items()
        if name == "operationrun_http_request_duration_seconds_count"
        for labels in [dict(pairs)]
    }
    assert found == {
        ("/api/v1/operations/<run_id>", "GET", "404"): 1,
        ("/api/v1/workspaces", "GET", "200"): 1,
        ("none", "GET", "404"): 1,
        ("none", "other", "405"): 1,
    }


def test_it_watches_the_connections_of_the_pool(api_world: World) -> None:
    assert figures(api_world)["operationrun_database_connections_limit", ()] == 20
    with api_world.services.database.transaction() as session:
        session.connection()
        assert figures(api_world)["operationrun_database_connections_in_use", ()] >= 1
        assert figures(api_world)["operationrun_database_connections_open", ()] >= 1


def test_it_tells_how_long_each_phase_of_what_has_just_ended_took(api_world: World) -> None:
    with api_world.services.database.transaction() as session:
        environment = session.get_one(Environment, api_world.environment.id)
        run = make_run(session, environment, status=Status.COMPLETED, outcome=Outcome.SUCCEEDED)
        assert run.started_at
        assert run.completed_at
        phases = {"waiting": run.started_at - run.created_at, "working": run.completed_at - run.started_at}
    found = figures(api_world)
    for (phase, took), quantile in product(phases.items(), ("0.5", "0.95")):
        labels = (("phase", phase), ("quantile", quantile), ("type", COMPOSE))
        figure = found["operationrun_recent_duration_seconds", labels]
        assert figure == pytest.approx(took.total_seconds())


def test_it_asks_the_database_once_for_however_many_ask_it(
    api_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    figures(api_world)
    monkeypatch.setattr("web.metrics.ledger.read_figures", lambda *_: asked.append(1))
    for _ in range(5):
        figures(api_world)
    assert asked == []


def test_it_says_that_the_database_is_away_and_still_answers(api_world: World) -> None:
    with socket.socket() as taken:
        # Bound and not listening: a connection is refused at once.
        taken.bind(("127.0.0.1", 0))
        database = Database.connect(f"postgresql://nobody@127.0.0.1:{taken.getsockname()[1]}/nothing")
        app = create_app(dataclasses.replace(api_world.services, database=database), secret_key="k")
        answer = app.test_client().get("/metrics")
        assert answer.status_code == 200
        assert read(answer.text)["operationrun_database_up", ()] == 0
        database.close()
