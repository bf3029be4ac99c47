from reconcilers import restore_execute, review_compose
from reconcilers.orchestrator import AdapterRunReconciler
from reconcilers.run_check import RunCheck
from runtime.settings import Settings
from services.database import Database
from services.dispatch import Dispatcher
from services.engine import Engine
from services.repositories.mirror import MirrorStore

# Imported so that they register themselves; there is no other list of adapters.
ADAPTERS = (restore_execute, review_compose)


def build_mirrors(settings: Settings) -> MirrorStore:
    """Compose a process's mirrors of repositories, kept under its data directory."""
    return MirrorStore(settings.data_dir / "mirrors", allowed_file_roots=settings.allowed_file_roots)


def build_run_check(database: Database, engine: Engine, settings: Settings) -> RunCheck:
    """Compose what checks one run: for the worker's sweep, the web's "check now" and the command line."""
    reconciler = AdapterRunReconciler(database, build_mirrors(settings))
    dispatcher = Dispatcher(database, engine, public_url=settings.public_url)
    return RunCheck(database, engine, reconciler, dispatcher)
