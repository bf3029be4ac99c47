from collections import Counter
from collections.abc import Sequence

import click

from models.access import AuditAction
from models.errors import OperationRunError
from reconcilers.adoption import Adoption
from reconcilers.sweep_preview import Preview, SweepPreview
from reconcilers.sweep_steps import Foreseen
from runtime.cli.output import json_option, show
from runtime.cli.scope import command_line_actor
from runtime.container import cli_context
from runtime.local.temporal_server import need_answer
from runtime.settings import Settings
from runtime.temporal.setup import trigger_sweep
from services.access.audit import Audit
from services.engine.port import EngineUnreachable


@click.command("sweep")
@click.option("--dry-run", is_flag=True, help="Say what a sweep would do now, and change nothing.")
@json_option
def command(*, dry_run: bool, as_json: bool) -> None:
    """Have a worker sweep once, now; the sweep also runs by its schedule, every few seconds."""
    settings = Settings.from_environment()
    if dry_run:
        _show(_foresee(settings), as_json=as_json)
        return
    need_answer(settings.need_temporal())
    trigger_sweep(settings)
    with cli_context(settings) as services, services.database.transaction() as session:
        audit = Audit(session=session, workspace_id=None, actor=command_line_actor())
        audit.record(AuditAction.SWEEP_TRIGGERED, settings.sweep_queue)
    if as_json:
        show({"dry_run": False, "requested": True}, as_json=True)
    else:
        click.echo("Sweep requested; the next worker that polls runs it. What it would do: --dry-run")


def _foresee(settings: Settings) -> Preview:
    with cli_context(settings) as services:
        database, engine = services.database, services.engine
        adoption = Adoption(database, engine, connection=settings.temporal_namespace)
        try:
            return SweepPreview(database, engine, services.check, adoption).foresee()
        except EngineUnreachable as error:
            message = f"Temporal did not answer, so nothing can be concluded and nothing was changed: {error}"
            raise OperationRunError(message) from error


def _show(preview: Preview, *, as_json: bool) -> None:
    rows = [_row(each) for each in preview.rows]
    if as_json:
        show({"dry_run": True, "is_whole": preview.is_whole, "rows": rows}, as_json=True)
        return
    show(rows, as_json=False)
    click.echo(_sentence(preview.rows))
    if not preview.is_whole:
        click.echo("More active runs wait for the sweeps after it.")


def _row(foreseen: Foreseen) -> dict[str, object]:
    decision = foreseen.decision
    return {
        "run_id": foreseen.run_id,
        "step": foreseen.step.value,
        "workflow": foreseen.workflow.value if foreseen.workflow else None,
        "outcome": decision.outcome.value if decision else None,
        "reason_code": decision.reason_code.value if decision else None,
        "cause": decision.evidence.get("cause") if decision else None,
        "why": foreseen.why,
    }


def _sentence(rows: Sequence[Foreseen]) -> str:
    counts = Counter(each.step for each in rows)
    steps = ", ".join(f"{step.value} {count}" for step, count in counts.items())
    return f"Nothing was changed. A sweep would: {steps}." if steps else "A sweep has nothing to do."
