"""How a world begins: with which runs and workflows, and which mishaps may come."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from models.errors import RepositoryError
from tests.proof.executions import RESTORING, queued_run
from tests.proof.ports.rows import Row
from tests.proof.replay import Node
from tests.proof.scene import LARGE, objects
from tests.proof.workflow_code import Execution
from tests.proof.world import BRANCH, Mishaps, Remote, Workflow, World

_TIME: Final = 6


def beginning(
    mishaps: Mishaps,
    *requested: Execution,
    direct: Sequence[Execution] = (),
    rows: Sequence[Row] = (),
    takes: str = "tickets",
    unfit: type[RepositoryError] | None = None,
    statements: bool = False,
) -> World:
    """Return the world in which Temporal has just taken these workflows.

    Those that were `requested` have their runs, those of `direct` starts have not.
    """
    workflows = tuple(
        Workflow(each.correlation.workflow_id, Node("workflow", each)) for each in (*requested, *direct)
    )
    known = (*map(queued_run, requested), *rows)
    refs = ((BRANCH, objects().live), (f"refs/heads/{LARGE}", objects().large))
    remote = Remote(tuple(sorted(refs)), takes=takes, unfit=unfit)
    return World(0, tuple(sorted(known, key=lambda row: row.key)), remote, workflows, (), mishaps, statements)


def restore(*, takes: str = "tickets", statements: bool = False, **mishaps: int) -> Callable[[], World]:
    """Return the world of one requested restore, by how often each mishap may happen."""
    return partial(beginning, Mishaps(**mishaps), RESTORING, takes=takes, statements=statements)
