from collections.abc import Sequence
from typing import Final

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status
from opentelemetry.util.types import Attributes

# SQLAlchemy's pool sends it to check a connection (pool_pre_ping).
PING: Final = ";"

# The libraries' attributes, in their older and newer conventions. All others may hold secrets: sign-in links,
# searches, credentials in URLs, values that a constraint refused.
KEPT: Final = frozenset(
    {
        "db.name",
        "db.namespace",
        "db.query.text",
        "db.statement",
        "db.system",
        "db.system.name",
        "error.type",
        "exception.type",
        "http.method",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "http.status_code",
        "temporalActivityID",
        "temporalRunID",
        "temporalWorkflowID",
    }
)


class FilteringExporter(SpanExporter):
    """Exports spans with the attributes in KEPT only, and of an error only its type."""

    def __init__(self, following: SpanExporter) -> None:
        self._following = following

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export the spans without other attributes; drop pings."""
        return self._following.export([_filtered(span) for span in spans if not _is_ping(span)])

    def shutdown(self) -> None:
        """Shut the next exporter down."""
        self._following.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the next exporter."""
        return self._following.force_flush(timeout_millis)


def _is_ping(span: ReadableSpan) -> bool:
    attributes = span.attributes or {}
    return PING in (attributes.get("db.statement"), attributes.get("db.query.text"))


def _filtered(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=_name(span),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_kept(span.attributes),
        events=[Event(event.name, _kept(event.attributes), event.timestamp) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _name(span: ReadableSpan) -> str:
    """Return a span's name; without a route only the method, since an address may hold a secret."""
    attributes = span.attributes or {}
    method = attributes.get("http.method") or attributes.get("http.request.method")
    return str(method) if method and "http.route" not in attributes else span.name


def _kept(attributes: Attributes) -> Attributes:
    return {name: value for name, value in (attributes or {}).items() if name in KEPT}
