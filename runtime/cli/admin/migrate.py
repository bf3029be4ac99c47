import click

from runtime.cli.output import json_option, show
from runtime.migrate import prepare_web_login, upgrade
from runtime.settings import Settings


@click.command("migrate")
@json_option
def command(*, as_json: bool) -> None:
    """Bring the schema of the database at OPERATIONRUN_DATABASE_URL up to date.

    With OPERATIONRUN_WEB_DATABASE_URL also create that URL's login, for the web server, where it is missing.
    """
    settings = Settings.from_environment()
    upgrade(settings.need_database_url())
    if settings.web_database_url:
        prepare_web_login(settings.need_database_url(), settings.web_database_url)
    show({"database": "up to date"}, as_json=as_json)
