"""What `docker compose stop` does to a worker and to the web server that are at work."""

from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.faults.settled import assert_settled
from tests.slow_remotes import gate_of, held_restore, silence, speak
from tests.system import System, wait_for
from tests.topology.steps import Steps
from tests.topology.test_faults import is_push
from tests.topology.topology import Topology

pytestmark = pytest.mark.topology


def test_a_worker_finishes_what_it_is_at(system: System, topology: Topology, steps: Steps) -> None:
    repository, _, restore = held_restore(system)
    at_it = topology.working_on(is_push, topology.workers())

    with steps.step("shutdown", "a worker stopped that finishes its restore"):
        topology.ask_to_stop(at_it)
        gate_of(repository).touch()
        code = topology.ended(at_it)
    ended = system.settled(restore)

    topology.restart(at_it)
    assert (code, ended["outcome"]) == (0, "succeeded")
    assert_settled(system, [ended])


def test_another_worker_finishes_what_takes_too_long(
    system: System, topology: Topology, steps: Steps
) -> None:
    repository = system.repository({"a.conf": "1"})
    environment = system.environment(repository.url)
    silence(repository)
    compose = system.compose(environment)
    at_it = topology.working_on(is_git, topology.workers())

    with steps.step("shutdown", "a worker stopped whose repository is silent"):
        topology.ask_to_stop(at_it)
        code = topology.ended(at_it)
    with steps.step("shutdown", "... until another worker was at it"):
        topology.working_on(is_git, [name for name in topology.workers() if name != at_it])
    speak(repository)
    ended = system.settled(compose)

    topology.restart(at_it)
    assert (code, ended["outcome"]) == (0, "succeeded")
    assert_settled(system, [ended])


def test_the_web_server_finishes_its_requests(system: System, topology: Topology, steps: Steps) -> None:
    repository = system.repository({"a.conf": "1"})
    environment = system.environment(repository.url)
    silence(repository)
    path, body = f"/environments/{environment['id']}/restore-points", {"label": "one", "ref": "main"}

    with ThreadPoolExecutor(1) as pool, steps.step("shutdown", "the web server stopped in a request"):
        answer = pool.submit(system.client.post, path, json=body)
        wait_for(lambda: any(map(is_git, topology.family("web"))), what="a request to be under way")
        topology.ask_to_stop("web")
        speak(repository)
        status, code = answer.result().status_code, topology.ended("web")

    topology.restart("web")
    assert (status, code) == (201, 0)
    assert system.get(f"/environments/{environment['id']}/restore-points")["items"][0]["label"] == "one"


def is_git(process: psutil.Process) -> bool:
    try:
        return process.name() == "git"
    except psutil.NoSuchProcess:
        return False
