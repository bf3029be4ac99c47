from typing import Final

import click

from models.access import AuditAction
from models.errors import InvalidInput
from runtime.cli.output import json_option, show
from runtime.cli.scope import workspace_ids
from runtime.container import cli_context
from runtime.settings import Settings
from services.access.audit_chain import verify_chains
from services.access.audit_list import AuditEntryAnswer, AuditFilter, list_audit
from services.database.paging import LARGEST_PAGE, PAGE_SIZE

_BROKEN: Final = 1


@click.group("audit")
def command() -> None:
    """Who did what, and whether the record of it is whole."""


@command.command("list")
@click.option("--workspace", help="Only one workspace's, by slug. [default: all, and the installation's]")
@click.option("--actor", help="Only what one person or token did, by the whole name.")
@click.option("--act", type=click.Choice([each.value for each in AuditAction]))
@click.option("--after", help="The `next` of the page before.")
@click.option("--limit", type=click.IntRange(1, LARGEST_PAGE), default=PAGE_SIZE, show_default=True)
@json_option
def list_(
    *,
    workspace: str | None,
    actor: str | None,
    act: str | None,
    after: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List audit entries, newest first."""
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        wanted = AuditFilter(
            workspaces=workspace_ids(session, workspace),
            installation=workspace is None,
            actor=actor,
            act=AuditAction(act) if act else None,
        )
        page = list_audit(session, wanted, after=after, limit=limit)
        rows = [AuditEntryAnswer.model_validate(each).model_dump(mode="json") for each in page.items]
    if as_json:
        show({"items": rows, "next": page.next}, as_json=True)
        return
    names = ("at", "actor_name", "act", "subject", "detail", "address")
    show([{name: row[name] for name in names} for row in rows], as_json=False)
    if page.next:
        click.echo(f"The list goes on: --after {page.next}")


@command.command("verify")
@click.option("--workspace", help="Only one workspace's chain, by slug.")
@json_option
def verify(*, workspace: str | None, as_json: bool) -> int:
    """Verify every chain of the audit; exit code 1 where an entry was removed, changed or inserted.

    Keep COUNT and HEAD elsewhere, such as in a signed review pack: they show a tail that was cut off together
    with the record of its length.
    """
    with cli_context(Settings.from_environment()) as services, services.database.transaction() as session:
        checks = [each for each in verify_chains(session) if workspace in {None, each.workspace}]
    if workspace is not None and not checks:
        raise InvalidInput("workspace", f"There is no audit of a workspace {workspace!r}.")
    rows = [
        {
            "chain": each.workspace or "(installation)",
            "count": each.count,
            "head": each.head,
            "problem": each.problem,
        }
        for each in checks
    ]
    show(rows, as_json=as_json)
    return _BROKEN if any(each.problem for each in checks) else 0
