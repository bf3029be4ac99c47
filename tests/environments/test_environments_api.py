from models.access import Role
from tests.clients import fields_of
from tests.world import ABSENT, World


def _new(api_world: World, **given: object) -> dict[str, object]:
    return {
        "workspace": "own",
        "slug": "staging",
        "name": "Staging",
        "repository_url": str(api_world.repository),
        "branch": "main",
        **given,
    }


def test_it_lists_the_workspaces_of_a_token(api_world: World) -> None:
    listed = api_world.api.get("/api/v1/workspaces").get_json()
    assert [(each["id"], each["slug"]) for each in listed["items"]] == [(str(api_world.workspace.id), "own")]
    assert listed["next"] is None


def test_it_registers_an_environment_and_shows_it_where_it_says(api_world: World) -> None:
    body = _new(api_world, path_prefix="policies", baseline_ref="before")
    response = api_world.api.post("/api/v1/environments", body)
    created = response.get_json()
    assert response.status_code == 201
    assert created["workspace_id"] == str(api_world.workspace.id)
    assert {name: created[name] for name in body if name != "workspace"} == {
        name: value for name, value in body.items() if name != "workspace"
    }
    assert api_world.api.get(response.headers["Location"]).get_json() == created


def test_it_takes_a_workspace_by_its_id_too(api_world: World) -> None:
    response = api_world.api.post(
        "/api/v1/environments", _new(api_world, workspace=str(api_world.workspace.id))
    )
    assert response.status_code == 201


def test_it_lists_environments_by_workspace(api_world: World) -> None:
    for workspace in ("", "own", str(api_world.workspace.id)):
        listed = api_world.api.get(f"/api/v1/environments?workspace={workspace}", role=Role.READER).get_json()
        assert [each["id"] for each in listed["items"]] == [str(api_world.environment.id)]


def test_it_lists_nothing_of_a_workspace_that_is_out_of_scope(api_world: World) -> None:
    for workspace in ("foreign", "missing", ABSENT, "%00"):
        response = api_world.api.get(f"/api/v1/environments?workspace={workspace}")
        assert response.get_json() == {"items": [], "next": None}


def test_it_refuses_a_slug_that_is_taken(api_world: World) -> None:
    response = api_world.api.post("/api/v1/environments", _new(api_world, slug="production"))
    assert (response.status_code, response.get_json()["code"]) == (409, "conflict")


def test_it_names_the_field_of_a_bad_environment(api_world: World) -> None:
    for given, field in (
        ({"slug": "Not A Slug"}, "slug"),
        ({"name": " "}, "name"),
        ({"repository_url": "ext::sh -c true"}, "repository_url"),
        ({"repository_url": "/"}, "repository_url"),
        ({"branch": "--upload-pack=x"}, "branch"),
        ({"path_prefix": "../outside"}, "path_prefix"),
        ({"workspace": 7}, "workspace"),
    ):
        response = api_world.api.post("/api/v1/environments", _new(api_world, **given))
        assert response.status_code == 422, given
        assert fields_of(response) == [field]
