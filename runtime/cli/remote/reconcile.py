import click

from models.errors import OperationRunError
from reconcilers.response_models import check_answer
from reconcilers.run_check import CheckResult
from runtime.cli.output import json_option, show
from runtime.cli.scope import command_line_actor, find_run
from runtime.container import cli_context
from runtime.settings import Settings
from services.engine.port import EngineUnreachable
from services.runs.wording import REASONS


@click.command("reconcile")
@click.argument("run_id", metavar="RUN")
@click.option("--dry-run", is_flag=True, help="Say what would be decided, and from which facts.")
@json_option
def command(*, run_id: str, dry_run: bool, as_json: bool) -> None:
    """Check a run against Temporal and business truth, and settle it by them."""
    with cli_context(Settings.from_environment()) as services:
        with services.database.transaction() as session:
            run = find_run(session, run_id)
        try:
            if dry_run:
                checked = services.check.preview(run.id)
            else:
                checked = services.check.check(run.id, source="operator", actor=command_line_actor())
        except EngineUnreachable as error:
            message = f"Temporal did not answer, so nothing can be concluded and nothing was changed: {error}"
            raise OperationRunError(message) from error
    answer = check_answer(checked)
    show(answer.model_dump(mode="json") if as_json else _lines(checked), as_json=as_json)


def _lines(checked: CheckResult) -> dict[str, object]:
    answer = check_answer(checked)
    decision = answer.decision
    wording = REASONS.get(decision.reason_code) if decision else None
    related = decision.related if decision else None
    return {
        "result": answer.result,
        "outcome": decision.outcome if decision else None,
        "reason": decision.reason_code if decision else None,
        "what it means": f"{wording.title} {wording.body}" if wording else None,
        "led to": f"{related.type} {related.id}" if related else None,
        "action": checked.action.value,
        "facts": answer.facts,
    }
