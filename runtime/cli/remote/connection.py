import sys
from pathlib import Path

import click

from models.connection import OWNERS_KINDS, ConnectionKind
from models.errors import InvalidInput
from runtime.cli.output import json_option, show
from runtime.cli.scope import command_line_actor, find_connection, workspace_ids
from runtime.container import cli_context
from runtime.settings import Settings
from services.connections.checking import check_connection, record_check, urls_to_check
from services.connections.connections import Connections
from services.connections.queries import list_connections
from services.connections.response_models import connection_answer
from services.connections.rotation import reencrypt_secrets
from services.workspaces.workspaces import Workspaces

_SHOWN = ("id", "name", "kind", "url_prefix", "last_used_at")
_WORKSPACE = click.option("--workspace", help="The workspace's slug, where several have such a connection.")


@click.group("connection")
def command() -> None:
    """Manage the credentials with which workspaces reach their repositories."""


@command.command("create")
@click.option("--workspace", required=True, help="The workspace's slug.")
@click.option("--name", required=True, help="What people read.")
@click.option("--kind", type=click.Choice([each.value for each in ConnectionKind]), required=True)
@click.option("--url-prefix", required=True, help="What it covers: a URL, or for `file` a folder.")
@click.option("--username", help="The user name, for https and ssh.")
@click.option("--secret-stdin", is_flag=True, help="Read the token or private key from stdin.")
@click.option("--known-hosts", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def create(
    *,
    workspace: str,
    name: str,
    kind: str,
    url_prefix: str,
    username: str | None,
    secret_stdin: bool,
    known_hosts: Path | None,
    as_json: bool,
) -> None:
    """Create a connection: of the workspace's own credentials, or to what this machine has."""
    secret = sys.stdin.read() if secret_stdin else None
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        connections = Connections(
            session,
            Workspaces(session).find(workspace).id,
            actor=command_line_actor(),
            cipher=services.mirrors.cipher,
        )
        if kind in OWNERS_KINDS:
            created = connections.create(
                name=name,
                kind=ConnectionKind(kind),
                url_prefix=url_prefix,
                username=username,
                secret=secret,
                known_hosts=known_hosts.read_text() if known_hosts else None,
            )
        elif secret or username or known_hosts:
            raise InvalidInput("kind", f"A connection of kind {kind} uses what the machine has: no secret.")
        else:
            created = connections.create_for_operator(
                name=name,
                kind=ConnectionKind(kind),
                url_prefix=url_prefix,
                allowed_file_roots=services.allowed_file_roots,
            )
        answer = connection_answer(created)
    show(answer.model_dump(mode="json"), as_json=as_json)


@command.command("list")
@click.option("--workspace", help="Only those of one workspace, by slug.")
@json_option
def show_all(*, workspace: str | None, as_json: bool) -> None:
    """List the connections; no secret is shown."""
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        found = list_connections(session, workspaces=workspace_ids(session, workspace))
    rows = [connection_answer(each).model_dump(mode="json") for each in found]
    show(rows if as_json else [{name: row[name] for name in _SHOWN} for row in rows], as_json=as_json)


@command.command("check")
@click.argument("connection")
@_WORKSPACE
@click.option("--repository-url", help="The repository to ask. [default: those of its environments]")
@json_option
def check(*, connection: str, workspace: str | None, repository_url: str | None, as_json: bool) -> int:
    """Ask the repositories of CONNECTION (name or id) whether they answer to it; exit code 1 if not."""
    with cli_context(Settings.from_environment()) as services:
        with services.database.transaction() as session:
            found = find_connection(session, connection, workspace)
            urls = urls_to_check(session, found, repository_url)
            record_check(session, found, actor=command_line_actor())
        checked = check_connection(services.mirrors, found, urls)
    show({"ok": checked.ok, "problem": checked.problem}, as_json=as_json)
    return int(not checked.ok)


@command.command("remove")
@click.argument("connection")
@_WORKSPACE
@json_option
def remove(*, connection: str, workspace: str | None, as_json: bool) -> None:
    """Remove CONNECTION (name or id), which no environment uses any more."""
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        found = find_connection(session, connection, workspace)
        Connections(
            session, found.workspace_id, actor=command_line_actor(), cipher=services.mirrors.cipher
        ).remove(found, for_operator=True)
    show({"id": found.id, "name": found.name, "removed": True}, as_json=as_json)


@command.command("reencrypt")
@json_option
def reencrypt(*, as_json: bool) -> None:
    """Encrypt every secret under the first key of OPERATIONRUN_ENCRYPTION_KEY."""
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        count = reencrypt_secrets(session, services.mirrors.cipher, actor=command_line_actor())
    show({"reencrypted": count}, as_json=as_json)
