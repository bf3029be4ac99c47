import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from models.catalog import OperationCatalog
from models.environment import Environment
from models.lifecycle import Status
from models.operation_run import OperationRun, OperationRunTransition
from models.reconciliation import Related
from models.restore import RestoreResult
from web.presenters.links import RelatedLink, related_of, run_path, temporal_url, workflow_id_of
from web.presenters.messages import Message, message_of
from web.presenters.states import State, state_of_run
from web.presenters.timeline import Step, timeline_of

RELATED_LABELS = {
    "environment_review": "Open the review",
    "restore_result": "See what was put back",
    "operation_run": "Open the other operation",
}


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One run as a list shows it; `took` is None until it has ended."""

    run: OperationRun
    path: str
    label: str
    environment: Environment | None
    state: State
    message: Message
    took: timedelta | None


@dataclass(frozen=True, kw_only=True)
class RunPage:
    """One run as its page shows it."""

    row: RunRow
    steps: Sequence[Step]
    related: RelatedLink | None
    related_label: str | None
    result: RestoreResult | None
    workflow_id: str
    temporal_url: str | None
    context: str
    failures: str

    @property
    def run(self) -> OperationRun:
        """Return the run itself."""
        return self.row.run

    @property
    def is_completed(self) -> bool:
        """Tell whether nothing more is to come by itself."""
        return self.run.status == Status.COMPLETED


def run_row(run: OperationRun, environment: Environment | None) -> RunRow:
    """Word a run for a list."""
    return RunRow(
        run=run,
        path=run_path(run.id),
        label=OperationCatalog.get(run.type).label,
        environment=environment,
        state=state_of_run(run),
        message=message_of(run),
        took=run.completed_at - run.created_at if run.completed_at else None,
    )


def run_page(
    run: OperationRun,
    *,
    environment: Environment | None,
    transitions: Sequence[OperationRunTransition],
    own: Related | None,
    result: RestoreResult | None,
) -> RunPage:
    """Word a run for its page; `own` is what it made itself, `result` what a restore put back."""
    related = related_of(run, own)
    return RunPage(
        row=run_row(run, environment),
        steps=timeline_of(run, transitions),
        related=related,
        related_label=RELATED_LABELS[related.type] if related else None,
        result=result,
        workflow_id=workflow_id_of(run),
        temporal_url=temporal_url(run),
        context=_pretty(run.context),
        failures=_pretty(run.failures) if run.failures else "",
    )


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
