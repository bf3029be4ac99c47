from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import click

from models.catalog import OperationType
from models.lifecycle import Outcome
from models.operation_run import OperationRun
from runtime.cli.output import json_option, lines_of, show
from runtime.cli.scope import command_line_actor, find_environment
from runtime.container import cli_context
from runtime.settings import Settings
from services.runs.queries import own_results
from services.runs.response_models import run_answer
from services.runs.waiting.wait import CompletionWait

# Exit codes of `start --wait`; 1 and 2 mean that no run was found or started.
EXIT_CODES: Final[Mapping[Outcome, int]] = {
    Outcome.SUCCEEDED: 0,
    Outcome.PARTIALLY_SUCCEEDED: 10,
    Outcome.BLOCKED: 11,
    Outcome.ATTENTION_REQUIRED: 12,
    Outcome.FAILED: 13,
    Outcome.CANCELLED: 14,
    Outcome.PENDING: 15,
}
_EPILOG: Final = "Exit codes with --wait: " + ", ".join(
    f"{code} {outcome if outcome is not Outcome.PENDING else 'not completed in time'}"
    for outcome, code in EXIT_CODES.items()
)


@click.command("start", epilog=_EPILOG)
@click.argument("operation_type", metavar="TYPE", type=click.Choice([each.value for each in OperationType]))
@click.option("--environment", required=True, help="The environment's slug or id.")
@click.option("--workspace", help="The workspace's slug, where several have such an environment.")
@click.option("--ref", help="For a review: what to compose it from. [default: the branch]")
@click.option("--restore-plan", "restore_plan_id", help="For a restore: the plan's id.")
@click.option("--idempotency-key", help="The same key and request give the same run.")
@click.option("--wait", is_flag=True, help="Wait until the run is completed; the exit code is its outcome's.")
@click.option(
    "--wait-at-most",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Wait no longer than this. [default: as long as it takes]",
)
@json_option
def command(
    *,
    operation_type: str,
    environment: str,
    workspace: str | None,
    ref: str | None,
    restore_plan_id: str | None,
    idempotency_key: str | None,
    wait: bool,
    wait_at_most: float | None,
    as_json: bool,
) -> int:
    """Start an operation, or find the run that does this work already."""
    waits = wait or wait_at_most is not None
    options = {"ref": ref, "restore_plan_id": restore_plan_id}
    with cli_context(Settings.from_environment()) as services:
        with services.database.transaction() as session:
            found = find_environment(session, environment, workspace)
        requested = services.operations.start(
            operation_type=operation_type,
            environment=found,
            given={name: value for name, value in options.items() if value is not None},
            actor=command_line_actor(),
            idempotency_key=idempotency_key,
        )
        if waits:
            patience = timedelta(seconds=wait_at_most) if wait_at_most is not None else None
            CompletionWait(services.database).is_completed_within(requested.run.id, patience)
        with services.database.transaction() as session:
            run = session.get_one(OperationRun, requested.run.id)
            own = own_results(session, [run.id]).get(run.id)
        answer = run_answer(run, own, services.links, deduplicated=requested.deduplicated)
    show(answer.model_dump(mode="json") if as_json else lines_of(answer), as_json=as_json)
    return EXIT_CODES[answer.outcome] if waits else 0
