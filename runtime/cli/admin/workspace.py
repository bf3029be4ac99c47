import click

from models.errors import InvalidInput
from runtime.cli.output import json_option, show
from runtime.cli.scope import command_line_actor
from runtime.container import cli_context
from runtime.settings import Settings
from services.access.members import Members
from services.workspaces.workspaces import Workspaces


@click.group("workspace")
def command() -> None:
    """Workspaces, the boundary between tenants, and their people."""


@command.command("create")
@click.argument("slug")
@click.option("--name", help="What people read. [default: the slug]")
@json_option
def create(*, slug: str, name: str | None, as_json: bool) -> None:
    """Create a workspace."""
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        workspace = Workspaces(session, actor=command_line_actor()).create(slug=slug, name=name)
    show({"id": workspace.id, "slug": workspace.slug}, as_json=as_json)


@command.command("members")
@click.argument("slug")
@json_option
def members(*, slug: str, as_json: bool) -> None:
    """List the people of a workspace and their roles."""
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        found = Members(session, Workspaces(session).find(slug).id).list()
    show([{"id": user.id, "email": user.email, "role": role} for user, role in found], as_json=as_json)


@command.command("remove-member")
@click.argument("slug")
@click.argument("email")
@json_option
def remove_member(*, slug: str, email: str, as_json: bool) -> None:
    """Take a person out of a workspace, at once."""
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        workspace_id = Workspaces(session).find(slug).id
        members = Members(session, workspace_id, actor=command_line_actor())
        user = next((each for each, _ in members.list() if each.email.lower() == email.lower()), None)
        if user is None:
            raise InvalidInput("email", f"{email!r} is not a member of {slug!r}.")
        members.remove(user.id)
    show({"email": user.email, "workspace": slug, "removed": True}, as_json=as_json)
