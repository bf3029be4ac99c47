import click

from models.access import Role
from runtime.commands.output import json_option, show
from runtime.container import acting
from runtime.settings import Settings
from services.access import create_token
from services.naming import check_name
from services.workspaces import Workspaces


@click.group("token")
def command() -> None:
    """Let programs in by bearer tokens."""


@command.command("create")
@click.option("--workspace", required=True, help="The workspace's slug.")
@click.option("--role", type=click.Choice([each.value for each in Role]), required=True)
@click.option("--name", required=True, help="What its runs show as their initiator.")
@json_option
def create(*, workspace: str, role: str, name: str, as_json: bool) -> None:
    """Create a token and print it; it cannot be shown again."""
    with acting(Settings.from_environment()) as services, services.database.transaction() as session:
        token = create_token(
            session,
            workspace_id=Workspaces(session).find(workspace).id,
            role=Role(role),
            name=check_name(name),
        )
    show({"token": token}, as_json=as_json)
