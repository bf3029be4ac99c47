import click

from runtime.cli.output import json_option, show
from runtime.local.temporal_server import need_answer
from runtime.settings import Settings
from runtime.temporal.setup import setup_temporal


@click.command("setup-temporal")
@json_option
def command(*, as_json: bool) -> None:
    """Create the search attributes and the schedule in the namespace at OPERATIONRUN_TEMPORAL_ADDRESS."""
    settings = Settings.from_environment()
    need_answer(settings.need_temporal())
    setup_temporal(settings)
    show({"temporal": settings.temporal_address, "namespace": settings.temporal_namespace}, as_json=as_json)
