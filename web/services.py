from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flask import current_app

from reconcilers.run_check import RunCheck
from services.cancellation import Cancellations
from services.database import Database
from services.dispatch import Dispatcher
from services.engine import Engine
from services.engine_looks import EngineLooks
from services.new_run import Dispatch
from services.repositories.mirror import MirrorStore

EXTENSION = "operationrun"


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the web process works with; made once by the composition root (runtime/container.py)."""

    database: Database
    dispatcher: Dispatcher
    engine: Engine
    looks: EngineLooks
    check: RunCheck
    cancellations: Cancellations
    mirrors: MirrorStore
    target: Dispatch
    allowed_file_roots: Sequence[Path]
    public_url: str
    temporal_ui_url: str | None


def services() -> Services:
    """Return the services of the app that answers the present request."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, Services)  # noqa: S101 - told to the type checker; set by create_app
    return found
