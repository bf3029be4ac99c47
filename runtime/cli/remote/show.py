import click

from runtime.cli.output import json_option, lines_of, show
from runtime.cli.scope import find_run
from runtime.container import cli_context
from runtime.settings import Settings
from services.runs.operations import waiting_of
from services.runs.queries import own_results
from services.runs.response_models import queued_run_answer, run_answer


@click.command("show")
@click.argument("run_id", metavar="RUN")
@json_option
def command(*, run_id: str, as_json: bool) -> None:
    """Show one run by its id."""
    with cli_context(Settings.from_environment()) as services:
        with services.database.transaction() as session:
            run = find_run(session, run_id)
            own = own_results(session, [run.id]).get(run.id)
        answer = run_answer(run, own, services.links)
        waiting = waiting_of(services.engine_cache, run)
        if waiting is not None:
            answer = queued_run_answer(answer, waiting)
    show(answer.model_dump(mode="json") if as_json else lines_of(answer), as_json=as_json)
