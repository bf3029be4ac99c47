import click

from models.access import Role
from models.base import utc_now
from models.errors import InvalidInput, NotFound
from runtime.cli.output import json_option, show
from runtime.cli.scope import command_line_actor, need_id
from runtime.container import cli_context
from runtime.settings import Settings
from services.access.token_expiry import parse_expiry
from services.access.tokens import create_token, list_tokens, revoke_token
from services.workspaces.workspaces import Workspaces


@click.group("token")
def command() -> None:
    """Let programs in by bearer tokens."""


@command.command("create")
@click.option("--workspace", required=True, help="The workspace's slug.")
@click.option("--role", type=click.Choice([each.value for each in Role]), required=True)
@click.option("--name", required=True, help="What its runs show as their initiator.")
@click.option(
    "--expires",
    default="never",
    show_default=True,
    metavar="DAYS|DATE",
    help="Such as 90, or 2027-06-30: the last day, in UTC, on which it is valid.",
)
@json_option
def create(*, workspace: str, role: str, name: str, expires: str, as_json: bool) -> None:
    """Create a token and print it; it cannot be shown again."""
    expires_at = parse_expiry(expires, now=utc_now())
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        token = create_token(
            session,
            workspace_id=Workspaces(session).find(workspace).id,
            role=Role(role),
            name=name,
            expires_at=expires_at,
            actor=command_line_actor(),
        )
    show({"token": token} | ({"expires_at": expires_at} if expires_at else {}), as_json=as_json)


@command.command("list")
@click.option("--workspace", required=True, help="The workspace's slug.")
@json_option
def list_(*, workspace: str, as_json: bool) -> None:
    """List a workspace's tokens, newest first, with when each was last used and when it expires."""
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        found = list_tokens(session, Workspaces(session).find(workspace).id)
    columns = ("id", "name", "role", "prefix", "created_at", "last_used_at", "expires_at")
    show([{name: getattr(token, name) for name in columns} for token in found], as_json=as_json)


@command.command("revoke")
@click.argument("token_id", metavar="ID")
@click.option("--workspace", required=True, help="The workspace's slug.")
@json_option
def revoke(*, token_id: str, workspace: str, as_json: bool) -> None:
    """Revoke a token by its id, as `token list` shows it; it is refused from now on."""
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        workspace_id = Workspaces(session).find(workspace).id
        try:
            token = revoke_token(
                session,
                need_id("token", token_id),
                workspace_id=workspace_id,
                actor=command_line_actor(),
            )
        except NotFound:
            message = f"{workspace!r} has no valid token {token_id}. See: operationrun token list"
            raise InvalidInput("token", message) from None
    show({"id": token.id, "name": token.name, "revoked_at": token.revoked_at}, as_json=as_json)
