"""What has to hold after every fault (docs/design.md)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from services.restores.progress import TRAILER
from tests.faults.accepted import assert_pushes_allowed, assert_transitions_allowed
from tests.faults.operator_view import assert_calm
from tests.git_repository import git
from tests.system import Json, System, wait_for
from tests.temporal_cli import TemporalCli

RECONCILIATION = {
    "adapter", "decision", "reason_code", "previous", "related", "source", "evidence", "reconciled_at",
}  # fmt: skip
DONE = {"succeeded", "partially_succeeded"}
NOTHING_DONE = {"failed", "cancelled", "blocked"}
CLOSES_WITHIN = 15.0


class Ledger:
    """What PostgreSQL says of the runs of a test."""

    def __init__(self, system: System, run_ids: Iterable[str]) -> None:
        self._ids = list(run_ids)
        with _reading(system) as connection:
            self._connection = connection
            self.runs = self._rows("SELECT * FROM operation_runs WHERE id = ANY(%s)")
            self.reviews = self._by_run("SELECT * FROM environment_reviews WHERE run_id = ANY(%s)")
            self.results = self._by_run("SELECT * FROM restore_results WHERE run_id = ANY(%s)")
            self.steps = self._rows(
                "SELECT * FROM operation_run_transitions WHERE run_id = ANY(%s) ORDER BY id"
            )
            self.plans = {
                plan["id"]: plan
                for plan in self._rows(
                    "SELECT * FROM restore_plans WHERE environment_id IN "
                    "(SELECT environment_id FROM operation_runs WHERE id = ANY(%s))"
                )
            }
            self.repositories = {
                row["id"]: Path(row["repository_url"])
                for row in self._rows(
                    "SELECT id, repository_url FROM environments WHERE id IN "
                    "(SELECT environment_id FROM operation_runs WHERE id = ANY(%s))"
                )
            }

    def _rows(self, query: str) -> list[Json]:
        return self._connection.execute(query, [self._ids]).fetchall()

    def _by_run(self, query: str) -> dict[Any, Json]:
        return {row["run_id"]: row for row in self._rows(query)}


def assert_settled(system: System, runs: Iterable[Json]) -> list[Json]:
    """Fail unless every run has ended, once, and as the branch and the reviews say; return their rows."""
    run_ids = [run["id"] for run in runs]
    ledger = Ledger(system, run_ids)
    assert sorted(str(run["id"]) for run in ledger.runs) == sorted(run_ids)
    for run in ledger.runs:
        assert run["status"] == "completed", run
        assert run["outcome"] != "pending", run
    _assert_one_commit_each(ledger)
    for run in ledger.runs:
        _assert_accounted_for(ledger, run)
    _assert_histories(ledger)
    _assert_one_live_review(system)
    _assert_workflows_closed(system, run_ids)
    for run in ledger.runs:
        assert_calm(system, str(run["id"]))
        if run["type"] == "environment.review.compose" and run["outcome"] == "succeeded":
            _assert_review_exists(system, str(run["id"]))
    return ledger.runs


def runs_of(system: System, environments: Iterable[Json]) -> list[Json]:
    """Return all runs of environments, those that their caller never heard of included."""
    ids = [environment["id"] for environment in environments]
    with _reading(system) as connection:
        query = "SELECT id::text AS id, type FROM operation_runs WHERE environment_id = ANY(%s)"
        return connection.execute(query, [ids]).fetchall()


def settlements(system: System, run_id: str) -> list[tuple[str, str]]:
    """Return each ending that a run was given, with its reason, in order."""
    with _reading(system) as connection:
        rows = connection.execute(
            "SELECT to_outcome, reason_code FROM operation_run_transitions "
            "WHERE run_id = %s AND to_status = 'completed' ORDER BY id",
            [run_id],
        ).fetchall()
    return [(row["to_outcome"], row["reason_code"]) for row in rows]


def commits_of(repository: Path) -> dict[str, list[str]]:
    """Return the commits of every branch by the run that their trailer names."""
    layout = f"%H%x00%(trailers:key={TRAILER},valueonly,separator=%x2C)"
    commits = defaultdict(list)
    for line in git("log", "--branches", f"--format={layout}", cwd=repository).splitlines():
        commit, _, named = line.partition("\0")
        for run_id in filter(None, named.split(",")):
            commits[run_id.strip()].append(commit)
    return commits


def _assert_one_commit_each(ledger: Ledger) -> None:
    for repository in ledger.repositories.values():
        twice = {run: commits for run, commits in commits_of(repository).items() if len(commits) > 1}
        assert twice == {}, repository


def _assert_accounted_for(ledger: Ledger, run: Json) -> None:
    reconciliation = run["context"].get("reconciliation")
    artifact = ledger.reviews.get(run["id"]) or ledger.results.get(run["id"])
    if reconciliation is not None:
        assert set(reconciliation) == RECONCILIATION, run
        assert reconciliation["decision"] == run["outcome"], run
    elif [failure["code"] for failure in run["failures"]] != ["dispatch_failed"]:
        assert artifact is not None, f"nothing says why {run} ended"
        assert run["outcome"] in DONE, run
    if run["type"] == "restore.execute":
        _assert_branch_agrees(ledger, run)


def _assert_branch_agrees(ledger: Ledger, run: Json) -> None:
    repository = ledger.repositories[run["environment_id"]]
    commits = commits_of(repository).get(str(run["id"]), [])
    result = ledger.results.get(run["id"])
    if run["outcome"] in NOTHING_DONE:
        assert (commits, result) == ([], None), run
    if run["outcome"] not in DONE:
        return
    assert result is not None, run
    assert commits == ([result["commit"]] if result["commit"] else []), run
    if not commits:
        return
    present = _tree(repository, commits[0])
    plan = ledger.plans[result["restore_plan_id"]]
    for change in plan["changes"]:
        if change["change"] != "refused":
            wanted = change["wanted"] and change["wanted"]["oid"]
            assert present.get(change["path"]) == wanted, (run, change)


def _assert_histories(ledger: Ledger) -> None:
    steps = defaultdict(list)
    for step in ledger.steps:
        steps[step["run_id"]].append(step)
    for run in ledger.runs:
        history = steps[run["id"]]
        first, last = history[0], history[-1]
        assert (first["from_status"], first["to_status"]) in {(None, "queued"), (None, "completed")}, history
        assert (last["to_status"], last["to_outcome"]) == (run["status"], run["outcome"]), history
        assert_transitions_allowed(history)
        assert_pushes_allowed(run)
        for before, after in pairwise(history):
            left = (before["to_status"], before["to_outcome"])
            assert left == (after["from_status"], after["from_outcome"]), history


def _assert_one_live_review(system: System) -> None:
    with _reading(system) as connection:
        rows = connection.execute(
            "SELECT environment_id, fingerprint FROM environment_reviews "
            "WHERE status IN ('draft', 'published')"
        ).fetchall()
    counted = Counter((row["environment_id"], row["fingerprint"]) for row in rows)
    assert [found for found, number in counted.items() if number > 1] == []


def _assert_workflows_closed(system: System, run_ids: list[str]) -> None:
    """Wait for the workflows of ended runs to close; the run is completed a moment before."""
    temporal = TemporalCli(system)
    query = "WorkflowId STARTS_WITH 'operation-run.v1.' AND ExecutionStatus = 'Running'"

    def all_closed() -> bool:
        listed = temporal("workflow", "list", "--query", query, "--limit", "1000") or []
        ids = {found["execution"]["workflowId"].rsplit(".", 1)[1] for found in listed}
        return ids.isdisjoint(run_ids)

    wait_for(all_closed, what="the workflows of ended runs to close", patience=CLOSES_WITHIN)


def _assert_review_exists(system: System, run_id: str) -> None:
    related = system.get(f"/operations/{run_id}")["links"]["related"]
    assert related["type"] == "environment_review"
    assert system.get(f"/reviews/{related['id']}")["id"] == related["id"]


@contextmanager
def _reading(system: System) -> Iterator[psycopg.Connection[Json]]:
    with psycopg.connect(system.ready["database_url"], row_factory=dict_row) as connection:
        yield connection


def _tree(repository: Path, commit: str) -> dict[str, str]:
    lines = git("ls-tree", "-r", commit, cwd=repository).splitlines()
    return {line.partition("\t")[2]: line.split()[2] for line in lines}
