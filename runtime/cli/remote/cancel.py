import click

from runtime.cli.output import json_option, lines_of, show
from runtime.cli.scope import command_line_actor, find_run
from runtime.container import cli_context
from runtime.settings import Settings
from services.runs.queries import own_results
from services.runs.response_models import run_answer


@click.command("cancel")
@click.argument("run_id", metavar="RUN")
@json_option
def command(*, run_id: str, as_json: bool) -> None:
    """Ask for a run's cancellation; it ends once its work has stopped at a safe point."""
    with cli_context(Settings.from_environment()) as services:
        with services.database.transaction() as session:
            run = find_run(session, run_id)
            own = own_results(session, [run.id]).get(run.id)
        asked = services.cancellations.ask(run.id, command_line_actor())
        answer = run_answer(asked, own, services.links)
    show(answer.model_dump(mode="json") if as_json else lines_of(answer), as_json=as_json)
