"""What a collector of OpenTelemetry gets to see of an operation started over HTTP."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client, WorkflowHistory

from tests.system import MANY, Json, System, up, wait_for
from tests.telemetry.trace_collector import Collector, Span, collecting

pytestmark = pytest.mark.feature

WEB, WORKER = "operationrun-web", "operationrun-worker"
COMPOSE = "environment.review.compose"
SECRET = "hunter2"
TRACE_ID = b"0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID.decode()}-b7ad6b7169203331-01"
STEPS = ("collect_evidence", "compose_review")
QUOTED = re.compile(r"'[^']*'")


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def traced(server_folder: Path, collector: Collector) -> Iterator[System]:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with up(server_folder / "traced", environment=variables) as system:
        yield system


async def history_of(system: System, run: Json) -> WorkflowHistory:
    client = await Client.connect(system.ready["temporal_address"])
    return await client.get_workflow_handle(workflow_id_of(run)).fetch_history()


def workflow_id_of(run: Json) -> str:
    return f"operation-run.v1.{run['type']}.{run['id']}"


def trace_of(collector: Collector, run: Json) -> Sequence[Span]:
    """Wait for the whole trace of a run and return it."""
    workflow_id = workflow_id_of(run)

    def look() -> Sequence[Span] | None:
        spans = collector.spans()
        ended = [
            span
            for span in spans
            if span.name.startswith("CompleteWorkflow")
            and span.attributes["temporalWorkflowID"] == workflow_id
        ]
        trace = [span for span in spans if ended and span.trace_id == ended[0].trace_id]
        return trace if any(not span.parent_id for span in trace) else None

    return wait_for(look, what="the trace of a run")


def line_of(span: Span, trace: Mapping[str, Span]) -> list[tuple[str, str]]:
    """Return the span and what it is within, outermost first."""
    above = line_of(trace[span.parent_id], trace) if span.parent_id else []
    return [*above, (span.service, span.name)]


def test_an_operation_started_over_http_is_one_trace(traced: System, collector: Collector) -> None:
    run = traced.compose(traced.environment(traced.repository(MANY).url))
    traced.settled(run)
    trace = trace_of(collector, run)
    by_id = {span.id: span for span in trace}
    request = [(WEB, "POST /api/v1/operations")]
    started = [*request, (WEB, f"StartWorkflow:{COMPOSE}")]
    lines = [line_of(span, by_id) for span in trace]
    assert [*started, (WORKER, f"RunWorkflow:{COMPOSE}")] in lines
    assert [*request, (WEB, "INSERT")] in lines
    for step in STEPS:
        run_step = [*started, (WORKER, f"StartActivity:{step}"), (WORKER, f"RunActivity:{step}")]
        assert run_step in lines
        assert [*run_step, (WORKER, "UPDATE")] in lines


def test_what_a_caller_sends_beside_its_trace_is_not_handed_on(traced: System) -> None:
    environment = traced.environment(traced.repository({"a.json": "1"}).url)
    body = {"type": COMPOSE, "environment_id": environment["id"], "input": {}}
    caller = {"traceparent": TRACEPARENT, "baggage": f"secret={SECRET}"}
    run = traced.post("/operations", body, expect=202, **caller)
    traced.settled(run)
    history = asyncio.run(history_of(traced, run))
    assert any(TRACE_ID in event.SerializeToString() for event in history.events)
    assert not any(SECRET.encode() in event.SerializeToString() for event in history.events)


def test_statements_carry_placeholders_and_no_values(traced: System, collector: Collector) -> None:
    repository = traced.repository({"a.json": "1"})
    environment = traced.environment(repository.url, name=SECRET)
    run = traced.compose(environment)
    traced.settled(run)
    trace = trace_of(collector, run)
    statements = [span.attributes["db.statement"] for span in trace if "db.statement" in span.attributes]
    inserts = [statement for statement in statements if statement.startswith("INSERT INTO operation_runs")]
    assert inserts
    assert all("%(id)s" in statement for statement in inserts)
    told = " ".join(QUOTED.findall(" ".join(statements)))
    assert environment["id"] not in told
    assert not any(SECRET.encode() in body for body in collector.bodies)


def test_no_address_error_or_repository_url_gets_out(traced: System, collector: Collector) -> None:
    for address in (f"/sign-in/{SECRET}", f"/nowhere/{SECRET}?q={SECRET}"):
        assert httpx.get(traced.ready["web_url"] + address).status_code < 500
    repository = traced.repository({"a.json": "1"})
    for url, status in ((f"https://someone:{SECRET}@127.0.0.1/a.git", 422), (repository.url, 201)):
        body = {"workspace": "default", "slug": "s", "name": "s", "repository_url": url, "branch": "main"}
        environment = traced.post("/environments", body, expect=status)
    run = traced.compose(environment, SECRET)
    assert traced.settled(run)["outcome"] == "failed"
    trace = trace_of(collector, run)
    assert f"RunActivity:{STEPS[0]}" in {span.name for span in trace}
    wait_for(
        lambda: {"GET", "GET /sign-in/<secret>"} <= {span.name for span in collector.spans()},
        what="the requests' spans",
    )
    assert not any(SECRET.encode() in body for body in collector.bodies)


def test_what_machines_ask_for_is_no_trace(traced: System, collector: Collector) -> None:
    web_url = traced.ready["web_url"]
    for path in ("/healthz", "/readyz", "/metrics"):
        httpx.get(web_url + path)
    traced.get("/workspaces")
    wait_for(
        lambda: [span for span in collector.spans() if span.name == "GET /api/v1/workspaces"],
        what="a later request's span",
    )
    assert not {"GET /healthz", "GET /readyz", "GET /metrics"} & {span.name for span in collector.spans()}
