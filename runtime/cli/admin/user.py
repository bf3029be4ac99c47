import sys
from typing import Any

import click
from sqlalchemy.orm import Session

from models.access import Role, User
from models.errors import InvalidInput
from runtime.cli.output import json_option, show
from runtime.cli.scope import command_line_actor
from runtime.container import cli_context
from runtime.settings import Settings
from services.access.members import Members, find_person
from services.access.openid_subjects import release
from services.access.passwords import set_password
from services.access.sign_in_links import SIGN_IN_LINK_LIFETIME, create_sign_in_link
from services.workspaces.workspaces import Workspaces


@click.group("user")
def command() -> None:
    """Let people sign in."""


@command.command("create")
@click.argument("email")
@click.option("--workspace", required=True, help="The workspace's slug.")
@click.option("--role", type=click.Choice([each.value for each in Role]), required=True)
@click.option("--password-stdin", is_flag=True, help="Read a password from the first line of stdin.")
@json_option
def create(*, email: str, workspace: str, role: str, password_stdin: bool, as_json: bool) -> None:
    """Give a person a role in a workspace, and print a link that signs them in once.

    For a person who is there already this changes their role and makes a new link.
    """
    password = _read_password() if password_stdin else None
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        workspace_id = Workspaces(session).find(workspace).id
        user = Members(session, workspace_id, actor=command_line_actor()).add(email=email, role=Role(role))
        if password is not None:
            set_password(session, user.id, password, actor=command_line_actor())
        link = _link(session, user, services.public_url)
    show({"id": user.id, "email": user.email, **link}, as_json=as_json)


@command.command("link")
@click.argument("email")
@json_option
def link(*, email: str, as_json: bool) -> None:
    """Print a link that signs a person in once."""
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        user = _need_person(session, email)
        link = _link(session, user, services.public_url)
    show({"email": user.email, **link}, as_json=as_json)


@command.command("set-password")
@click.argument("email")
@json_option
def set_password_(*, email: str, as_json: bool) -> None:
    """Give a person the password on the first line of stdin, and sign them out of every browser."""
    password = _read_password()
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        user = _need_person(session, email)
        set_password(session, user.id, password, actor=command_line_actor())
    show({"email": user.email, "password": "set"}, as_json=as_json)


@command.command("release")
@click.argument("email")
@json_option
def release_(*, email: str, as_json: bool) -> None:
    """Forget who a person is to the identity provider, so that their e-mail address counts once more."""
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        user = _need_person(session, email)
        released = release(session, user.id, actor=command_line_actor())
    show({"email": user.email, "released": released}, as_json=as_json)


def _read_password() -> str:
    """Read one line of stdin, hidden while typed; every user of the machine could read an argument."""
    if sys.stdin.isatty():
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return typed
    return sys.stdin.readline().rstrip("\r\n")


def _need_person(session: Session, email: str) -> User:
    user = find_person(session, email)
    if user is None:
        raise InvalidInput(
            "email", f"Nobody here goes by {email!r}. Add them first: operationrun user create"
        )
    return user


def _link(session: Session, user: User, public_url: str) -> dict[str, Any]:
    secret = create_sign_in_link(session, user.id, actor=command_line_actor())
    return {"sign_in_url": f"{public_url}/sign-in/{secret}", "valid_for": str(SIGN_IN_LINK_LIFETIME)}
