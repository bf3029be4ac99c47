"""An engine that does not answer concludes nothing."""

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.envconfig import ClientConfigProfile

from models.base import utc_now
from models.reconciliation import ExecutionState
from runtime.local.ports import HOST, free_ports
from runtime.local.temporal_server import NAMESPACE, running_temporal
from runtime.temporal.client import TemporalConnection
from runtime.temporal.engine import TemporalEngine
from services.engine.port import EngineUnreachable
from tests.engine.stand_ins import NOBODY
from tests.engine.temporal_server import TemporalServer, unknown_id

pytestmark = pytest.mark.feature

QUESTIONS: dict[str, Callable[[TemporalEngine], object]] = {
    "describe": lambda engine: engine.describe(unknown_id()),
    "first_event": lambda engine: engine.first_event(unknown_id()),
    "cancel": lambda engine: engine.cancel(unknown_id()),
    "terminate": lambda engine: engine.terminate(unknown_id(), "for a test"),
    "closed_abnormally": lambda engine: engine.closed_abnormally(utc_now(), limit=1),
    "open_workflows": lambda engine: engine.open_workflows(utc_now(), limit=1),
    "compact_history": lambda engine: engine.compact_history(unknown_id()),
    "queue": lambda engine: engine.queue(NOBODY),
}
each_question = pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)


@each_question
def test_without_a_server_it_says_so_within_five_seconds(
    question: Callable[[TemporalEngine], object],
) -> None:
    [port] = free_ports(1)
    refuses(TemporalEngine(TemporalConnection(profile_of(f"{HOST}:{port}"))), question)


def test_a_server_that_never_answers_is_unreachable_within_five_seconds() -> None:
    with socket.create_server((HOST, 0)) as silent:
        port = silent.getsockname()[1]
        refuses(TemporalEngine(TemporalConnection(profile_of(f"{HOST}:{port}"))), QUESTIONS["describe"])


def test_a_server_that_went_away_is_unreachable_for_every_question(tmp_path: Path) -> None:
    with running_temporal(tmp_path, say=lambda _: None) as server:
        engine = TemporalEngine(TemporalConnection(server.profile))
        assert engine.describe(unknown_id()).execution.state is ExecutionState.NOT_FOUND
    for question in QUESTIONS.values():
        refuses(engine, question)


@each_question
def test_in_an_unknown_namespace_nothing_is_concluded(
    temporal_server: TemporalServer, question: Callable[[TemporalEngine], object]
) -> None:
    elsewhere = replace(temporal_server.connection.profile, namespace="elsewhere")
    refuses(TemporalEngine(TemporalConnection(elsewhere)), question)


def profile_of(address: str) -> ClientConfigProfile:
    return ClientConfigProfile(address=address, namespace=NAMESPACE)


def refuses(engine: TemporalEngine, question: Callable[[TemporalEngine], object]) -> None:
    before = time.monotonic()
    with pytest.raises(EngineUnreachable):
        question(engine)
    assert time.monotonic() - before < 5
