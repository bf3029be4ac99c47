import click

from models.catalog import OperationType
from runtime.commands.output import json_option, show
from runtime.commands.run_lines import lines_of
from runtime.commands.scope import command_line_actor, find_environment
from runtime.container import acting
from runtime.settings import Settings
from web.api.schemas import requested_answer
from web.operations import start_operation
from web.queries.runs import own_results


@click.command("start")
@click.argument("operation_type", metavar="TYPE", type=click.Choice([each.value for each in OperationType]))
@click.option("--environment", required=True, help="The environment's slug or id.")
@click.option("--workspace", help="The workspace's slug, where several have such an environment.")
@click.option("--ref", help="For a review: what to compose it from. [default: the branch]")
@click.option("--restore-plan", "restore_plan_id", help="For a restore: the plan's id.")
@click.option("--idempotency-key", help="The same key and request give the same run.")
@json_option
def command(
    *,
    operation_type: str,
    environment: str,
    workspace: str | None,
    ref: str | None,
    restore_plan_id: str | None,
    idempotency_key: str | None,
    as_json: bool,
) -> None:
    """Start an operation, or find the run that does this work already."""
    options = {"ref": ref, "restore_plan_id": restore_plan_id}
    with acting(Settings.from_environment()) as services:
        with services.database.transaction() as session:
            found = find_environment(session, environment, workspace)
        requested = start_operation(
            services,
            operation_type=operation_type,
            environment=found,
            given={name: value for name, value in options.items() if value is not None},
            actor=command_line_actor(),
            idempotency_key=idempotency_key,
        )
        with services.database.transaction() as session:
            own = own_results(session, [requested.run.id]).get(requested.run.id)
        answer = requested_answer(requested, own)
    show(answer.model_dump(mode="json") if as_json else lines_of(answer), as_json=as_json)
