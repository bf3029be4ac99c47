from pathlib import Path

import pytest

from models.access import Role
from tests.clients import fields_of
from tests.git_repository import git
from tests.world import ABSENT, World


def _point(**given: object) -> dict[str, object]:
    return {"label": "Before", "ref": "before", **given}


def test_it_pins_the_commit_a_ref_names(api_world: World) -> None:
    response = api_world.api.post(
        f"{api_world.api.environment_path}/restore-points", _point(), role=Role.OPERATOR
    )
    point = response.get_json()
    assert response.status_code == 201
    assert point["commit"] == git("rev-parse", "before", cwd=api_world.repository)
    assert (point["label"], point["ref"], point["created_by"]) == ("Before", "before", "own operator")
    assert api_world.api.get(response.headers["Location"]).get_json() == {"items": [point], "next": None}


def test_it_refuses_a_label_that_is_taken(api_world: World) -> None:
    path = f"{api_world.api.environment_path}/restore-points"
    assert api_world.api.post(path, _point()).status_code == 201
    assert api_world.api.post(path, _point()).status_code == 409


@pytest.mark.parametrize(
    ("given", "field"),
    [({"ref": "nowhere"}, "ref"), ({"ref": "-x"}, "ref"), ({"label": ""}, "label"), ({"more": 1}, "more")],
)
def test_it_names_the_field_of_a_bad_restore_point(
    api_world: World, given: dict[str, object], field: str
) -> None:
    response = api_world.api.post(f"{api_world.api.environment_path}/restore-points", _point(**given))
    assert response.status_code == 422
    assert fields_of(response) == [field]


def test_it_says_when_the_repository_is_out_of_reach(api_world: World, tmp_path: Path) -> None:
    api_world.repository.rename(tmp_path / "moved away")
    response = api_world.api.post(f"{api_world.api.environment_path}/restore-points", _point())
    assert (response.status_code, response.get_json()["code"]) == (422, "environment_unreachable")
    assert fields_of(response) == ["repository_url"]


def _make_point(api_world: World) -> str:
    point = api_world.api.post(f"{api_world.api.environment_path}/restore-points", _point()).get_json()
    return str(point["id"])


def test_it_previews_an_exact_restore_of_every_item(api_world: World) -> None:
    body = {"restore_point_id": _make_point(api_world), "mode": "exact"}
    response = api_world.api.post(f"{api_world.api.environment_path}/restore-plans", body)
    plan = response.get_json()
    assert response.status_code == 201
    assert plan["live_commit"] == git("rev-parse", "main", cwd=api_world.repository)
    assert {change["path"]: change["change"] for change in plan["changes"]} == {
        "added.json": "delete",
        "kept.json": "unchanged",
        "lost.json": "create",
        "policy.json": "update",
    }
    assert all(set(change) == {"path", "change", "reason"} for change in plan["changes"])
    assert api_world.api.get(response.headers["Location"], role=Role.READER).get_json() == plan


def test_it_previews_the_items_that_globs_select(api_world: World) -> None:
    body = {"restore_point_id": _make_point(api_world), "mode": "overlay", "items": ["po*.json"]}
    plan = api_world.api.post(f"{api_world.api.environment_path}/restore-plans", body).get_json()
    assert [(change["path"], change["change"]) for change in plan["changes"]] == [("policy.json", "update")]
    assert plan["items"] == ["po*.json"]


def test_it_names_the_field_of_a_bad_plan(api_world: World) -> None:
    good = {"restore_point_id": _make_point(api_world), "mode": "exact"}
    for given, field in (
        ({"mode": "sideways"}, "mode"),
        ({"items": "policy.json"}, "items"),
        ({"items": [1]}, "items.0"),
        ({"items": ["nothing/*"]}, "items"),
        ({"restore_point_id": ABSENT}, "restore_point_id"),
        ({"restore_point_id": "x"}, "restore_point_id"),
    ):
        response = api_world.api.post(f"{api_world.api.environment_path}/restore-plans", good | given)
        assert response.status_code == 422, given
        assert fields_of(response) == [field]
