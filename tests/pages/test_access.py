"""Every page and form, by every role, for every kind of id: who sees, who does, who hears of nothing."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import pytest
from flask import Flask

from models.access import ApiToken, Role, Workspace
from models.base import utc_now
from models.catalog import Capability
from models.environment import Environment
from models.review import ReviewStatus
from models.saved_view import SavedView
from runtime.container import build_web_app
from runtime.settings import Settings
from services.access.principals import CAPABILITIES
from services.access.tokens import create_token
from tests.clients import Browser
from tests.factories import STRONG_KEY, changed, setting
from tests.world import World

SIGNED_OUT, FOREIGN_OWNER = "signed out", "foreign owner"
READERS = (*Role, SIGNED_OUT, FOREIGN_OWNER)
NOWHERE, MALFORMED = "01890000-0000-7000-8000-000000000000", "not-an-id"

RUNS, ACT = Capability.OPERATIONS_VIEW, Capability.OPERATIONS_ACT
REVIEWS, MANAGE = Capability.REVIEWS_VIEW, Capability.REVIEWS_MANAGE
PUBLISHED, OWN = Capability.REVIEWS_PUBLISHED_VIEW, Capability.WORKSPACE_MANAGE


@dataclass(frozen=True, kw_only=True)
class About:
    """A route about one thing of a workspace: which capability shows it, and which the route takes.

    `ids` are the arguments of its address, or of its query, that name the thing; each with what is made
    for it.
    """

    ids: Mapping[str, str]
    see: Capability
    do: Capability | None = None


def about(see: Capability, do: Capability | None = None, **ids: str) -> About:
    return About(ids=ids, see=see, do=do)


# Every page has its row in one of these four; a new one that has none fails the test below.
ABOUT: Final[Mapping[str, About]] = {
    "environments.show": about(RUNS, environment_id="environment"),
    "environments.compose": about(RUNS, ACT, environment_id="environment"),
    "environments.create_restore_point": about(RUNS, ACT, environment_id="environment"),
    "environments.preview_restore": about(RUNS, ACT, environment_id="environment"),
    "operations.show": about(RUNS, run_id="run"),
    "operations.fragment": about(RUNS, run_id="run"),
    "operations.evidence": about(RUNS, run_id="run"),
    "run_actions.confirm_cancel": about(RUNS, run_id="run"),
    "run_actions.cancel": about(RUNS, ACT, run_id="run"),
    "run_actions.check": about(RUNS, ACT, run_id="run"),
    "run_actions.settle": about(RUNS, ACT, run_id="run"),
    "run_actions.again": about(RUNS, ACT, run_id="run"),
    "saved_views.delete": about(RUNS, ACT, view_id="saved view"),
    "restore_plans.show": about(RUNS, plan_id="plan"),
    "restore_plans.execute": about(RUNS, ACT, plan_id="plan"),
    "review_history.index": about(REVIEWS, environment_id="environment"),
    "review_comparisons.show": About(ids={"from": "draft", "to": "draft"}, see=REVIEWS),
    "review_comparisons.item": About(ids={"from": "draft", "to": "draft"}, see=REVIEWS),
    "reviews.show": about(REVIEWS, review_id="draft"),
    "reviews.change": about(REVIEWS, review_id="draft"),
    "reviews.finding": about(REVIEWS, review_id="draft"),
    "reviews.report": about(REVIEWS, review_id="draft"),
    "reviews.pack": about(REVIEWS, review_id="draft"),
    "reviews.publish": about(REVIEWS, MANAGE, review_id="draft"),
    "reviews.confirm_archive": about(REVIEWS, review_id="draft"),
    "reviews.archive": about(REVIEWS, MANAGE, review_id="draft"),
    "published.show": about(PUBLISHED, review_id="published"),
    "published.change": about(PUBLISHED, review_id="published"),
    "published.finding": about(PUBLISHED, review_id="published"),
    "published.report": about(PUBLISHED, review_id="published"),
    "published.pack": about(PUBLISHED, review_id="published"),
    "connections.index": about(RUNS, OWN, workspace_id="workspace"),
    "connections.create": about(RUNS, OWN, workspace_id="workspace"),
    "connections.show": about(RUNS, OWN, workspace_id="workspace", connection_id="connection"),
    "connections.change": about(RUNS, OWN, workspace_id="workspace", connection_id="connection"),
    "connections.remove": about(RUNS, OWN, workspace_id="workspace", connection_id="connection"),
    "connections.check": about(RUNS, OWN, workspace_id="workspace", connection_id="connection"),
    "workspaces.show": about(RUNS, OWN, workspace_id="workspace"),
    "workspaces.show_audit": about(RUNS, OWN, workspace_id="workspace"),
    "workspaces.download_audit": about(RUNS, OWN, workspace_id="workspace"),
    "workspaces.add_member": about(RUNS, OWN, workspace_id="workspace"),
    "workspaces.change_role": about(RUNS, OWN, workspace_id="workspace", user_id="member"),
    "workspaces.remove_member": about(RUNS, OWN, workspace_id="workspace", user_id="member"),
    "workspaces.make_token": about(RUNS, OWN, workspace_id="workspace"),
    "workspaces.revoke": about(RUNS, OWN, workspace_id="workspace", token_id="token"),
}
# For whoever is signed in: what it shows is narrowed, and empty where there is nothing to see.
SIGNED_IN: Final = {
    "sessions.home",
    "account.show",
    "account.change_password",
    "account.leave",
    "account.end_one",
    "account.end_others",
    "environments.index",
    "operations.index",
    "operations.list_fragment",
    "published.index",
}
# The same, but what a form of theirs names is judged one by one: held to it by the last test.
NAMED_IN_A_FORM: Final = {
    "chosen_runs.confirm": {"deed": "cancel"},
    "chosen_runs.cancel": {},
    "chosen_runs.check": {},
    "saved_views.save": {"name": "Mine"},
}
FOR_EVERYBODY: Final = {
    "sessions.form",
    "sessions.by_password",
    "sessions.ask",
    "sessions.sign_in",
    "sessions.sign_out",
    "openid.start",
    "openid.finish",
    "static",
}
CONSTANTS: Final = {"position": 0, "code": "drifted", "profile": "audit", "form": "json"}
FORM: Final = {"role": "reader", "email": "new@contoso.example", "name": "robot"}


class Things:
    """Two workspaces, and a way to make one of each thing in either."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.own = (world.workspace, world.environment)
        fabrikam = world.add_workspace("fabrikam", "Fabrikam")
        self.foreign = (fabrikam, world.add_environment("Linux devices", fabrikam))
        self._browsers: dict[str, Browser] = {}

    def make(self, kind: str, name: str) -> str:
        """Make a thing in the workspace of a kind of id, and return its id; or an id that names nothing."""
        if kind in {"missing", "malformed"}:
            return NOWHERE if kind == "missing" else MALFORMED
        with self._within(self.own if kind == "own" else self.foreign) as world:
            return str(_MAKERS[name](world))

    def browser(self, reader: str) -> Browser:
        """Return the browser of somebody who reads, signed in the first time."""
        if reader == SIGNED_OUT:
            return Browser(self.world.app.test_client())
        if reader not in self._browsers:
            role, workspace = (
                (Role.OWNER, self.foreign[0]) if reader == FOREIGN_OWNER else (Role(reader), None)
            )
            self._browsers[reader] = self.world.browser(role, workspace)
        return self._browsers[reader]

    @contextmanager
    def _within(self, place: tuple[Workspace, Environment]) -> Iterator[World]:
        self.world.workspace, self.world.environment = place
        yield self.world
        self.world.workspace, self.world.environment = self.own


def _review(world: World, status: ReviewStatus) -> Any:
    finding = {"code": "drifted", "severity": "warning", "title": "x", "items": ["b.json"], "advice": "y"}
    changes = [changed("a.json", settings=[setting("minimum", 8, 12)])]
    if status is ReviewStatus.PUBLISHED:
        # An environment has one at most.
        world.environment = world.add_environment(f"Device {uuid4().hex[:8]}", world.workspace)
    return world.review(status, findings=[finding], changes=changes, ref=uuid4().hex).id


def _saved_view(world: World) -> Any:
    with world.database.transaction() as session:
        view = SavedView(
            workspace_id=world.workspace.id,
            name=uuid4().hex,
            filters={},
            created_by="ada@contoso.example",
            created_at=utc_now(),
        )
        session.add(view)
    return view.id


def _token(world: World) -> Any:
    with world.database.transaction() as session:
        token = create_token(session, workspace_id=world.workspace.id, role=Role.READER, name="robot")
        prefix = token[:10]
    with world.database.transaction() as session:
        return session.query(ApiToken.id).filter_by(prefix=prefix).scalar()


_MAKERS: Final[Mapping[str, Callable[[World], Any]]] = {
    "environment": lambda world: world.environment.id,
    "connection": lambda world: world.environment.connection_id,
    "workspace": lambda world: world.workspace.id,
    "run": lambda world: world.queued(ref=uuid4().hex).id,
    "plan": lambda world: world.plan().id,
    "draft": lambda world: _review(world, ReviewStatus.DRAFT),
    "published": lambda world: _review(world, ReviewStatus.PUBLISHED),
    "saved view": _saved_view,
    "member": lambda world: world.add_person(Role.READER, world.workspace).id,
    "token": _token,
}


@pytest.fixture
def things(world: World) -> Things:
    return Things(world)


def app_of_all_routes() -> Flask:
    """Make the app for its routes; nothing is connected to for them."""
    return build_web_app(
        Settings(database_url="postgresql://", temporal_address="nowhere:1", secret_key=STRONG_KEY)
    )


def pages() -> set[str]:
    """Return every route that is not for programs."""
    rules = app_of_all_routes().url_map.iter_rules()
    return {
        rule.endpoint
        for rule in rules
        if not rule.rule.startswith("/api/") and not rule.endpoint.startswith("health.")
    }


def ask(browser: Browser, path: str, method: str, form: Mapping[str, str]) -> Any:
    if method == "GET":
        return browser.get(path)
    page = "/account" if browser.client.get("/account").status_code == 200 else "/sign-in"
    return browser.submit(path, page=page, **form)


def path_of(app: Flask, endpoint: str, ids: Mapping[str, str]) -> tuple[str, str]:
    """Return the method and address of a route; an id may be one that its address would not build with."""
    rule = next(rule for rule in app.url_map.iter_rules() if rule.endpoint == endpoint)
    given = {name: ids.get(name, CONSTANTS.get(name)) for name in rule.arguments}
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(given[match[1]]), rule.rule)
    query = "&".join(f"{name}={value}" for name, value in ids.items() if name not in rule.arguments)
    method = "POST" if "POST" in (rule.methods or ()) else "GET"
    return method, f"{path}?{query}" if query else path


def expected(route: About, reader: str, kind: str) -> str:
    if reader == SIGNED_OUT:
        return "asked to sign in"
    if kind != ("foreign" if reader == FOREIGN_OWNER else "own"):
        return "not found"
    capabilities = CAPABILITIES[Role.OWNER if reader == FOREIGN_OWNER else Role(reader)]
    if route.see not in capabilities:
        return "not found"
    return "let in" if route.do is None or route.do in capabilities else "forbidden"


def standing(status: int) -> str:
    known = {401: "asked to sign in", 403: "forbidden", 404: "not found"}
    assert status < 500
    return known.get(status, "let in")


def bare(page: str) -> str:
    """Leave out what tells the second in which a form was made."""
    return re.sub(r'name="csrf_token" value="[^"]+"', "", page)


def test_every_page_is_classified() -> None:
    classes = [set(ABOUT), SIGNED_IN, set(NAMED_IN_A_FORM), FOR_EVERYBODY]
    classified = set().union(*classes)

    missing, gone = sorted(pages() - classified), sorted(classified - pages())

    assert not missing, f"Say in ABOUT, SIGNED_IN, NAMED_IN_A_FORM or FOR_EVERYBODY who may use: {missing}"
    assert not gone, f"There is no such page any more; take it out: {gone}"
    assert len(classified) == sum(map(len, classes)), "Something is classified twice."


@pytest.mark.parametrize("endpoint", ABOUT)
def test_out_of_scope_is_like_missing_and_forbidden_is_for_what_is_seen(
    things: Things, endpoint: str
) -> None:
    route, told = ABOUT[endpoint], Counter[str]()
    for reader in READERS:
        browser, not_found = things.browser(reader), set()
        for kind in ("own", "foreign", "missing", "malformed"):
            ids = {argument: things.make(kind, name) for argument, name in route.ids.items()}
            method, path = path_of(things.world.app, endpoint, ids)
            answer = ask(browser, path, method, FORM)
            found = standing(answer.status_code)
            said = f"{method} {path} ({kind}) by {reader}: {answer.status_code}"
            assert found == expected(route, reader, kind), said
            if found == "not found":
                not_found.add(bare(answer.text))
            if found == "asked to sign in":
                assert 'autocomplete="current-password"' in answer.text, said
            told[found] += 1
        assert len(not_found) <= 1, f"{endpoint}: {reader} can tell what is missing from what is not theirs"
    print(endpoint, dict(told))  # noqa: T201 # the size of the matrix


@pytest.mark.parametrize("endpoint", sorted(SIGNED_IN | set(NAMED_IN_A_FORM)))
def test_what_names_nothing_is_for_whoever_is_signed_in(things: Things, endpoint: str) -> None:
    for reader in READERS:
        method, path = path_of(things.world.app, endpoint, {})
        status = ask(things.browser(reader), path, method, {}).status_code
        if reader == SIGNED_OUT:
            assert status == 401
        else:
            assert status in {200, 302, 303, 304, 422} or (reader == Role.CUSTOMER and status == 404)


@pytest.mark.parametrize("endpoint", NAMED_IN_A_FORM)
@pytest.mark.parametrize("reader", [*Role, FOREIGN_OWNER])
def test_what_a_form_names_out_of_scope_is_like_what_is_missing(
    things: Things, endpoint: str, reader: str
) -> None:
    browser = things.browser(reader)
    foreign = "own" if reader == FOREIGN_OWNER else "foreign"
    slugs = {"own": "contoso", "foreign": "fabrikam", "missing": "nowhere"}
    method, path = path_of(things.world.app, endpoint, {})
    answers = {}
    for kind in (foreign, "missing"):
        run_id = things.make(kind, "run")
        form = {**NAMED_IN_A_FORM[endpoint], "run": run_id, "keep_in": slugs[kind]}
        answer = ask(browser, path, method, form)
        said = bare(answer.text)
        for given in (run_id, *slugs.values()):
            said = said.replace(given, "")
        answers[kind] = answer.status_code, said

    assert answers[foreign] == answers["missing"]
