"""What does not change in the world: an environment, a restore plan, and its repository's commits."""

import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final
from uuid import UUID

import pygit2

from models.actor import Actor
from models.catalog import OperationType
from models.contracts.restore_execute import RestoreExecuteInput
from models.contracts.review_compose import ReviewComposeInput
from models.correlation import Correlation
from services.runs.new_run import Dispatch, NewRun
from tests.proof.rows import Row, row
from tests.proof.world import BEGINNING

WORKSPACE, ENVIRONMENT, POINT, PLAN, RUN = (UUID(int=number) for number in range(1, 6))
FOREIGN_WORKSPACE, FOREIGN_ENVIRONMENT = UUID(int=11), UUID(int=12)
ADA: Final = Actor(kind="user", name="ada@example.org")
TARGET: Final = Dispatch(queue="operation-runs", connection="default", dispatched_at=BEGINNING)
RESTORE: Final = Correlation(operation_type=OperationType.RESTORE_EXECUTE, run_id=RUN)
RESTORE_INPUT: Final = RestoreExecuteInput(
    workspace_id=WORKSPACE, environment_id=ENVIRONMENT, restore_plan_id=PLAN
)
# The same work, started directly under an id of its own.
SECOND: Final = Correlation(operation_type=OperationType.RESTORE_EXECUTE, run_id=UUID(int=6))
# Another workspace's workflow of another type, under the id of the restore's run.
BORROWED: Final = Correlation(operation_type=OperationType.ENVIRONMENT_REVIEW_COMPOSE, run_id=RUN)
BORROWED_INPUT: Final = ReviewComposeInput(workspace_id=FOREIGN_WORKSPACE, environment_id=FOREIGN_ENVIRONMENT)

ITEM, OTHER_ITEM = "a.json", "b.json"
_FILE: Final = 0o100644


class Objects:
    """Every object that the repository has in any history; which of them a ref is at, the world says."""

    def __init__(self, folder: str) -> None:
        self.repository = pygit2.init_repository(folder, bare=True)
        self.wanted = self._commit([], {ITEM: "1"}, "The state to restore")
        self.live = self._commit([self.wanted], {ITEM: "2"}, "The state that the plan saw")

    @cache  # noqa: B019 - there is one, as long as the process
    def on_top(self, head: str, item: str) -> str:
        """Return another author's commit on a head, which changes one item."""
        return self._commit([head], {item: "3"}, "Another author's change")

    @cache  # noqa: B019
    def own(self, head: str) -> Sequence[str]:
        """Return the restore's commits in a head's history."""
        walk = self.repository.walk(pygit2.Oid(hex=head))
        return tuple(str(commit.id) for commit in walk if str(RUN) in commit.message)

    def blob(self, content: str) -> str:
        return str(self.repository.create_blob(content.encode()))

    def _commit(self, parents: Sequence[str], files: Mapping[str, str], message: str) -> str:
        trees = [self.repository[pygit2.Oid(hex=parent)].peel(pygit2.Tree) for parent in parents]
        builder = self.repository.TreeBuilder(*trees)
        for name, content in files.items():
            builder.insert(name, pygit2.Oid(hex=self.blob(content)), _FILE)
        author = pygit2.Signature("Ada", "ada@example.org", int(BEGINNING.timestamp()), 0)
        oids: list[str | pygit2.Oid] = [pygit2.Oid(hex=parent) for parent in parents]
        return str(self.repository.create_commit(None, author, author, message, builder.write(), oids))


@cache
def objects() -> Objects:
    return Objects(tempfile.mkdtemp(prefix="operationrun-proof-"))


@cache
def fixed_rows() -> Sequence[Row]:
    """Return the rows that no process writes."""
    found = objects()
    here = {"workspace_id": WORKSPACE, "environment_id": ENVIRONMENT, "created_at": BEGINNING}
    here |= {"created_by": ADA.name}
    live, wanted = ({"oid": found.blob(content), "mode": _FILE} for content in "21")
    change = {"path": ITEM, "change": "update", "reason": None, "live": live, "wanted": wanted}
    point = {"id": POINT, "label": "Before", "ref": "main", "commit": found.wanted}
    plan = {"id": PLAN, "restore_point_id": POINT, "mode": "overlay", "items": [], "digest": ""}
    plan |= {"restore_commit": found.wanted, "live_commit": found.live}
    plan |= {"changes": [change], "counts": {"update": 1}}
    return (
        _environment(ENVIRONMENT, WORKSPACE),
        _environment(FOREIGN_ENVIRONMENT, FOREIGN_WORKSPACE),
        row("restore_points", {**here, **point}),
        row("restore_plans", {**here, **plan}),
    )


def _environment(environment_id: UUID, workspace_id: UUID) -> Row:
    values = {"id": environment_id, "workspace_id": workspace_id, "created_at": BEGINNING}
    values |= {"slug": "one", "name": "One", "repository_url": "/nowhere"}
    return row("environments", {**values, "branch": "main", "path_prefix": "", "baseline_ref": None})


def queued_run() -> Row:
    """Return the restore's row as it is once Temporal has taken it."""
    columns = NewRun(correlation=RESTORE, operation_input=RESTORE_INPUT, actor=ADA, dispatch=TARGET).columns(
        BEGINNING
    )
    columns["context"] = columns.pop("context_json")
    return row("operation_runs", {**columns, "started_at": None, "completed_at": None})
