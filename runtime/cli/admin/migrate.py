import click

from runtime.cli.output import json_option, show
from runtime.migrate import upgrade
from runtime.settings import Settings


@click.command("migrate")
@json_option
def command(*, as_json: bool) -> None:
    """Bring the schema of the database at OPERATIONRUN_DATABASE_URL up to date."""
    upgrade(Settings.from_environment().need_database_url())
    show({"database": "up to date"}, as_json=as_json)
