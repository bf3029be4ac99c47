from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import BoundedSemaphore, Event
from typing import Final

from flask import current_app

from models.errors import TooManyFetches
from reconcilers.run_check import RunCheck
from services.cancellation import Cancellations
from services.database import Database
from services.dispatch import Dispatcher
from services.engine import Engine
from services.engine_looks import EngineLooks
from services.new_run import Dispatch
from services.repositories.mirror import MirrorStore
from web.openid import OpenIdProvider
from web.rate_limits import RequestLimits
from web.row_scope import scope_of_request

EXTENSION = "operationrun"

# Fewer than a process has threads (runtime/web_server.py).
FETCHES_AT_ONCE: Final = 6
WAITING_AT_ONCE: Final = 6


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
    openid: OpenIdProvider | None = None
    fetch_slots: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(FETCHES_AT_ONCE))
    wait_slots: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(WAITING_AT_ONCE))
    # Set when the process is about to end: a request that only waits is answered then.
    stopping: Event = field(default_factory=Event)
    request_limits: RequestLimits = field(default_factory=RequestLimits)

    def narrowed(self) -> "Services":
        """Return the same with a database that shows each request its principal's workspaces alone."""
        return replace(self, database=self.database.narrowed(scope_of_request))


def services() -> Services:
    """Return the services of the app that answers the present request."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, Services)  # noqa: S101 - told to the type checker; set by create_app
    return found


@contextmanager
def fetching() -> Iterator[None]:
    """Hold one of the process's slots for asking a repository; raise TooManyFetches where none is free.

    Repositories that do not answer hold no more of the server's threads than there are slots.
    """
    slots = services().fetch_slots
    if not slots.acquire(blocking=False):
        raise TooManyFetches
    try:
        yield
    finally:
        slots.release()
