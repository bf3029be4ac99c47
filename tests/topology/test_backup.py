"""The drill of docs/operating.md: the database is dumped, lost and restored while an operation is open."""

import httpx
import psycopg
import pytest

from tests.faults.operations import restorable
from tests.faults.settled import assert_settled, commits_of, settlements
from tests.slow_remotes import gate_of, held_restore
from tests.system import Json, System
from tests.topology.steps import Steps
from tests.topology.topology import Topology

pytestmark = pytest.mark.topology

DATABASE = "operationrun"
# Everything a completed run left, in an order that does not depend on where rows lie.
KEPT = (
    "SELECT to_jsonb(r)::text FROM operation_runs r WHERE id = ANY(%s) ORDER BY id",
    "SELECT to_jsonb(r)::text FROM environment_reviews r WHERE run_id = ANY(%s) ORDER BY id",
    "SELECT to_jsonb(r)::text FROM restore_results r WHERE run_id = ANY(%s) ORDER BY run_id",
    "SELECT to_jsonb(r)::text FROM operation_run_transitions r WHERE run_id = ANY(%s) ORDER BY id",
)


def test_a_restored_database_tells_the_truth(system: System, topology: Topology, steps: Steps) -> None:
    completed, review = completed_runs(system)
    repository, _, restore = held_restore(system)
    pack, kept = pack_of(system, review), rows_of(system, completed)
    dump = topology.machine.folder / "operationrun.dump"

    with steps.step("backup", "pg_dump while a restore is open"):
        topology.postgres.dump(DATABASE, dump)
    gate_of(repository).touch()
    assert system.settled(restore)["outcome"] == "succeeded"

    ours = ["web", *topology.workers()]
    with steps.step("backup", "web and workers stopped"):
        topology.stop(ours)
    with steps.step("backup", "database dropped, pg_restore, migrate"):
        topology.postgres.drop_database(DATABASE)
        topology.postgres.create_database(DATABASE)
        topology.postgres.restore(DATABASE, dump)
        topology.begin(topology.application, "migrate")
    assert status_of(system, restore) == "running"
    with steps.step("backup", "web and workers started, until the open run was settled"):
        topology.restart(*ours)
        ended = system.settled(restore)

    assert settlements(system, ended["id"]) == [("succeeded", "restore_applied")]
    assert ended["context"]["reconciliation"]["source"] == "sweep"
    assert list(commits_of(repository.path)) == [ended["id"]]
    assert rows_of(system, completed) == kept
    assert pack_of(system, review) == pack
    assert_settled(system, [*completed, ended])


def completed_runs(system: System) -> tuple[list[Json], str]:
    """Return a composed and a restored run, both settled, and the id of the review."""
    _, environment, plan = restorable(system)
    runs = [system.settled(system.compose(environment)), system.settled(system.restore(environment, plan))]
    assert_settled(system, runs)
    review: str = runs[0]["links"]["related"]["id"]
    system.post(f"/reviews/{review}/publish", {}, expect=200)
    return runs, review


def pack_of(system: System, review: str) -> bytes:
    answer: httpx.Response = system.client.get(f"/reviews/{review}/pack.zip")
    assert answer.status_code == 200, answer.text
    return answer.content


def rows_of(system: System, runs: list[Json]) -> list[tuple[str, ...]]:
    with psycopg.connect(system.ready["database_url"]) as connection:
        ids = [run["id"] for run in runs]
        return [row for query in KEPT for row in connection.execute(query, [ids]).fetchall()]


def status_of(system: System, run: Json) -> str:
    with psycopg.connect(system.ready["database_url"]) as connection:
        found = connection.execute("SELECT status FROM operation_runs WHERE id = %s", [run["id"]]).fetchone()
    assert found is not None
    status: str = found[0]
    return status
