"""Workers killed at moments that nobody chose, over a stream of restores and composes."""

import os
import secrets
import time
from random import Random

import pytest

from tests.faults.crew import Crew
from tests.faults.recoveries import Recoveries
from tests.faults.settled import assert_settled
from tests.faults.stream import Stream
from tests.system import Json, System

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("FAULT_KILLS", "6"))
SEED = int(os.environ.get("FAULT_SEED") or secrets.randbits(32))
# Of every four kills one comes before the last one's work is recovered.
HASTE = 0.25
PATIENCE = 30.0


@pytest.mark.timeout(60 + KILLS * 30)
def test_nothing_is_lost_or_done_twice(system: System, crew: Crew, recoveries: Recoveries) -> None:
    print(f"{KILLS} kills, FAULT_SEED={SEED}")  # noqa: T201 - with the seed the run can be repeated
    recoveries.keep(kills=KILLS, seed=SEED)
    random = Random(SEED)  # noqa: S311 - chance, not secrecy
    crew.muster(2)
    with Stream(system, random).flowing() as stream:
        for number in range(KILLS):
            _kill_one(system, crew, recoveries, random, stream, beside=number % 2)

    runs = stream.runs
    assert len(runs) > KILLS
    for run in assert_settled(system, runs):
        assert run["outcome"] == "succeeded", run


def _kill_one(
    system: System, crew: Crew, recoveries: Recoveries, random: Random, stream: Stream, *, beside: int
) -> None:
    """Kill a worker, with or without another beside it, and note when what it left is settled."""
    workers = crew.muster(1 + beside)
    time.sleep(random.uniform(0, 1.5))
    victim = random.choice(workers)
    crew.kill(victim)
    left: list[Json] = stream.under_way()
    crew.hire()
    crew.muster(1 + beside)
    if random.random() < HASTE:
        return
    there_since = victim.died_at if beside else crew.workers[0].ready_at
    ended = [system.settled(run, patience=PATIENCE) for run in left]
    manner = "another worker beside it" if beside else "then another worker"
    recoveries.note(f"killed at random with {len(left)} under way, {manner}", since=there_since, ended=ended)
