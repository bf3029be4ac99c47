import os
import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, Tracer

from runtime.telemetry.span_filter import PING, FilteringExporter
from runtime.telemetry.tracing import ENDPOINTS, is_traced

IMPORTED = """
import asyncio, sys
from flask import Flask
import runtime.worker
from runtime.cli.serve.web import command
from runtime.temporal.client import connect
from temporalio.envconfig import ClientConfigProfile
from runtime.telemetry.tracing import trace_process, trace_requests
trace_process("operationrun-web")
trace_requests(Flask("web"))
asyncio.run(connect(ClientConfigProfile(address="127.0.0.1:1", namespace="default")))
print("opentelemetry" in sys.modules)
"""


def imported(**variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    run = [sys.executable, "-c", IMPORTED]
    return subprocess.run(
        run, env=environment | variables, capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


def test_nothing_of_it_is_imported_unless_traces_have_an_address() -> None:
    assert imported() == "False"
    assert imported(OTEL_SERVICE_NAME="web", OTEL_TRACES_SAMPLER="always_on") == "False"
    assert imported(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1") == "True"


@pytest.mark.parametrize("variable", ENDPOINTS)
def test_either_address_switches_it_on(variable: str) -> None:
    assert is_traced({variable: "http://127.0.0.1:4318"})
    assert not is_traced({variable: ""})


@pytest.fixture
def sent() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(sent: InMemorySpanExporter) -> Tracer:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(FilteringExporter(sent)))
    return provider.get_tracer("a library")


def test_an_error_is_told_by_its_type_alone(sent: InMemorySpanExporter, tracer: Tracer) -> None:
    with pytest.raises(ValueError, match="hunter2"), tracer.start_as_current_span("INSERT"):
        raise ValueError("Key (password)=(hunter2) already exists.")
    (span,) = sent.get_finished_spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert [dict(event.attributes or {}) for event in span.events] == [{"exception.type": "ValueError"}]


def test_an_address_that_no_route_has_is_not_told(sent: InMemorySpanExporter, tracer: Tracer) -> None:
    for attributes in ({}, {"http.route": "/sign-in/<token>"}):
        told = {"http.method": "GET", "http.target": "/sign-in/hunter2", **attributes}
        with tracer.start_as_current_span("GET /somewhere", attributes=told):
            pass
    assert [span.name for span in sent.get_finished_spans()] == ["GET", "GET /somewhere"]
    assert not [span for span in sent.get_finished_spans() if "http.target" in (span.attributes or {})]


@pytest.mark.parametrize("name", ["db.statement", "db.query.text"])
def test_a_look_at_a_connection_is_no_span(sent: InMemorySpanExporter, tracer: Tracer, name: str) -> None:
    for statement in (PING, "SELECT 1"):
        with tracer.start_as_current_span("SELECT", attributes={name: statement}):
            pass
    (span,) = sent.get_finished_spans()
    assert dict(span.attributes or {}) == {name: "SELECT 1"}
