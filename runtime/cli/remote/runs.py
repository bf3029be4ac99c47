import click

from models.catalog import OperationType
from models.lifecycle import Outcome, Status
from runtime.cli.output import json_option, row_of, show
from runtime.cli.scope import workspace_ids
from runtime.container import cli_context
from runtime.settings import Settings
from services.database.paging import LARGEST_PAGE, PAGE_SIZE
from services.runs.queries import own_results
from services.runs.response_models import RunListAnswer, run_answer
from services.runs.search.filters import RunFilters
from services.runs.search.listing import list_runs


@click.command("runs")
@click.option("--workspace", help="The workspace's slug.")
@click.option("--environment", help="The environment's slug or id.")
@click.option("--type", type=click.Choice([each.value for each in OperationType]))
@click.option("--status", type=click.Choice([each.value for each in Status]))
@click.option("--outcome", type=click.Choice([each.value for each in Outcome]))
@click.option("--initiator", help="The exact name of who asked, as a run shows it.")
@click.option("--created-after", help="A day or a moment, such as 2026-11-30 or 2026-11-30T08:00:00Z.")
@click.option("--created-before", help="Likewise; that moment itself is left out.")
@click.option("--q", help="Text that the run, its initiator or its environment mentions.")
@click.option("--after", help="The cursor `next` of the page before, as --json gives it.")
@click.option("--limit", type=click.IntRange(1, LARGEST_PAGE), default=PAGE_SIZE, show_default=True)
@json_option
def command(
    *, workspace: str | None, after: str | None, limit: int, as_json: bool, **given: str | None
) -> None:
    """List runs, newest first."""
    filters = RunFilters.parse({name: value for name, value in given.items() if value})
    with cli_context(Settings.from_environment()) as services:
        with services.database.transaction() as session:
            page = list_runs(
                session,
                workspaces=workspace_ids(session, workspace),
                filters=filters,
                after=after,
                limit=limit,
            )
            own = own_results(session, [run.id for run in page.items])
        shown = [run_answer(run, own.get(run.id), services.links) for run in page.items]
    answer = RunListAnswer(items=shown, next=page.next)
    if as_json:
        show(answer.model_dump(mode="json"), as_json=True)
    else:
        show([row_of(run) for run in answer.items], as_json=False)
