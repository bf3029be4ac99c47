"""What a queued run says of workers that are frozen, and of workers that are busy."""

import pytest

from tests.faults.crew import Crew
from tests.faults.operations import begin
from tests.faults.settled import assert_settled
from tests.faults.small_worker import ACTIVITIES
from tests.slow_remotes import silence, speak
from tests.system import Json, System, wait_for

pytestmark = pytest.mark.faults

COMPOSE = "environment.review.compose"


def waiting(system: System, run: Json) -> Json:
    found: Json = system.get(f"/operations/{run['id']}")["waiting"]
    return found


def wait_until_unresponsive(system: System, run: Json) -> None:
    # A frozen worker seems to take what its open polls are given, each for ten seconds.
    wait_for(
        lambda: waiting(system, run)["code"] == "workers_unresponsive",
        what="the worker to be found unresponsive",
    )


def test_the_only_worker_frozen_reads_as_unresponsive(system: System, crew: Crew) -> None:
    (worker,) = crew.muster(1)
    # A worker that has never polled is none that Temporal knows.
    system.settled(begin(system, COMPOSE))
    worker.freeze()
    run = begin(system, COMPOSE)

    wait_until_unresponsive(system, run)

    worker.resume()
    assert system.settled(run)["outcome"] == "succeeded"
    assert_settled(system, [run])


@pytest.mark.whole_lane
def test_a_worker_that_is_full_reads_as_busy_until_it_freezes(system: System, crew: Crew) -> None:
    crew.muster(0)
    worker = crew.hire("tests.faults.small_worker")
    worker.await_ready()
    system.settled(begin(system, COMPOSE))
    repositories = [system.repository({"a.conf": "1"}) for _ in range(ACTIVITIES)]
    environments = [system.environment(repository.url) for repository in repositories]
    for repository in repositories:
        silence(repository)
    runs = [system.running(system.compose(environment)) for environment in environments]
    run = begin(system, COMPOSE)

    def waits_behind_a_silent_worker() -> bool:
        reason = waiting(system, run)
        assert reason["code"] in ("starting", "workers_busy"), reason
        return "20 s" in reason["sentence"]

    wait_for(waits_behind_a_silent_worker, what="the worker to be full for longer than an idle one is silent")
    worker.freeze()
    wait_until_unresponsive(system, run)

    crew.kill(worker)
    for repository in repositories:
        speak(repository)
    crew.muster(1)
    assert {system.settled(each)["outcome"] for each in [*runs, run]} == {"succeeded"}
    assert_settled(system, [*runs, run])
