import io
import json
import re
from uuid import uuid4

import pytest

from models import errors
from tests.clients import fields_of
from tests.world import ABSENT, COMPOSE, World
from web.context import FETCHES_AT_ONCE, FETCHES_EACH
from web.problems import problem_of

ROUTES = ["/api/v1/environments", "/api/v1/operations"]


@pytest.mark.parametrize("path", ["/api", "/api/v1/nothing", "/api/v2/operations", "/api/v1/operations/"])
def test_it_answers_an_unknown_address_with_a_problem(api_world: World, path: str) -> None:
    response = api_world.api.get(path)
    if path == "/api":
        # Not the API's: a page.
        assert response.mimetype == "text/html"
        return
    assert response.status_code == 404
    assert response.mimetype == "application/problem+json"
    assert response.get_json()["code"] == "not_found"


def test_it_answers_an_unknown_method_with_a_problem_that_names_the_known(api_world: World) -> None:
    response = api_world.api.app.test_client().delete("/api/v1/operations")
    assert response.status_code == 405
    assert response.mimetype == "application/problem+json"
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))


@pytest.mark.parametrize("path", ROUTES)
def test_it_refuses_a_body_of_ten_megabytes(api_world: World, path: str) -> None:
    response = api_world.api.post_bytes(path, b'{"name": "' + b"x" * 10_000_000 + b'"}')
    assert (response.status_code, response.get_json()["code"]) == (413, "content_too_large")
    assert response.mimetype == "application/problem+json"


def test_it_refuses_ten_megabytes_whose_length_nobody_told(api_world: World) -> None:
    def send(content: bytes) -> int:
        response = api_world.api.app.test_client().post(
            "/api/v1/operations",
            input_stream=io.BytesIO(content),
            content_type="application/json",
            # As a server says it that takes chunked bodies.
            environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
            headers=api_world.api.bearer(),
        )
        return response.status_code

    assert send(b"{" + b" " * 10_000_000 + b"}") == 413
    assert send(b"{}") == 422


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[" * 100_000, b"1" * 5_000 + b"x", b'{"a": ' + b"1" * 5_000 + b"}"]
)
def test_it_refuses_what_is_not_json(api_world: World, path: str, content: bytes) -> None:
    response = api_world.api.post_bytes(path, content)
    assert (response.status_code, response.get_json()["code"]) == (400, "bad_request")


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("content", [b"[]", b"null", b'"text"', b"1", b"NaN"])
def test_it_refuses_json_that_is_no_object(api_world: World, path: str, content: bytes) -> None:
    response = api_world.api.post_bytes(path, content)
    assert response.status_code == 422
    assert fields_of(response) == ["body"]


@pytest.mark.parametrize("path", ROUTES)
def test_it_refuses_another_content_type(api_world: World, path: str) -> None:
    response = api_world.api.post_bytes(path, b"{}", "text/plain")
    assert (response.status_code, response.get_json()["code"]) == (415, "unsupported_media_type")


def test_it_names_every_field_that_is_wrong(api_world: World) -> None:
    body = {"workspace": "own", "slug": 7, "nonsense": 1, "name": "x\x00", "branch": "main"}
    response = api_world.api.post("/api/v1/environments", body)
    assert response.status_code == 422
    assert sorted(fields_of(response)) == ["name", "nonsense", "repository_url", "slug"]
    assert response.get_json()["code"] == "invalid_input"


def test_it_refuses_half_surrogates_anywhere_in_a_body(api_world: World) -> None:
    def send(**given: object) -> object:
        body = {"type": COMPOSE, "environment_id": str(api_world.environment.id), "input": {}} | given
        return api_world.api.post_bytes("/api/v1/operations", json.dumps(body).encode()).status_code

    assert send(type="\ud800") == 400
    assert send(input={"ref": "\ud800"}) == 400
    assert send(input={"\ud800": 1}) == 400
    assert send(**{"\ud800": 1}) == 400
    assert send(environment_id="\ud800") == 400
    assert send(environment_id="\ud83d\ude00") == 404


def test_it_hides_what_it_did_not_foresee_and_names_the_request(
    api_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("SELECT secret FROM inside")

    monkeypatch.setattr("web.api.environments.list_workspaces", explode)
    response = api_world.api.get("/api/v1/workspaces")
    problem = response.get_json()
    assert (response.status_code, problem["code"]) == (500, "unexpected_error")
    assert problem["request_id"] == response.headers["X-Request-ID"]
    assert b"SELECT" not in response.data


@pytest.mark.parametrize(
    ("error", "status", "fields"),
    [
        (errors.EnvironmentUnreachable(), 422, ["repository_url"]),
        (errors.RepositoryTooLarge(), 422, ["repository_url"]),
        (errors.RepositoryDamaged(), 422, ["repository_url"]),
        (errors.RefNotFound("v1"), 422, ["ref"]),
        (errors.PathPrefixEmpty(), 422, ["path_prefix"]),
        (errors.IdempotencyKeyReused(["type"]), 409, ["type"]),
        (errors.ReviewBaseMoved(), 409, []),
        (errors.StartUnconfirmed(), 503, []),
        (errors.LifecycleWriteError(), 500, []),
    ],
)
def test_it_translates_each_family_of_errors(
    api_world: World, error: errors.OperationRunError, status: int, fields: list[str]
) -> None:
    with api_world.api.app.test_request_context():
        problem = problem_of(error)
    assert problem.status == status
    assert [each.field for each in problem.errors] == fields


def test_it_refuses_a_key_that_stands_twice_in_a_body(api_world: World) -> None:
    environment = f'"environment_id": "{api_world.environment.id}"'
    for content, named in (
        (f'{{"type": "{COMPOSE}", {environment}, "type": "{COMPOSE}"}}', ["type"]),
        (f'{{"type": "{COMPOSE}", {environment}, "input": {{"ref": "a", "ref": "b"}}}}', ["ref"]),
    ):
        response = api_world.api.post_bytes("/api/v1/operations", content.encode())
        assert response.status_code == 422
        assert fields_of(response) == named
        assert "more than once" in response.get_json()["detail"]
    assert api_world.engine.starts == []


def test_a_key_that_stands_twice_opens_nothing_that_is_out_of_scope(api_world: World) -> None:
    twice = f'{{"environment_id": "{api_world.environment.id}", "environment_id": "{ABSENT}"}}'
    assert api_world.api.post_bytes("/api/v1/operations", twice.encode()).status_code == 404


PYTHON_WORDS = re.compile(
    r"\b(str|dict|int|valid \w+|Input should|Field required|Extra inputs|pydantic|UUID)\b"
)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/operations", {"type": 7, "input": [], "more": None}),
        ("/operations", {"type": "x" * 201, "input": {"ref": 7}}),
        ("/operations", {"type": COMPOSE, "input": {"ref": ""}}),
        ("/operations", {"type": COMPOSE, "input": {"ref": "x" * 256}}),
        ("/operations", {"type": COMPOSE, "input": {"branch": "main"}}),
        ("/operations", {"type": "restore.execute", "input": {"restore_plan_id": 7}}),
        ("/operations", {"type": "restore.execute", "input": {"restore_plan_id": "x"}}),
        ("/restore-plans", {"restore_point_id": "x", "mode": "all", "items": "*"}),
        ("/restore-plans", {"restore_point_id": ABSENT, "mode": None, "items": [7]}),
        ("/restore-points", {}),
    ],
)
def test_it_words_what_is_wrong_for_people(api_world: World, path: str, body: dict[str, object]) -> None:
    where = f"{api_world.api.environment_path}{path}"
    if path == "/operations":
        where, body = "/api/v1/operations", body | {"environment_id": str(api_world.environment.id)}
    problem = api_world.api.post(where, body).get_json()
    assert problem["status"] == 422
    for error in problem["errors"]:
        assert error["message"].startswith(f"{error['field']}: "), error
        assert error["message"].endswith("."), error
        assert not PYTHON_WORDS.search(error["message"]), error


@pytest.mark.parametrize("path", ["/operations", "/environments", "/reviews", "/workspaces"])
def test_it_names_the_parameters_there_are_to_who_gives_another(api_world: World, path: str) -> None:
    response = api_world.api.get(f"/api/v1{path}?colour=red")
    assert response.status_code == 422
    assert fields_of(response) == ["colour"]
    assert "limit" in response.get_json()["detail"]
    assert api_world.api.get(f"/api/v1{path}?limit=1&limit=2").status_code == 422
    assert api_world.api.post(f"/api/v1/operations?{path}=1", {}).status_code == 422


@pytest.mark.parametrize("path", ["/workspaces", "/environments", "/reviews", "/operations"])
@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.0", "x", "\u0661"])
def test_it_holds_every_list_to_its_limits(api_world: World, path: str, limit: str) -> None:
    response = api_world.api.get(f"/api/v1{path}?limit={limit}")
    assert response.status_code == 422
    assert fields_of(response) == ["limit"]
    assert api_world.api.get(f"/api/v1{path}?limit=200").status_code == 200


def test_it_pages_through_short_lists_too(api_world: World) -> None:
    for label in ("one", "two", "three"):
        body = {"label": label, "ref": "before"}
        assert api_world.api.post(f"{api_world.api.environment_path}/restore-points", body).status_code == 201
    seen, after = [], ""
    for _ in range(3):
        page = api_world.api.get(f"{api_world.api.environment_path}/restore-points?limit=1{after}").get_json()
        seen += [point["label"] for point in page["items"]]
        after = f"&after={page['next']}"
    assert (seen, page["next"]) == (["three", "two", "one"], None)
    assert (
        api_world.api.get(f"{api_world.api.environment_path}/restore-points?after={ABSENT}").status_code
        == 422
    )


def test_it_refuses_an_address_that_is_too_long(api_world: World) -> None:
    response = api_world.api.ask("GET", f"/api/v1/operations?q={'x' * 4_000}", headers=api_world.api.bearer())
    assert (response.status_code, response.get_json()["code"]) == (414, "uri_too_long")
    assert response.mimetype == "application/problem+json"


def test_it_tells_who_asks_for_options_the_methods_alone(api_world: World) -> None:
    response = api_world.api.ask("OPTIONS", "/api/v1/operations", headers=api_world.api.bearer())
    assert (response.status_code, response.data) == (204, b"")
    assert {*response.headers["Allow"].split(", ")} == {"GET", "HEAD", "POST", "OPTIONS"}
    assert api_world.api.ask("OPTIONS", "/api/v1/operations").status_code == 401


def test_head_is_get_without_a_body(api_world: World) -> None:
    run = f"/api/v1/operations/{api_world.api.start_compose().get_json()['id']}"
    for path, status in ((run, 200), (f"/api/v1/operations/{ABSENT}", 404)):
        response = api_world.api.ask("HEAD", path, headers=api_world.api.bearer())
        assert (response.status_code, response.data) == (status, b"")
        assert response.mimetype == api_world.api.get(path).mimetype


def test_what_passes_by_itself_says_when_to_ask_again(api_world: World) -> None:
    for _ in range(FETCHES_AT_ONCE):
        api_world.services.fetch_slots.take(uuid4())
    response = api_world.api.post(
        f"{api_world.api.environment_path}/restore-points", {"label": "x", "ref": "main"}
    )
    assert (response.status_code, response.get_json()["code"]) == (503, "too_many_fetches")
    assert response.headers["Retry-After"] == "2"


def test_another_workspace_takes_nobodys_slots_for_repositories(api_world: World) -> None:
    slow = uuid4()
    for _ in range(FETCHES_EACH):
        api_world.services.fetch_slots.take(slow)
    with pytest.raises(errors.TooManyFetches):
        api_world.services.fetch_slots.take(slow)
    response = api_world.api.post(
        f"{api_world.api.environment_path}/restore-points", {"label": "x", "ref": "main"}
    )
    assert response.status_code == 201
