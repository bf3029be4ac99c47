from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest

from services.engine.cache import KEPT_FOR, EngineCache
from services.engine.port import NOT_FOUND, QueueView
from tests.fake_engine import IDLE, FakeEngine


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_it_looks_once_for_every_reader_within_ten_seconds() -> None:
    engine, clock = FakeEngine(), Clock()
    looks = EngineCache(engine, clock=clock)

    assert [looks.queue("a"), looks.queue("a"), looks.queue("b")] == [IDLE, IDLE, IDLE]
    assert engine.looks == ["queue a", "queue b"]

    clock.now += KEPT_FOR
    looks.queue("a")
    assert engine.looks == ["queue a", "queue b", "queue a"]


def test_an_engine_that_is_away_is_no_answer_and_is_not_asked_by_everyone() -> None:
    engine = FakeEngine(is_away=True)
    looks = EngineCache(engine, clock=Clock())

    seen = [looks.workflow("w", ended=False).found for _ in range(2)]

    assert [*seen, looks.queue("q")] == [None, None, None]
    assert engine.looks == ["describe", "queue q"]


def test_a_look_from_before_a_run_ended_does_not_serve_once_it_has() -> None:
    engine = FakeEngine()
    looks = EngineCache(engine, clock=Clock())
    engine.open("w")
    looks.workflow("w", ended=False)

    engine.close("w", None)

    assert looks.workflow("w", ended=False).found != engine.views["w"]
    assert looks.workflow("w", ended=True).found == engine.views["w"]


def test_a_workflow_and_its_story_are_one_look_each_for_every_reader() -> None:
    engine = FakeEngine(stories={"w": {"steps": []}})
    looks = EngineCache(engine, clock=Clock())

    for _ in range(2):
        view, story = looks.workflow_and_story("w", ended=False)
        assert (view.found, story.found) == (NOT_FOUND, {"steps": []})
    assert sorted(engine.looks) == ["compact_history", "describe"]
    assert looks.workflow_and_story("unknown", ended=False)[1].found == {}


def test_a_story_that_cannot_be_read_in_time_leaves_the_rest_of_the_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silence = Event()

    class Forgetful(FakeEngine):
        def compact_history(
            self,
            workflow_id: str,
            *,
            workflow_run_id: str | None = None,  # noqa: ARG002
        ) -> dict[str, Any] | None:
            silence.wait(30)
            return super().compact_history(workflow_id)

    monkeypatch.setattr("services.engine.cache.PATIENCE", timedelta(milliseconds=200))
    looks = EngineCache(Forgetful(), clock=Clock())

    view, story = looks.workflow_and_story("w", ended=False)

    assert (view.found, story.found) == (NOT_FOUND, None)
    silence.set()


def test_nobody_waits_long_for_an_engine_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    silence = Event()

    class Silent(FakeEngine):
        def queue(self, task_queue: str) -> QueueView:
            silence.wait(30)
            return super().queue(task_queue)

    monkeypatch.setattr("services.engine.cache.PATIENCE", timedelta(milliseconds=20))
    looks = EngineCache(Silent(), clock=Clock())

    assert looks.queue("a") is None
    silence.set()
    monkeypatch.setattr("services.engine.cache.PATIENCE", timedelta(seconds=30))
    assert looks.queue("a") == IDLE
