from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from runtime.checking import build_mirrors, build_run_check
from runtime.settings import Settings
from runtime.temporal_connection import TemporalConnection
from runtime.temporal_engine import TemporalEngine
from services.cancellation import Cancellations
from services.database import Database
from services.dispatch import Dispatcher
from services.engine_looks import EngineLooks
from services.new_run import Dispatch
from web.app import create_app
from web.services import EXTENSION, Services


def build_services(settings: Settings) -> Services:
    """Compose what the web and the command line work with; nothing is connected before it is used."""
    temporal = TemporalConnection(settings.need_temporal_address(), settings.temporal_namespace)
    engine = TemporalEngine(temporal)
    database = Database.connect(settings.need_database_url())
    return Services(
        database=database,
        dispatcher=Dispatcher(database, engine, public_url=settings.public_url),
        engine=engine,
        looks=EngineLooks(engine),
        check=build_run_check(database, engine, settings),
        cancellations=Cancellations(database, engine),
        mirrors=build_mirrors(settings),
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
