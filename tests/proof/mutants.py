"""One rule of the code broken at a time, for each law of state: a history of some world shows it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any, Final
from unittest import mock

from sqlalchemy import update

from models.base import Base
from models.operation_run import OperationRun
from reconcilers.run_judgement import Action, Judgement
from tests.proof.beginnings import beginning
from tests.proof.executions import BORROWING, COMPOSING, COMPOSING_MAIN, REPEATING, RESTORING
from tests.proof.explore import Explored
from tests.proof.world import Mishaps, World
from tests.proof.worlds import search

_FACTS: Final = "reconcilers.restore_execute_decision.RestoreFacts"
_TERMINATED: Final = partial(beginning, Mishaps(terminate=1), RESTORING)


def _write_itself(_: object, session: Any, run: OperationRun, *__: object) -> None:
    session.execute(update(OperationRun).where(OperationRun.id == run.id).values(summary_counts={}))


@contextmanager
def _not_unique(*names: str) -> Iterator[None]:
    with ExitStack() as stack:
        for table in Base.metadata.tables.values():
            for index in table.indexes:
                if index.name in names:
                    stack.enter_context(mock.patch.object(index, "unique", new=False))
        yield


@contextmanager
def _no_fence() -> Iterator[None]:
    with (
        mock.patch(f"{_FACTS}.may_still_land", new=False),
        mock.patch(f"{_FACTS}.needs_fence", new=False),
    ):
        yield


# By law and in words: the world that shows it, and how the rule is broken.
MUTANTS: Final[
    Mapping[tuple[str, str], tuple[Callable[[], World], Callable[[], AbstractContextManager[Any]]]]
] = {
    ("L1", "success is taken back"): (
        partial(beginning, Mishaps(conflict=1, checks=1, sweeps=0), RESTORING),
        partial(mock.patch, "services.runs.write_result.is_correctable", lambda _: True),
    ),
    ("L2", "an adapter writes a run"): (
        _TERMINATED,
        partial(mock.patch, "reconcilers.restore_execute.RestoreExecuteAdapter.record", _write_itself),
    ),
    ("L5", "the same decision is written again"): (
        partial(beginning, Mishaps(terminate=1, checks=1), RESTORING),
        partial(mock.patch, "models.run_context.RunReconciliation.is_same", lambda *_: False),
    ),
    ("L6", "a workflow is not asked whose work it is"): (
        partial(beginning, Mishaps(cancel=1), RESTORING, direct=[BORROWING]),
        partial(mock.patch, "services.runs.proof.is_run_of", lambda *_: True),
    ),
    ("L7", "no index keeps two restores apart"): (
        partial(beginning, Mishaps(attempts=2), RESTORING, direct=[REPEATING]),
        partial(_not_unique, "uq_operation_runs_active_identity", "uq_operation_runs_active_restore"),
    ),
    ("L7", "no index keeps two reviews of one fingerprint apart"): (
        partial(beginning, Mishaps(attempts=2), COMPOSING, COMPOSING_MAIN),
        partial(_not_unique, "uq_environment_reviews_live_fingerprint"),
    ),
    ("L8", "the reconciler records no restore result"): (
        _TERMINATED,
        partial(mock.patch, "reconcilers.restore_execute.record_result", lambda *_: {}),
    ),
    ("L9", "the sweep leaves a run whose workflow has closed"): (
        _TERMINATED,
        partial(mock.patch, "reconcilers.run_check.judge", lambda *_, **__: Judgement(action=Action.LEAVE)),
    ),
    ("L11", "a push without an answer counts as over"): (_TERMINATED, _no_fence),
}

# Each has a mutant of tools/broken_rules.py, of the same name unless it is named here: that breaks the rule
# in the source, and its test shows the breach on the real servers (`make mutants`).
ON_SERVERS: Final[Mapping[str, str]] = {
    "the reconciler records no restore result": "the adapter records no restore result",
}


def find(law: str, name: str) -> Explored:
    """Search for a history that shows a mutant."""
    world, broken = MUTANTS[law, name]
    with broken():
        return search(world())
