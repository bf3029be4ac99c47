"""Every route that changes something leaves an audit entry, or is listed here with the reason why not."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from models.access import AuditAction, AuditEntry, Role
from models.saved_view import SavedView
from services.access.tokens import list_tokens
from services.database.session import Database
from tests.audit import verify_chains
from tests.clients import Browser
from tests.world import World

Act = Callable[[World, Browser], TestResponse]

READS = {"GET", "HEAD", "OPTIONS"}
# Why a route that takes another method leaves nothing.
WITHOUT = {
    "run_actions.check": "says what a check would decide, and writes nothing",
    "chosen_runs.confirm": "asks before a bulk act, and writes nothing",
}


def form(path: Callable[[World], str], page: Callable[[World], str], **values: str) -> Act:
    return lambda world, browser: browser.submit(path(world), page=page(world), **values)


def post(path: Callable[[World], str], body: Callable[[World], Any] = lambda _: {}) -> Act:
    return lambda world, _: world.api.post(f"/api/v1{path(world)}", body(world))


def workspace(world: World, _browser: Browser | None = None) -> str:
    return f"/workspaces/{world.workspace.id}"


def on_workspace(rest: str, **values: str) -> Act:
    return form(lambda world: f"{workspace(world)}/{rest}", workspace, **values)


def of_member(rest: str, **values: str) -> Act:
    def act(world: World, browser: Browser) -> TestResponse:
        member = world.add_person(Role.READER)
        path = f"{workspace(world)}/members/{member.id}/{rest}"
        answer: TestResponse = browser.submit(path, page=workspace(world), **values)
        return answer

    return act


def on_run(rest: str) -> Act:
    def act(world: World, browser: Browser) -> TestResponse:
        run = world.running()
        answer: TestResponse = browser.submit(f"/operations/{run.id}/{rest}", page=workspace(world))
        return answer

    return act


def in_bulk(rest: str) -> Act:
    def act(world: World, browser: Browser) -> TestResponse:
        answer: TestResponse = browser.submit(
            f"/operations/chosen/{rest}", page=workspace(world), run=str(world.running().id)
        )
        return answer

    return act


def on_review(rest: str) -> Act:
    def act(world: World, browser: Browser) -> TestResponse:
        answer: TestResponse = browser.submit(f"/reviews/{world.review().id}/{rest}", page=workspace(world))
        return answer

    return act


def again(world: World, browser: Browser) -> TestResponse:
    review = world.review()
    answer: TestResponse = browser.submit(f"/operations/{review.run_id}/again", page=workspace(world))
    return answer


def delete_view(world: World, browser: Browser) -> TestResponse:
    save_view(world, browser)
    with world.database.transaction() as session:
        view = session.scalars(select(SavedView)).one()
    answer: TestResponse = browser.submit(f"/operations/views/{view.id}/delete", page=workspace(world))
    return answer


def save_view(world: World, browser: Browser) -> TestResponse:
    values = {"name": "Failed", "keep_in": world.workspace.slug, "outcome": "failed"}
    answer: TestResponse = browser.submit("/operations/views", page=workspace(world), **values)
    return answer


def revoke(world: World, browser: Browser) -> TestResponse:
    with world.database.transaction() as session:
        assert world.api.tokens
        token = list_tokens(session, world.workspace.id)[0]
    path = f"{workspace(world)}/tokens/{token.id}/revoke"
    answer: TestResponse = browser.submit(path, page=workspace(world))
    return answer


def redeem(world: World, _: Browser) -> TestResponse:
    link = world.link_for(world.add_person(Role.READER))
    answer: TestResponse = Browser(world.app.test_client()).submit(link, page=link)
    return answer


def wrong_password(world: World, _: Browser) -> TestResponse:
    values = {"name": "ada@contoso.example", "password": "wrong"}
    answer: TestResponse = Browser(world.app.test_client()).submit("/sign-in", page="/sign-in", **values)
    return answer


def restore_point(world: World, _: Browser) -> TestResponse:
    return world.api.post(f"{world.api.environment_path}/restore-points", {"label": "one", "ref": "before"})


def on_environment(rest: str, **values: str) -> Act:
    path = f"/environments/{{}}/{rest}"
    return form(lambda world: path.format(world.environment.id), workspace, **values)


def plan_page(world: World, browser: Browser) -> TestResponse:
    point = restore_point(world, browser).get_json()
    values = {"restore_point_id": str(point["id"]), "mode": "exact", "items": ""}
    path = f"/environments/{world.environment.id}/restore-plans"
    answer: TestResponse = browser.submit(path, page=workspace(world), **values)
    return answer


def plan_api(world: World, browser: Browser) -> TestResponse:
    point = restore_point(world, browser).get_json()
    body = {"restore_point_id": point["id"], "mode": "exact"}
    return world.api.post(f"{world.api.environment_path}/restore-plans", body)


def execute(world: World, browser: Browser) -> TestResponse:
    path = f"/restore-plans/{world.api.make_plan()}/execute"
    answer: TestResponse = browser.submit(path, page=workspace(world))
    return answer


def new_environment(world: World) -> dict[str, str]:
    return {
        "workspace": world.workspace.slug,
        "slug": "other",
        "name": "Other",
        "repository_url": str(world.repository),
        "branch": "main",
    }


CONNECTION = {
    "name": "Ours",
    "kind": "https",
    "url_prefix": "https://h.org/team",
    "secret": "a-secret-of-tests",
}


def connection(world: World) -> dict[str, Any]:
    made = world.api.post("/api/v1/connections", {"workspace": world.workspace.slug, **CONNECTION})
    answer: dict[str, Any] = made.get_json()
    return answer


def on_connection(rest: str, **values: str) -> Act:
    def act(world: World, browser: Browser) -> TestResponse:
        path = f"{workspace(world)}/connections/{connection(world)['id']}{rest}"
        answer: TestResponse = browser.submit(path, page=workspace(world), **values)
        return answer

    return act


def ask_connection(method: str, rest: str = "", **body: str) -> Act:
    def act(world: World, _: Browser) -> TestResponse:
        path = f"/api/v1/connections/{connection(world)['id']}{rest}"
        return world.api.ask(method, path, json=body, headers=world.api.bearer())

    return act


def choose_connection(world: World, _: Browser) -> TestResponse:
    own = world.api.get(world.api.environment_path).get_json()["connection_id"]
    path = world.api.environment_path
    return world.api.ask("PATCH", path, json={"connection_id": own}, headers=world.api.bearer())


PASSWORD = {"password": "several words in a row"}
ACTS: dict[str, Act] = {
    "sessions.by_password": wrong_password,
    "sessions.sign_in": redeem,
    "sessions.sign_out": form(lambda _: "/sign-out", workspace),
    "account.change_password": form(lambda _: "/account/password", workspace, **PASSWORD),
    "account.end_one": form(lambda _: "/account/sessions/end", workspace, session=str(UUID(int=1))),
    "account.end_others": form(lambda _: "/account/sessions/end-others", workspace),
    "connections.create": on_workspace("connections", **CONNECTION),
    "connections.change": on_connection("", name="Theirs", url_prefix="https://h.org/team"),
    "connections.remove": on_connection("/removal"),
    "connections.check": on_connection("/check"),
    "account.leave": form(lambda _: "/account/sign-out-everywhere", workspace),
    "workspaces.add_member": on_workspace("members", email="new@contoso.example", role="reader"),
    "workspaces.change_role": of_member("role", role="operator"),
    "workspaces.remove_member": of_member("removal"),
    "workspaces.make_token": on_workspace("tokens", name="robot", role="reader"),
    "workspaces.revoke": revoke,
    "run_actions.cancel": on_run("cancel"),
    "run_actions.settle": on_run("settle"),
    "run_actions.again": again,
    "chosen_runs.cancel": in_bulk("cancel"),
    "chosen_runs.check": in_bulk("check"),
    "saved_views.save": save_view,
    "saved_views.delete": delete_view,
    "environments.compose": on_environment("reviews", ref=""),
    "environments.create_restore_point": on_environment("restore-points", label="a point", ref="before"),
    "environments.preview_restore": plan_page,
    "restore_plans.execute": execute,
    "reviews.publish": on_review("publish"),
    "reviews.archive": on_review("archive"),
    "api.create_connection": post(
        lambda _: "/connections", lambda world: {"workspace": world.workspace.slug, **CONNECTION}
    ),
    "api.change_connection": ask_connection("PATCH", name="Theirs"),
    "api.remove_connection": ask_connection("DELETE"),
    "api.check": ask_connection("POST", "/check"),
    "api.change_environment": choose_connection,
    "api.create_environment": post(lambda _: "/environments", new_environment),
    "api.create_restore_point": restore_point,
    "api.create_restore_plan": plan_api,
    "api.create_operation": lambda world, _: world.api.start_compose(),
    "api.cancel_operation": post(lambda world: f"/operations/{world.running().id}/cancel"),
    "api.reconcile_operation": post(lambda world: f"/operations/{world.running().id}/reconcile"),
    "api.publish_review": post(lambda world: f"/reviews/{world.review().id}/publish"),
}
ADVICE = (
    "Let {} leave an audit entry (services/access/audit.py) and do it in ACTS, or say why not in WITHOUT."
)


def changing(app: Flask) -> set[str]:
    """Return the endpoints that take any method but those that read."""
    return {rule.endpoint for rule in app.url_map.iter_rules() if (rule.methods or set()) - READS}


def count(database: Database) -> int:
    with database.transaction() as session:
        return session.scalars(select(func.count()).select_from(AuditEntry)).one()


def test_every_route_that_changes_something_is_listed(world: World) -> None:
    listed = {*ACTS, *WITHOUT}
    assert len(listed) == len(ACTS) + len(WITHOUT)
    unlisted = changing(world.app) - listed
    assert not unlisted, ADVICE.format(", ".join(sorted(unlisted)))
    assert listed <= changing(world.app)


@pytest.mark.parametrize("endpoint", ACTS)
def test_it_leaves_an_entry_with_its_actor_request_and_address(api_world: World, endpoint: str) -> None:
    world = api_world
    browser = world.browser(Role.OWNER)
    assert world.api.tokens
    before = count(world.database)

    answer = ACTS[endpoint](world, browser)

    assert answer.status_code < 400 or endpoint == "sessions.by_password", answer.text
    assert count(world.database) > before
    with world.database.transaction() as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (entry.request_id, entry.address) == (answer.headers["X-Request-ID"], "127.0.0.1")
    assert {check.problem for check in verify_chains(world.database)} == {None}


def newest(world: World) -> AuditEntry:
    with world.database.transaction() as session:
        return session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()


def test_a_refusal_for_lack_of_a_capability_is_audited(api_world: World) -> None:
    world = api_world
    run = world.running()
    answer = world.api.post(f"/api/v1/operations/{run.id}/cancel", {}, role=Role.READER)

    assert answer.status_code == 403
    entry = newest(world)
    assert (entry.action, entry.subject, entry.detail) == (
        AuditAction.REFUSED,
        f"POST /api/v1/operations/{run.id}/cancel",
        "operations.act",
    )
    assert (entry.workspace_id, entry.actor_name, entry.subject_id) == (
        world.workspace.id,
        "own reader",
        run.id,
    )


def test_what_a_role_does_not_see_is_audited_and_what_is_of_others_is_not(api_world: World) -> None:
    world = api_world
    run = world.running()
    assert world.api.get(f"/api/v1/operations/{run.id}", role=Role.CUSTOMER).status_code == 404
    assert newest(world).action == AuditAction.REFUSED
    before = count(world.database)
    assert world.foreign_api.get(f"/api/v1/operations/{run.id}").status_code == 404
    assert count(world.database) == before


def test_a_caller_cannot_fill_the_audit_with_refusals(api_world: World) -> None:
    world = api_world
    run = world.running()
    limit = world.services.request_limits.refusals.limit.burst
    before = count(world.database)
    for _ in range(limit + 20):
        world.api.post(f"/api/v1/operations/{run.id}/cancel", {}, role=Role.READER)
    assert limit <= count(world.database) - before < limit + 20


def test_downloads_are_audited_once_taken(api_world: World) -> None:
    world = api_world
    review = world.review()
    for path, subject in (
        (f"/reviews/{review.id}/report/technical.json", "report technical.json"),
        (f"/reviews/{review.id}/pack.zip", "pack.zip"),
    ):
        answer = world.api.get(f"/api/v1{path}")
        assert (newest(world).action, newest(world).subject) == (AuditAction.DOWNLOADED, subject)
        before = count(world.database)
        known = {**world.api.bearer(), "If-None-Match": answer.headers["ETag"]}
        assert world.api.ask("GET", f"/api/v1{path}", headers=known).status_code == 304
        assert count(world.database) == before
    browser = world.browser(Role.READER)
    assert browser.get(f"/operations/{review.run_id}/evidence.json").status_code == 200
    assert newest(world).subject == "support bundle"


def test_a_sign_in_that_fails_names_no_one_who_is_not_known(world: World) -> None:
    person = world.add_person(Role.READER)
    stranger = Browser(world.app.test_client())
    for name, subject in ((person.email, person.email), ("my secret password", "unknown")):
        stranger.submit("/sign-in", page="/sign-in", name=name, password="wrong")
        entry = newest(world)
        assert (entry.action, entry.subject, entry.workspace_id) == (
            AuditAction.SIGN_IN_FAILED,
            subject,
            None,
        )
    answer = stranger.submit("/sign-in/used", page="/sign-in", secret="used")
    assert answer.status_code == 401
    assert (newest(world).detail, newest(world).subject) == ("link", "unknown")
