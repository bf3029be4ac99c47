"""Workers killed, workflows ended and pushes held at random moments, over a stream of operations."""

import os
import secrets
from random import Random

import pytest

from tests.faults.crew import Crew
from tests.faults.disturbances import Disturbances
from tests.faults.recoveries import Recoveries
from tests.faults.settled import assert_settled
from tests.faults.stream import Stream
from tests.system import System

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("FAULT_KILLS", "6"))
SEED = int(os.environ.get("FAULT_SEED") or secrets.randbits(32))


@pytest.mark.timeout(300 + KILLS * 30)
def test_nothing_is_lost_or_done_twice(system: System, crew: Crew, recoveries: Recoveries) -> None:
    print(f"{KILLS} kills and terminations, FAULT_SEED={SEED}")  # noqa: T201 - with the seed it can be repeated
    random = Random(SEED)  # noqa: S311 - chance, not secrecy
    with Stream(system, random).flowing() as stream:
        disturbances = Disturbances(system, crew, recoveries, random, stream)
        struck = 0
        while struck < KILLS:
            # The first half with one worker, the second with another beside it.
            crew.muster(
                1 if struck < KILLS // 2 else 2, pooled=min(1, sum(each.pooled for each in crew.workers))
            )
            struck += disturbances.strike()

    runs = stream.runs
    recoveries.keep(kills=KILLS, seed=SEED, runs=len(runs), **disturbances.counts)
    print(len(runs), "runs,", dict(disturbances.counts))  # noqa: T201 - the figures are the point
    assert len(runs) > KILLS // 2
    for run in assert_settled(system, runs):
        assert run["outcome"] == "succeeded" or str(run["id"]) in disturbances.ended, run
