import click

from runtime.commands.output import json_option, show
from runtime.container import acting
from runtime.settings import Settings
from services.workspaces import Workspaces


@click.group("workspace")
def command() -> None:
    """Create workspaces, the boundary between tenants."""


@command.command("create")
@click.argument("slug")
@click.option("--name", help="What people read. [default: the slug]")
@json_option
def create(*, slug: str, name: str | None, as_json: bool) -> None:
    """Create a workspace."""
    with acting(Settings.from_environment()) as services, services.database.transaction() as session:
        workspace = Workspaces(session).create(slug=slug, name=name)
    show({"id": workspace.id, "slug": workspace.slug}, as_json=as_json)
