import click

from models.errors import InvalidInput
from runtime.commands.output import json_option, show
from runtime.commands.run_lines import lines_of
from runtime.commands.scope import need_id
from runtime.container import acting
from runtime.settings import Settings
from web.api.schemas import run_answer
from web.queries.runs import get_run, own_results


@click.command("show")
@click.argument("run_id", metavar="RUN")
@json_option
def command(*, run_id: str, as_json: bool) -> None:
    """Show one run by its id."""
    with acting(Settings.from_environment()) as services:
        with services.database.transaction() as session:
            run = get_run(session, need_id("run", run_id))
            if run is None:
                raise InvalidInput("run", f"There is no run {run_id}. See: operationrun runs")
            own = own_results(session, [run.id]).get(run.id)
        answer = run_answer(run, own)
    show(answer.model_dump(mode="json") if as_json else lines_of(answer), as_json=as_json)
