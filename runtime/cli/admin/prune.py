from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import click

from models.errors import InvalidInput, OperationRunError
from models.retention import Retention
from runtime.cli.output import json_option, show
from runtime.cli.scope import command_line_actor
from runtime.container import cli_context
from runtime.settings import Settings
from services.access.sessions import SessionLimits, prune_sign_ins
from services.database.session import Database
from services.engine.port import Engine, EngineUnreachable
from services.reviews.context import LONGEST_PERIOD
from services.runs.retention import Expired, PruneResult, RunRetention
from services.text import counted

# Temporal deletes expired workflows in its own time.
SPARE: Final = timedelta(days=1)
_DAY: Final = timedelta(days=1)


@click.command("prune")
@click.option(
    "--keep",
    multiple=True,
    metavar="OUTCOME=DAYS",
    help="Such as succeeded=30d or failed=forever, in place of what OPERATIONRUN_KEEP_RUNS says.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@json_option
def command(*, keep: Sequence[str], dry_run: bool, as_json: bool) -> None:
    """Delete runs that were completed long ago and that nothing which is kept names, and ended sign-ins."""
    settings = Settings.from_environment()
    retention = _retention(settings.keep_runs, keep)
    with cli_context(settings) as services:
        _outlive_temporal(retention, services.engine)
        expired = RunRetention(services.database, retention, actor=command_line_actor()).prune(
            dry_run=dry_run
        )
        sign_ins = 0 if dry_run else _prune_sign_ins(services.database, settings.session_limits)
    if as_json:
        show(_as_json(expired, retention, dry_run=dry_run), as_json=True)
    else:
        show([_counts(each) for each in expired], as_json=False)
        click.echo(_sentence(_sum(expired), dry_run=dry_run))
        if sign_ins:
            click.echo(f"{counted(sign_ins, 'row')} of ended sign-ins deleted.")


def _prune_sign_ins(database: Database, limits: SessionLimits) -> int:
    with database.transaction() as session:
        return prune_sign_ins(session, limits=limits)


def _retention(retention: Retention, keep: Sequence[str]) -> Retention:
    try:
        for each in keep:
            retention = retention.changed(each)
    except ValueError as error:
        raise InvalidInput("keep", f"--keep {error}") from None
    return retention


def _outlive_temporal(retention: Retention, engine: Engine) -> None:
    """Refuse to delete a run that the next review would count, or whose workflow Temporal may still have.

    Raises InvalidInput naming the outcome, OperationRunError where Temporal does not answer.
    """
    try:
        kept = engine.retention()
    except EngineUnreachable as error:
        message = f"Temporal did not say how long it keeps workflows, so nothing was deleted: {error}"
        raise OperationRunError(message) from error
    least = max(kept + SPARE, LONGEST_PERIOD)
    for outcome, period in retention.keep.items():
        if period is not None and period < least:
            raise InvalidInput(
                "keep",
                f"{outcome}={period.days}d is too short: {least / _DAY:g}d is the least. Temporal "
                f"keeps closed workflows for {kept / _DAY:g}d, and a run stays a day longer; a review "
                f"counts the runs of {LONGEST_PERIOD.days} days.",
            )


def _as_json(expired: Sequence[Expired], retention: Retention, *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "keep": retention.as_written(),
        **{result.value: _sum(expired)[result] for result in PruneResult},
        "runs": [_counts(each) for each in expired],
    }


def _counts(expired: Expired) -> dict[str, object]:
    counts = {result.value: expired.results[result] for result in PruneResult}
    return {"outcome": expired.outcome, "type": expired.type, **counts}


def _sum(expired: Sequence[Expired]) -> Counter[PruneResult]:
    return sum((each.results for each in expired), Counter[PruneResult]())


def _sentence(results: Counter[PruneResult], *, dry_run: bool) -> str:
    pruned, locked = results[PruneResult.PRUNED], results[PruneResult.LOCKED]
    kept = results.total() - pruned - locked
    runs = "1 run" if pruned == 1 else f"{pruned} runs"
    return (
        f"{runs} {'would be ' if dry_run else ''}deleted. {kept} older than their retention are kept, "
        f"because a review, a restore or another run names them; {locked} were in use."
    )
