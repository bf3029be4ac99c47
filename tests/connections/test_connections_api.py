"""The API of connections: what owners make, what comes back, and what never does."""

from dataclasses import replace
from typing import Any

import pytest

from models.access import Role
from services.connections.access import EnvironmentMirrors
from services.connections.secrets import SecretCipher
from tests.clients import Api, fields_of
from tests.world import World
from web.context import EXTENSION

PATH = "/api/v1/connections"
TOKEN = "kind-of-a-token-3141"


@pytest.fixture
def api(api_world: World) -> Api:
    return api_world.api


def given(**changes: Any) -> dict[str, Any]:
    body = {"workspace": "own", "name": "Ours", "kind": "https", "url_prefix": "https://h.org/team"}
    return {**body, "secret": TOKEN, **changes}


def test_an_owner_makes_lists_changes_and_removes_a_connection(api: Api) -> None:
    host_api = {"type": "github", "url": "https://h.org/api"}
    made = api.post(PATH, given(username="robot", api=host_api))
    assert made.status_code == 201
    connection = made.get_json()
    assert connection["api"] == host_api
    assert connection["created_by"] == "own owner"
    listed = api.get(made.headers["Location"]).get_json()["items"]
    assert connection in listed

    path = f"{PATH}/{connection['id']}"
    changed = api.ask("PATCH", path, json={"name": "Theirs", "api": None}, headers=api.bearer())
    assert (changed.status_code, changed.get_json()["name"], changed.get_json()["api"]) == (
        200,
        "Theirs",
        None,
    )
    assert changed.get_json()["username"] == "robot"
    assert api.ask("DELETE", path, headers=api.bearer()).status_code == 204
    assert connection["id"] not in [each["id"] for each in api.get(PATH).get_json()["items"]]


def test_a_secret_never_comes_back(api: Api, api_world: World) -> None:
    made = api.post(PATH, given())
    path = f"{PATH}/{made.get_json()['id']}"
    moved = {"url_prefix": "https://evil.org", "name": "x"}
    answers = [
        made,
        api.get(PATH),
        api.ask("PATCH", path, json={"secret": TOKEN}, headers=api.bearer()),
        api.ask("PATCH", path, json=moved, headers=api.bearer()),
        api.post(PATH, given()),
        api.post(PATH, given(secret=[TOKEN])),
        api.post(PATH, given(name="b", kind="ssh", known_hosts=TOKEN)),
        api.post(PATH, given(name="c", url_prefix=f"https://{TOKEN}@h.org/team")),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 422, 409, 422, 422, 422]
    assert fields_of(answers[3]) == ["secret"]
    assert all(TOKEN not in answer.text for answer in answers)
    page = api_world.browser(Role.OWNER).read(f"/workspaces/{api_world.workspace.id}")
    assert "Ours" in page
    assert TOKEN not in page


@pytest.mark.parametrize("kind", ["file", "machine"])
def test_no_owner_makes_a_connection_to_what_the_machine_has(api: Api, kind: str) -> None:
    refused = api.post(PATH, given(kind=kind, url_prefix="/"))
    assert (refused.status_code, fields_of(refused)) == (422, ["kind"])


def test_the_operator_s_connection_is_seen_and_not_changed(api: Api) -> None:
    [seen] = api.get(PATH).get_json()["items"]
    assert seen["kind"] == "file"
    path = f"{PATH}/{seen['id']}"
    assert api.ask("PATCH", path, json={"name": "x"}, headers=api.bearer()).status_code == 409
    assert api.ask("DELETE", path, headers=api.bearer()).status_code == 409


def test_only_who_manages_the_workspace_sees_its_connections(api: Api, api_world: World) -> None:
    assert len(api.get(PATH).get_json()["items"]) == 1
    for role in (Role.OPERATOR, Role.READER, Role.CUSTOMER):
        assert api.get(PATH, role=role).get_json()["items"] == []
    theirs = api_world.foreign_api.get(PATH).get_json()["items"]
    assert [each["workspace_id"] for each in theirs] == [str(api_world.foreign_api.environment.workspace_id)]
    assert api.get(f"{PATH}?workspace=foreign").get_json()["items"] == []


def test_an_environment_gets_another_connection_that_covers_it(api: Api, api_world: World) -> None:
    url = "https://h.org/team/repo.git"
    body = {"workspace": "own", "slug": "far", "name": "Far", "repository_url": url, "branch": "main"}
    refused = api.post("/api/v1/environments", body)
    assert (refused.status_code, fields_of(refused)) == (422, ["repository_url"])

    wide = api.post(PATH, given(url_prefix="https://h.org")).get_json()["id"]
    narrow = api.post(PATH, given(name="Narrow")).get_json()["id"]
    other = api.post(PATH, given(name="Other", url_prefix="https://h.org/team-evil")).get_json()["id"]
    foreign = str(api_world.foreign_api.environment.connection_id)
    environment = api.post("/api/v1/environments", body).get_json()
    assert environment["connection_id"] == narrow

    path = f"/api/v1/environments/{environment['id']}"
    for wrong in (other, foreign):
        refused = api.ask("PATCH", path, json={"connection_id": wrong}, headers=api.bearer())
        assert (refused.status_code, fields_of(refused)) == (422, ["connection_id"])
    changed = api.ask("PATCH", path, json={"connection_id": wide}, headers=api.bearer())
    assert (changed.status_code, changed.get_json()["connection_id"]) == (200, wide)
    assert api.ask("DELETE", f"{PATH}/{wide}", headers=api.bearer()).status_code == 409


def test_a_check_says_whether_the_repositories_answer(api: Api, api_world: World) -> None:
    [seen] = api.get(PATH).get_json()["items"]
    path = f"{PATH}/{seen['id']}/check"
    assert api.post(path, {}).get_json() == {"ok": True, "problem": None}
    uncovered = api.post(path, {"repository_url": "/elsewhere"})
    assert (uncovered.status_code, fields_of(uncovered)) == (422, ["repository_url"])
    api_world.repository.rename(api_world.repository.with_name("gone"))
    checked = api.post(path, {}).get_json()
    assert checked["ok"] is False
    assert "could not be reached" in checked["problem"]


def test_without_a_key_only_what_needs_a_secret_fails(api_world: World) -> None:
    keyless = EnvironmentMirrors(api_world.services.mirrors.store, SecretCipher())
    api_world.api.app.extensions[EXTENSION] = replace(api_world.services, mirrors=keyless)
    refused = api_world.api.post(PATH, given())
    assert (refused.status_code, refused.get_json()["code"]) == (503, "encryption_key_missing")
    assert api_world.api.get(PATH).status_code == 200
    point = f"{api_world.api.environment_path}/restore-points"
    assert api_world.api.post(point, {"label": "before", "ref": "main"}).status_code == 201
