"""Traces: a request, the workflow it starts, its activities and their SQL, by the libraries' own means.

OpenTelemetry's own variables configure them. Where none names an address that traces go to, nothing of
OpenTelemetry is imported.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flask import Flask
    from temporalio.client import Interceptor

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

# Asked for by machines every few seconds, or by every page.
_UNTRACED: Final = "/(healthz|readyz|metrics)$,/static/"


def is_traced(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether traces have an address to go to."""
    return any(environ.get(name) for name in ENDPOINTS)


def trace_process(service: str) -> None:
    """Send this process's spans, and make one of every SQL statement; in a child, after the fork.

    `service` is its name where OTEL_SERVICE_NAME gives none. The last spans are sent when the process ends.
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
    # A caller's `baggage` is not taken in: it would stay in Temporal's histories.
    set_global_textmap(TraceContextTextMapPropagator())
    PsycopgInstrumentor().instrument()


def trace_requests(app: "Flask") -> None:
    """Make a span of every request that the app answers."""
    if not is_traced():
        return
    from opentelemetry.instrumentation.flask import FlaskInstrumentor  # noqa: PLC0415

    instrument = FlaskInstrumentor.instrument_app
    instrument(app, excluded_urls=_UNTRACED, enable_commenter=False)  # type: ignore[no-untyped-call] # it has no types
    # Before every other: what one of those refuses is a request, too.
    steps = app.before_request_funcs[None]
    steps.insert(0, steps.pop())


def client_interceptors() -> "list[Interceptor]":
    """Return what hands the trace on through Temporal, to workflows and their activities."""
    if not is_traced():
        return []
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415
    from temporalio.contrib.opentelemetry import TracingInterceptor  # noqa: PLC0415

    interceptor = TracingInterceptor()
    interceptor.text_map_propagator = TraceContextTextMapPropagator()
    return [interceptor]
