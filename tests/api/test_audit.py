"""`GET /api/v1/audit`: who did what, for the owners of a workspace."""

import csv
import io

import pytest

from models.access import AuditAction, Role
from models.actor import Actor
from services.access.audit import Audit
from tests.world import World

ADA = Actor(kind="user", name="Ada@Example.org")


def record(world: World, *subjects: str, actor: Actor = ADA) -> None:
    for subject in subjects:
        with world.database.transaction() as session:
            Audit(session=session, workspace_id=world.workspace.id, actor=actor).record(
                AuditAction.VIEW_SAVED, subject
            )


@pytest.fixture
def audited(api_world: World) -> World:
    """A world with entries of two people behind those of its tokens."""
    assert api_world.api.tokens
    assert api_world.foreign_api.tokens
    record(api_world, "a", "b", "c")
    record(api_world, "d", actor=Actor(kind="user", name="grace"))
    return api_world


def subjects(world: World, query: str = "") -> list[str]:
    answer = world.api.get(f"/api/v1/audit?act=view_saved{query}")
    assert answer.status_code == 200, answer.text
    return [each["subject"] for each in answer.get_json()["items"]]


def test_it_lists_the_newest_first_and_narrows(audited: World) -> None:
    assert subjects(audited) == ["d", "c", "b", "a"]
    assert subjects(audited, "&actor=ada@example.org") == ["c", "b", "a"]
    assert subjects(audited, "&actor=ada") == []
    assert subjects(audited, "&workspace=own") == ["d", "c", "b", "a"]
    assert subjects(audited, f"&workspace={audited.workspace.id}") == ["d", "c", "b", "a"]
    assert subjects(audited, "&workspace=foreign") == []


def test_an_entry_has_its_place_in_the_chain(audited: World) -> None:
    first = audited.api.get("/api/v1/audit?limit=1").get_json()["items"][0]
    assert (first["act"], first["actor_kind"], first["actor_name"]) == ("view_saved", "user", "grace")
    assert first["workspace_id"] == str(audited.workspace.id)
    assert len(first["hash"]) == 64
    assert first["position"] > 4


def test_pages_follow_each_other(audited: World) -> None:
    page = audited.api.get("/api/v1/audit?act=view_saved&limit=3").get_json()
    assert [each["subject"] for each in page["items"]] == ["d", "c", "b"]
    assert subjects(audited, f"&limit=3&after={page['next']}") == ["a"]
    assert audited.api.get("/api/v1/audit?after=x").status_code == 422


def test_as_csv_it_is_one_file_whatever_the_page_and_safe_in_a_spreadsheet(audited: World) -> None:
    record(audited, "=1+1")
    headers = {**audited.api.bearer(), "Accept": "text/csv"}
    answer = audited.api.ask("GET", "/api/v1/audit?act=view_saved&limit=1", headers=headers)
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    rows = [*csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig")))]
    assert [row["subject"] for row in rows] == ["'=1+1", "d", "c", "b", "a"]
    newest = audited.api.get("/api/v1/audit?limit=1").get_json()["items"][0]
    assert (newest["act"], newest["subject"]) == ("downloaded", "audit.csv")


def test_it_is_for_owners(audited: World) -> None:
    for role in Role:
        answer = audited.api.get("/api/v1/audit", role=role)
        seen = {Role.OWNER: 200, Role.CUSTOMER: 404}.get(role, 403)
        assert answer.status_code == seen, role


def test_an_unknown_act_is_refused_by_name(audited: World) -> None:
    answer = audited.api.get("/api/v1/audit?act=meddling")
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, "act")
