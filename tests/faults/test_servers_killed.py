"""Temporal and PostgreSQL killed and started again, in the middle of everything (TEMPORAL.md section 9)."""

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psutil
import pytest

from tests.faults.crew import Crew
from tests.faults.operations import restorable
from tests.faults.settled import assert_settled, runs_of
from tests.slow_remotes import gate_of, held_restore, silence, speak
from tests.system import Json, System, wait_for

pytestmark = pytest.mark.faults

SERVERS = ["temporal", "postgres"]
STARTS = 12
ALLOWED = {202, 503}
PATIENCE = 90.0


@pytest.mark.parametrize("server", SERVERS)
def test_what_is_under_way_goes_on(system: System, crew: Crew, server: str) -> None:
    crew.muster(1)
    held, _, restore = held_restore(system)
    silent = system.repository({"a.conf": "1"})
    environment = system.environment(silent.url)
    silence(silent)
    compose = system.running(system.compose(environment))

    _kill(system, server)
    _await_answers(system)
    gate_of(held).touch()
    speak(silent)

    runs = [system.settled(run, patience=PATIENCE) for run in (restore, compose)]
    assert [run["outcome"] for run in runs] == ["succeeded", "succeeded"]
    assert_settled(system, runs)


@pytest.mark.whole_lane
@pytest.mark.parametrize("server", SERVERS)
def test_starts_under_way_are_answered_and_kept(system: System, crew: Crew, server: str) -> None:
    crew.muster(1)
    made = [restorable(system) for _ in range(STARTS)]
    environments = [environment for _, environment, _ in made]

    with _starting(system, made) as answers:
        wait_for(lambda: any(answer.done() for answer in answers), what="a first answer")
        _kill(system, server)
    _await_answers(system)

    statuses = {answer.result().status_code for answer in answers}
    assert statuses <= ALLOWED, [answer.result().text for answer in answers]
    for answer in (answer.result() for answer in answers):
        assert answer.status_code == 202 or answer.headers["Content-Type"] == "application/problem+json"
    runs = [system.settled(run, patience=PATIENCE) for run in runs_of(system, environments)]
    accepted = {answer.result().json()["id"] for answer in answers if answer.result().status_code == 202}
    assert accepted <= {run["id"] for run in runs}
    assert {run["outcome"] for run in runs} == {"succeeded"}
    assert_settled(system, runs)


@pytest.mark.whole_lane
def test_a_start_while_temporal_is_frozen_is_accepted(system: System, crew: Crew) -> None:
    crew.muster(1)
    _, environment, plan = restorable(system)
    temporal = psutil.Process(system.ready["pids"]["temporal"])
    temporal.send_signal(signal.SIGSTOP)
    try:
        run = system.restore(environment, plan)
        assert system.get(f"/operations/{run['id']}")["status"] == "queued"
    finally:
        temporal.send_signal(signal.SIGCONT)

    ended = system.settled(run, patience=PATIENCE)
    assert ended["outcome"] == "succeeded"
    assert_settled(system, [run])


@contextmanager
def _starting(
    system: System, made: Sequence[tuple[object, Json, Json]]
) -> Iterator[list[Future[httpx.Response]]]:
    """Start a restore of each environment, a few at the same time."""
    with ThreadPoolExecutor(3) as pool:
        yield [pool.submit(_start, system, environment, plan) for _, environment, plan in made]


def _start(system: System, environment: Json, plan: Json) -> httpx.Response:
    body = {
        "type": "restore.execute",
        "environment_id": environment["id"],
        "input": {"restore_plan_id": plan["id"]},
    }
    return system.client.post("/operations", json=body)


def _kill(system: System, server: str) -> None:
    pid = system.ready["pids"][server]
    psutil.Process(pid).kill()
    wait_for(
        lambda: system.ready["pids"][server] not in {pid, None}, what=f"another {server}", patience=PATIENCE
    )


def _await_answers(system: System) -> None:
    url = f"{system.ready['web_url']}/readyz"
    wait_for(lambda: httpx.get(url).status_code == 200, what="the servers to answer", patience=PATIENCE)
