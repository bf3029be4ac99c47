from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore, Event
from typing import Final
from uuid import UUID

from flask import current_app, g

from reconcilers.run_check import RunCheck
from services.access.principals import Principal
from services.access.sessions import SessionLimits
from services.connections.access import EnvironmentMirrors
from services.database.row_security import SIGNING_IN, RowScope, within
from services.database.session import Database
from services.engine.cache import EngineCache
from services.engine.port import Engine
from services.reports.kept.render_queue import RenderQueue
from services.reports.packs.signing import PackSigner
from services.repositories.slots import WorkspaceSlots
from services.runs.cancellation import Cancellations
from services.runs.dispatch import Dispatcher
from services.runs.links import Links
from services.runs.new_run import Dispatch
from services.runs.operations import OperationStarter
from web.openid import OpenIdProvider
from web.rate_limits import RequestLimits


def scope_of_request() -> RowScope:
    """Return the rows that the request may reach; until its principal is known, those of signing in."""
    principal: Principal | None = g.get("principal")
    return within(frozenset(principal.roles)) if principal else SIGNING_IN


EXTENSION = "operationrun"

# Fewer than a process has threads (runtime/web_server.py).
FETCHES_AT_ONCE: Final = 6
FETCHES_EACH: Final = 2
WAITING_AT_ONCE: Final = 6
# A quarter of them; who waits for a report holds one of the slots above too.
REPORTS_AWAITED_AT_ONCE: Final = 4


@dataclass(frozen=True, kw_only=True)
class Services:
    """What a web process or a command works with; composed once, in runtime/container.py.

    A web process composes all of it on a database that `scope_of_request` narrows.
    """

    database: Database
    dispatcher: Dispatcher
    engine: Engine
    engine_cache: EngineCache
    check: RunCheck
    cancellations: Cancellations
    mirrors: EnvironmentMirrors
    target: Dispatch
    allowed_file_roots: Sequence[Path]
    public_url: str
    temporal_ui_url: str | None
    openid: OpenIdProvider | None = None
    fetch_slots: WorkspaceSlots = field(
        default_factory=lambda: WorkspaceSlots(total=FETCHES_AT_ONCE, each=FETCHES_EACH)
    )
    wait_slots: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(WAITING_AT_ONCE))
    report_slots: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(REPORTS_AWAITED_AT_ONCE))
    render_queue: RenderQueue = field(default_factory=RenderQueue)
    pack_signer: PackSigner | None = None
    # Set when the process is about to end, so that requests which only wait return.
    stopping: Event = field(default_factory=Event)
    request_limits: RequestLimits = field(default_factory=RequestLimits)
    session_limits: SessionLimits = field(default_factory=SessionLimits)

    @property
    def operations(self) -> OperationStarter:
        """Return the starter of operations, which admits requests within this database's scope."""
        return OperationStarter(self.database, self.dispatcher, target=self.target)

    @property
    def links(self) -> Links:
        """Return the URLs under which this installation's runs are found."""
        return Links(
            public_url=self.public_url,
            temporal_ui_url=self.temporal_ui_url,
            namespace=self.target.connection,
        )


def services() -> Services:
    """Return the services of the app that answers the present request."""
    found: Services = current_app.extensions[EXTENSION]
    return found


@contextmanager
def fetching(workspace_id: UUID) -> Iterator[None]:
    """Hold one of the process's slots for asking a workspace's repository; raise TooManyFetches without one.

    The slots bound how many of the server's threads can hang on repositories that do not answer, and how
    many of them on those of one workspace.
    """
    with services().fetch_slots.hold(workspace_id):
        yield
