"""Traces of requests, the workflows they start, activities and SQL, by OpenTelemetry's instrumentations.

OpenTelemetry's environment variables configure them. Without an endpoint no module of OpenTelemetry is
imported: its import costs time at each start.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flask import Flask
    from temporalio.client import Interceptor

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

# Probes request these every few seconds, and every page its static files.
_UNTRACED: Final = "/(healthz|readyz|metrics)$,/static/"


def is_traced(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether an OTLP endpoint is set."""
    return any(environ.get(name) for name in ENDPOINTS)


def trace_process(service: str) -> None:
    """Export this process's spans, with one for each SQL statement; call it after a fork.

    `service` is the service name where OTEL_SERVICE_NAME is not set. Remaining spans are sent at exit.
    """
    if not is_traced():
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor  # noqa: PLC0415
    from opentelemetry.propagate import set_global_textmap  # noqa: PLC0415
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.trace import set_tracer_provider  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    from runtime.telemetry.span_filter import FilteringExporter  # noqa: PLC0415

    named = {"service.name": service, **OTELResourceDetector().detect().attributes}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(FilteringExporter(OTLPSpanExporter())))
    set_tracer_provider(provider)
    # Without the propagator for `baggage`: a caller's would stay in Temporal's histories.
    set_global_textmap(TraceContextTextMapPropagator())
    PsycopgInstrumentor().instrument()


def trace_requests(app: "Flask") -> None:
    """Make a span for every request."""
    if not is_traced():
        return
    from opentelemetry.instrumentation.flask import FlaskInstrumentor  # noqa: PLC0415

    instrument = FlaskInstrumentor.instrument_app
    instrument(app, excluded_urls=_UNTRACED, enable_commenter=False)  # type: ignore[no-untyped-call] # it has no types
    # First of all: requests that a later step refuses are traced, too.
    steps = app.before_request_funcs[None]
    steps.insert(0, steps.pop())


def client_interceptors() -> "list[Interceptor]":
    """Return the interceptors that pass the trace through Temporal to workflows and activities."""
    if not is_traced():
        return []
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415
    from temporalio.contrib.opentelemetry import TracingInterceptor  # noqa: PLC0415

    interceptor = TracingInterceptor()
    interceptor.text_map_propagator = TraceContextTextMapPropagator()
    return [interceptor]
