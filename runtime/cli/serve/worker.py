import click

from runtime.cli.output import json_option, show
from runtime.settings import Settings
from runtime.worker import run_worker


@click.command("worker")
@json_option
def command(*, as_json: bool) -> int:
    """Run a worker until SIGTERM; it needs the database's URL and Temporal's address."""
    settings = Settings.from_environment()
    settings.need_database_url()
    settings.need_temporal()
    if as_json:
        show({"task_queue": settings.task_queue, "temporal_address": settings.temporal_address}, as_json=True)
    return run_worker(settings)
