"""What Prometheus reads of a web server, over all of its processes.

`prometheus_client` decides when it is first imported whether processes share their counts: where
PROMETHEUS_MULTIPROC_DIR is set by then (runtime/telemetry/multiprocess_metrics.py), they do, in that folder.
"""

import os
import time
from typing import Final

from flask import Flask, Response, current_app, g, request
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector

from services.database.pool import MEANINGS, PoolFigure
from services.database.session import Database
from web.metrics.ledger import LedgerCollector

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
EXTENSION: Final = "operationrun.metrics"

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The figures of one web process, and the way to read those of all its siblings."""

    def __init__(self, database: Database) -> None:
        self._registry = CollectorRegistry()
        is_shared = bool(os.environ.get(FOLDER))
        if is_shared:
            MultiProcessCollector(self._registry)  # type: ignore[no-untyped-call] # it has no types
        own = None if is_shared else self._registry
        self._requests = Histogram(
            "operationrun_http_request_duration_seconds",
            "How long requests took to answer, by route, method and status.",
            labelnames=("route", "method", "status"),
            buckets=_BUCKETS,
            registry=own,
        )
        self._connections = {
            figure: Gauge(
                f"operationrun_database_connections_{figure}",
                MEANINGS[figure],
                multiprocess_mode="livesum",
                registry=own,
            )
            for figure in PoolFigure
        }
        database.watch_connections(lambda figure, change: self._connections[figure].inc(change))
        self._registry.register(LedgerCollector(database))

    def observe(self, response: Response) -> None:
        """Note how the present request was answered; an address that no route has is one route."""
        route = request.url_rule.rule if request.url_rule else "none"
        method = request.method if request.method in _METHODS else "other"
        taken = time.perf_counter() - g.began
        self._requests.labels(route, method, str(response.status_code)).observe(taken)

    def read(self) -> bytes:
        """Return every figure in Prometheus' text format."""
        return generate_latest(self._registry)


def measure(app: Flask, database: Database) -> None:
    """Measure every request that the app answers."""
    app.extensions[EXTENSION] = Metrics(database)

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        observed: Metrics = current_app.extensions[EXTENSION]
        observed.observe(response)
        return response


def exposition(app: Flask) -> Response:
    """Answer with every figure."""
    metrics: Metrics = app.extensions[EXTENSION]
    return Response(metrics.read(), content_type=CONTENT_TYPE_PLAIN_0_0_4)
