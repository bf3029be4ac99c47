import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from models.lifecycle import Outcome
from services.runs.service import OperationRunService
from services.runs.waiting.wait import CompletionWait
from tests.clients import fields_of
from tests.factories import ADA, decision
from tests.system import wait_for
from tests.world import ABSENT, World
from web.context import WAITING_AT_ONCE

PATIENCE = 20


def path_of(run: dict[str, Any]) -> str:
    return f"/api/v1/operations/{run['id']}"


def fail(api_world: World, run: dict[str, Any]) -> None:
    with api_world.services.database.transaction() as session:
        OperationRunService(session).update_run_with_reconciliation(
            UUID(run["id"]), decision(Outcome.FAILED), source="sweep", actor=ADA
        )


def in_background(act: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def test_a_run_that_has_not_changed_is_not_sent_again(api_world: World) -> None:
    run = api_world.api.start_compose().get_json()
    first = api_world.api.get(path_of(run))
    headers = api_world.api.bearer() | {"If-None-Match": first.headers["ETag"]}
    again = api_world.api.ask("GET", path_of(run), headers=headers)
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    fail(api_world, run)
    changed = api_world.api.ask("GET", path_of(run), headers=headers)
    assert (changed.status_code, changed.get_json()["outcome"]) == (200, "failed")
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_a_tag_of_what_is_out_of_scope_opens_nothing(api_world: World) -> None:
    run = api_world.api.start_compose().get_json()
    tag = api_world.api.get(path_of(run)).headers["ETag"]
    for given in (tag, "*"):
        headers = api_world.foreign_api.bearer() | {"If-None-Match": given}
        assert api_world.foreign_api.ask("GET", path_of(run), headers=headers).status_code == 404


def test_nobody_waits_for_a_server_that_stops(api_world: World) -> None:
    run = api_world.api.start_compose().get_json()
    answers: list[int] = []
    waiting = in_background(
        lambda: answers.append(api_world.api.get(f"{path_of(run)}?wait={PATIENCE}").status_code)
    )
    wait_for(lambda: api_world.services.wait_slots._value < WAITING_AT_ONCE, what="the request to wait")

    api_world.services.stopping.set()
    waiting.join(PATIENCE / 2)

    assert answers == [200]


def test_it_answers_at_once_for_a_run_that_is_completed(api_world: World) -> None:
    run = api_world.api.start_compose().get_json()
    fail(api_world, run)
    began = time.monotonic()
    assert api_world.api.get(f"{path_of(run)}?wait=30").get_json()["status"] == "completed"
    assert time.monotonic() - began < PATIENCE


def test_it_answers_as_soon_as_the_run_is_completed(api_world: World) -> None:
    run = api_world.api.start_compose().get_json()
    answers: list[Any] = []
    waiting = in_background(lambda: answers.append(api_world.api.get(f"{path_of(run)}?wait=30")))
    wait_for(lambda: api_world.services.wait_slots._value < 6, what="somebody to wait")
    fail(api_world, run)
    waiting.join(PATIENCE)
    assert answers[0].get_json()["outcome"] == "failed"


def test_it_answers_with_the_run_as_it_stands_when_the_time_is_up(api_world: World) -> None:
    run = api_world.api.start_compose().get_json()
    response = api_world.api.get(f"{path_of(run)}?wait=1")
    assert (response.status_code, response.get_json()["status"]) == (200, "queued")
    assert "Retry-After" not in response.headers


def test_it_holds_no_connection_while_it_waits(api_world: World) -> None:
    run = api_world.api.start_compose().get_json()
    pool = api_world.services.database.engine.pool
    taken, given_back = [0], [0]
    event.listen(pool, "checkout", lambda *_: taken.__setitem__(0, taken[0] + 1))
    event.listen(pool, "checkin", lambda *_: given_back.__setitem__(0, given_back[0] + 1))
    waiting = in_background(
        lambda: CompletionWait(api_world.services.database).is_completed_within(
            UUID(run["id"]), timedelta(seconds=PATIENCE)
        )
    )
    wait_for(
        lambda: given_back[0] >= 2 and taken[0] == given_back[0], what="looks with nothing held in between"
    )
    fail(api_world, run)
    waiting.join(PATIENCE)
    assert not waiting.is_alive()


def test_it_waits_for_nobody_where_too_many_wait_already(api_world: World) -> None:
    run = api_world.api.start_compose().get_json()
    slots = api_world.services.wait_slots
    while slots.acquire(blocking=False):
        pass
    response = api_world.api.get(f"{path_of(run)}?wait=30")
    assert (response.status_code, response.get_json()["status"]) == (200, "queued")
    assert response.headers["Retry-After"] == "1"
    fail(api_world, run)
    assert "Retry-After" not in api_world.api.get(f"{path_of(run)}?wait=30").headers


def test_each_who_waited_gives_the_place_back(api_world: World) -> None:
    run = api_world.api.start_compose().get_json()
    before = api_world.services.wait_slots._value
    api_world.api.get(f"{path_of(run)}?wait=1")
    assert api_world.services.wait_slots._value == before


@pytest.mark.parametrize("wait", ["31", "-1", "1.5", "soon", "1e1", "999999999999"])
def test_it_names_a_wait_that_cannot_be(api_world: World, wait: str) -> None:
    run = api_world.api.start_compose().get_json()
    response = api_world.api.get(f"{path_of(run)}?wait={wait}")
    assert response.status_code == 422
    assert fields_of(response) == ["wait"]


def test_nobody_waits_for_what_is_not_there(api_world: World) -> None:
    began = time.monotonic()
    assert api_world.api.get(f"/api/v1/operations/{ABSENT}?wait=30").status_code == 404
    assert time.monotonic() - began < PATIENCE
