from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from runtime.settings import Settings
from runtime.temporal_connection import TemporalConnection
from runtime.temporal_starter import TemporalStarter
from services.database import Database
from services.dispatch import Dispatcher
from services.new_run import Dispatch
from services.repositories.mirror import MirrorStore
from web.app import create_app
from web.services import EXTENSION, Services


def build_services(settings: Settings) -> Services:
    """Compose what the web and the command line work with; nothing is connected before it is used."""
    temporal = TemporalConnection(settings.need_temporal_address(), settings.temporal_namespace)
    database = Database.connect(settings.need_database_url())
    return Services(
        database=database,
        dispatcher=Dispatcher(database, TemporalStarter(temporal), public_url=settings.public_url),
        mirrors=MirrorStore(settings.data_dir / "mirrors", allowed_file_roots=settings.allowed_file_roots),
        target=Dispatch(queue=settings.task_queue, connection=settings.temporal_namespace),
        allowed_file_roots=settings.allowed_file_roots,
        public_url=settings.public_url,
        temporal_ui_url=settings.temporal_ui_url,
    )


def build_web_app(settings: Settings) -> Flask:
    """Compose the web process; raise SettingsError for a setting that it needs and lacks."""
    secret_key = settings.need_secret_key()
    return create_app(build_services(settings), secret_key=secret_key)


@contextmanager
def acting(settings: Settings) -> Iterator[Services]:
    """Lend the services to a command, in the context that presenters find them in."""
    composed = build_services(settings)
    app = Flask("operationrun")
    app.extensions[EXTENSION] = composed
    try:
        with app.app_context():
            yield composed
    finally:
        composed.database.close()
