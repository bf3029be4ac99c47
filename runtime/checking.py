from dataclasses import replace
from datetime import timedelta

from reconcilers import restore_execute, review_compose
from reconcilers.orchestrator import AdapterRunReconciler
from reconcilers.run_check import RunCheck
from runtime.settings import Settings
from services.database import Database
from services.dispatch import Dispatcher
from services.engine import Engine
from services.repositories.mirror import MirrorStore
from services.repositories.transport import DEFAULT_LIMITS, GitLimits

# Imported so that they register themselves; there is no other list of adapters.
ADAPTERS = (restore_execute, review_compose)


# A check waits less long for a repository than an operation does: others wait for their check.
CHECK_LIMITS = replace(DEFAULT_LIMITS, fetch_timeout=timedelta(seconds=15))


def build_mirrors(settings: Settings, *, limits: GitLimits = DEFAULT_LIMITS) -> MirrorStore:
    """Compose a process's mirrors of repositories, kept under its data directory."""
    root = settings.data_dir / "mirrors"
    return MirrorStore(root, allowed_file_roots=settings.allowed_file_roots, limits=limits)


def build_run_check(database: Database, engine: Engine, settings: Settings) -> RunCheck:
    """Compose what checks one run: for the worker's sweep, the web's "check now" and the command line."""
    reconciler = AdapterRunReconciler(database, build_mirrors(settings, limits=CHECK_LIMITS))
    dispatcher = Dispatcher(database, engine, public_url=settings.public_url)
    return RunCheck(database, engine, reconciler, dispatcher)
