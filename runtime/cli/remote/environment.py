import click

from runtime.cli.output import json_option, show
from runtime.cli.remote.restore_plan import restore_plan
from runtime.cli.remote.restore_point import restore_point
from runtime.cli.scope import command_line_actor, workspace_ids
from runtime.container import cli_context
from runtime.settings import Settings
from services.workspaces.environments import Environments
from services.workspaces.queries import list_environments
from services.workspaces.response_models import EnvironmentAnswer
from services.workspaces.workspaces import Workspaces


@click.group("environment")
def command() -> None:
    """Register environments, pin restore points, plan restores."""


command.add_command(restore_point)
command.add_command(restore_plan)


@command.command("create")
@click.argument("slug")
@click.option("--workspace", required=True, help="The workspace's slug.")
@click.option("--name", help="What people read. [default: the slug]")
@click.option("--repository-url", required=True, help="https, ssh, or a path under an allowed root.")
@click.option("--branch", required=True, help="Its head is the live state.")
@click.option("--path-prefix", default="", help="The folder of the configuration. [default: all]")
@click.option("--baseline-ref", help="What the configuration is held against.")
@json_option
def create(
    *,
    slug: str,
    workspace: str,
    name: str | None,
    repository_url: str,
    branch: str,
    path_prefix: str,
    baseline_ref: str | None,
    as_json: bool,
) -> None:
    """Register an environment."""
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        environment = Environments(
            session, allowed_file_roots=services.allowed_file_roots, actor=command_line_actor()
        ).create(
            workspace_id=Workspaces(session).find(workspace).id,
            slug=slug,
            name=name or slug,
            repository_url=repository_url,
            branch=branch,
            path_prefix=path_prefix,
            baseline_ref=baseline_ref,
        )
    show(EnvironmentAnswer.model_validate(environment).model_dump(mode="json"), as_json=as_json)


@command.command("list")
@click.option("--workspace", help="Only those of one workspace, by slug.")
@json_option
def show_all(*, workspace: str | None, as_json: bool) -> None:
    """List the environments."""
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        found = list_environments(session, workspaces=workspace_ids(session, workspace))
    rows = [EnvironmentAnswer.model_validate(each).model_dump(mode="json") for each in found]
    shown = (
        rows if as_json else [{name: row[name] for name in ("id", "slug", "name", "branch")} for row in rows]
    )
    show(shown, as_json=as_json)
