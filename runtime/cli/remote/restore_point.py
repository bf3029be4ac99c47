import click

from runtime.cli.output import json_option, show
from runtime.cli.scope import command_line_actor, find_environment
from runtime.container import cli_context
from runtime.settings import Settings
from services.restores.points import RestorePoints
from services.restores.response_models import RestorePointAnswer
from services.workspaces.queries import list_restore_points


@click.group("restore-point")
def restore_point() -> None:
    """Pin commits of an environment under a name."""


@restore_point.command("create")
@click.argument("environment")
@click.option("--workspace", help="The workspace's slug, where several have such an environment.")
@click.option("--label", required=True, help="What people read.")
@click.option("--ref", required=True, help="A branch, tag or commit.")
@json_option
def create(*, environment: str, workspace: str | None, label: str, ref: str, as_json: bool) -> None:
    """Pin the commit that a ref of ENVIRONMENT (slug or id) names now."""
    with cli_context(Settings.from_environment()) as services:
        with services.database.transaction() as session:
            found = find_environment(session, environment, workspace)
        point = RestorePoints(services.database, services.mirrors).create(
            found,
            label=label,
            ref=ref,
            actor=command_line_actor(),
        )
    show(RestorePointAnswer.model_validate(point).model_dump(mode="json"), as_json=as_json)


@restore_point.command("list")
@click.argument("environment")
@click.option("--workspace", help="The workspace's slug, where several have such an environment.")
@json_option
def show_all(*, environment: str, workspace: str | None, as_json: bool) -> None:
    """List the restore points of ENVIRONMENT (slug or id), newest first."""
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        found = list_restore_points(session, find_environment(session, environment, workspace))
    rows = [RestorePointAnswer.model_validate(each).model_dump(mode="json") for each in found]
    show(rows, as_json=as_json)
