import click

from models.errors import InvalidInput
from models.restore import RestoreMode, RestorePlan
from runtime.cli.output import json_option, show
from runtime.cli.scope import command_line_actor, find_environment, need_id
from runtime.container import cli_context
from runtime.settings import Settings
from services.restores.plans import RestorePlans
from services.restores.response_models import RestorePlanAnswer


@click.group("restore-plan")
def restore_plan() -> None:
    """Preview restores."""


@restore_plan.command("create")
@click.argument("environment")
@click.option("--workspace", help="The workspace's slug, where several have such an environment.")
@click.option("--restore-point", required=True, help="The restore point's id.")
@click.option(
    "--mode", type=click.Choice([each.value for each in RestoreMode]), default="overlay", show_default=True
)
@click.option(
    "--item", "items", multiple=True, help="A path, folder or glob; may be repeated. [default: all]"
)
@json_option
def create(
    *,
    environment: str,
    workspace: str | None,
    restore_point: str,
    mode: str,
    items: tuple[str, ...],
    as_json: bool,
) -> None:
    """Preview a restore of ENVIRONMENT (slug or id); nothing is changed."""
    with cli_context(Settings.from_environment()) as services:
        with services.database.transaction() as session:
            found = find_environment(session, environment, workspace)
        plan = RestorePlans(services.database, services.mirrors).create(
            found,
            restore_point_id=need_id("restore_point", restore_point),
            mode=mode,
            items=items or None,
            actor=command_line_actor(),
        )
    _show(plan, as_json=as_json)


@restore_plan.command("show")
@click.argument("plan_id")
@json_option
def show_one(*, plan_id: str, as_json: bool) -> None:
    """Show a restore plan with its changes."""
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        plan = session.get(RestorePlan, need_id("plan_id", plan_id))
    if plan is None:
        raise InvalidInput("plan_id", f"There is no restore plan {plan_id}.")
    _show(plan, as_json=as_json)


def _show(plan: RestorePlan, *, as_json: bool) -> None:
    answer = RestorePlanAnswer.model_validate(plan)
    if as_json:
        show(answer.model_dump(mode="json"), as_json=True)
        return
    show(answer.model_dump(mode="json", exclude={"changes"}), as_json=False)
    click.echo()
    show([change.model_dump(mode="json") for change in answer.changes], as_json=False)
