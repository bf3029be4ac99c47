import click

from models.access import Role
from runtime.commands.output import json_option, show
from runtime.container import acting
from runtime.settings import Settings
from services.access import SIGN_IN_LINK_LIFETIME, create_sign_in_link
from services.workspaces import Workspaces


@click.group("user")
def command() -> None:
    """Let people sign in."""


@command.command("create")
@click.argument("email")
@click.option("--workspace", required=True, help="The workspace's slug.")
@click.option("--role", type=click.Choice([each.value for each in Role]), required=True)
@json_option
def create(*, email: str, workspace: str, role: str, as_json: bool) -> None:
    """Give a person a role in a workspace, and print a link that signs them in once.

    For a person who is there already this changes their role and makes a new link.
    """
    with acting(Settings.from_environment()) as services, services.database.transaction() as session:
        workspaces = Workspaces(session)
        user = workspaces.add_member(workspaces.find(workspace).id, email=email, role=Role(role))
        secret = create_sign_in_link(session, user.id)
        url = f"{services.public_url}/sign-in/{secret}"
    show(
        {"id": user.id, "email": user.email, "sign_in_url": url, "valid_for": str(SIGN_IN_LINK_LIFETIME)},
        as_json=as_json,
    )
