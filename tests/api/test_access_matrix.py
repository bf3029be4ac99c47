"""Every route of the API, by every role, for every kind of id: who sees, who does, who hears of nothing."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7
from werkzeug.test import TestResponse

from models.access import Role
from models.base import utc_now
from models.review import EnvironmentReview
from tests.api.document_check import document
from tests.clients import Api
from tests.review_documents import make_sections
from tests.world import ABSENT, COMPOSE, World

NOBODY, FOREIGN_OWNER = "nobody", "foreign owner"
ROLES = (*[role.value for role in Role], NOBODY, FOREIGN_OWNER)
MALFORMED = "not-an-id"

# Who sees a thing at all, and who may do what the route does to it (section 8 of the design).
TEAM = {Role.OWNER, Role.OPERATOR, Role.REVIEWER, Role.READER}
ACT = {Role.OWNER, Role.OPERATOR}
MAY_ACT = {
    "create_restore_point": ACT,
    "create_restore_plan": ACT,
    "create_operation": ACT,
    "cancel_operation": ACT,
    "reconcile_operation": ACT,
    "publish_review": {Role.OWNER, Role.REVIEWER},
    "create_environment": {Role.OWNER},
    "change_environment": {Role.OWNER},
    "create_connection": {Role.OWNER},
    "change_connection": {Role.OWNER},
    "remove_connection": {Role.OWNER},
    "check": {Role.OWNER},
}
# Lists that are for owners: an empty one would say that nothing is there.
FOR_OWNERS = {"show_audit"}
# They name their workspace in the body.
IN_THE_BODY = {"create_environment", "create_connection"}
CHOICES = {"profile": "audit", "form": "json"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One request of the matrix; `kind` says whose the id in it is."""

    operation: str
    method: str
    path: str
    kind: str
    body: Any
    seen_by: frozenset[Role]


class Matrix:
    """A world in which each kind of thing exists in both workspaces, and the requests to be made there."""

    def __init__(self, api_world: World) -> None:
        self.world = api_world
        self.own = self._things(api_world, api_world.api)
        self.foreign = self._things(api_world, api_world.foreign_api)

    def cases(self) -> Iterator[Case]:
        for path, operations in document(self.world.api.app)["paths"].items():
            for method, operation in operations.items():
                if operation.get("security") != []:
                    yield from self._of(operation["operationId"], method.upper(), path)

    def ask(self, case: Case, role: str) -> TestResponse:
        api = self.world.foreign_api if role == FOREIGN_OWNER else self.world.api
        headers = {} if role == NOBODY else api.bearer(Role.OWNER if role == FOREIGN_OWNER else Role(role))
        given = {"json": case.body} if case.method in {"POST", "PATCH"} else {}
        return api.ask(case.method, case.path, headers=headers, **given)

    def _of(self, operation: str, method: str, path: str) -> Iterator[Case]:
        for kind, ids in self._kinds(operation, path):
            thing = next((name for name in ids if f"{{{name}}}" in path), None)
            body = self._body(operation, ids)
            sees = frozenset(Role) if thing == "review_id" and kind == "own" else frozenset(TEAM)
            yield Case(
                operation=operation,
                method=method,
                path=path.format_map(ids | CHOICES),
                kind=kind,
                body=body,
                seen_by=sees,
            )

    def _kinds(self, operation: str, path: str) -> Iterator[tuple[str, dict[str, str]]]:
        if "_id}" not in path and operation not in {"create_operation", *IN_THE_BODY}:
            yield "none", self.own
            return
        yield "own", self.own
        if "{review_id}" in path:
            yield "own draft", self.own | {"review_id": self.own["draft_id"]}
        yield "foreign", self.foreign
        yield "missing", dict.fromkeys(self.own, ABSENT)
        yield "malformed", dict.fromkeys(self.own, MALFORMED)

    def _body(self, operation: str, ids: dict[str, str]) -> dict[str, Any]:
        """Make a body that is wrong but for the thing it names: who gets as far as that may act."""
        match operation:
            case "create_operation":
                return {"type": COMPOSE, "environment_id": ids["environment_id"], "nonsense": 1}
            case "create_environment" | "create_connection":
                return {"workspace": ids["workspace"], "nonsense": 1}
        return {"nonsense": 1}

    def _things(self, api_world: World, api: Api) -> dict[str, str]:
        workspace_id, environment_id = api.environment.workspace_id, api.environment.id
        plan_id = api.make_plan()
        runs = [api.start_compose(ref).get_json()["id"] for ref in ("published", "draft")]
        published, draft = (self._review(api_world, workspace_id, environment_id, UUID(run)) for run in runs)
        api.post(f"/api/v1/reviews/{published}/publish", {})
        return {
            "workspace": str(workspace_id),
            "environment_id": str(environment_id),
            "connection_id": str(api.environment.connection_id),
            "plan_id": plan_id,
            "run_id": runs[0],
            "review_id": published,
            "draft_id": draft,
        }

    def _review(self, api_world: World, workspace_id: UUID, environment_id: UUID, run_id: UUID) -> str:
        review_id = uuid7()
        with api_world.services.database.transaction() as session:
            session.add(
                EnvironmentReview(
                    id=review_id,
                    workspace_id=workspace_id,
                    environment_id=environment_id,
                    run_id=run_id,
                    status="draft",
                    fingerprint=str(run_id),
                    commit="c" * 40,
                    tree="d" * 40,
                    composer_version="1",
                    summary={"items": 2, "added": 1, "removed": 0, "renamed": 1, "changed": 0, "unparsed": 0},
                    sections=make_sections(),
                    findings=[],
                    composed_at=utc_now(),
                )
            )
        return str(review_id)


@pytest.fixture
def matrix(api_world: World) -> Matrix:
    return Matrix(api_world)


def test_out_of_scope_is_like_missing_and_forbidden_is_for_what_is_seen(matrix: Matrix) -> None:
    missing = matrix.world.api.get(f"/api/v1/operations/{ABSENT}").data
    told: Counter[str] = Counter()
    for case in matrix.cases():
        for role in ROLES:
            response = matrix.ask(case, role)
            expected = _expected(case, role)
            said = f"{case.method} {case.path} ({case.kind}) by {role}: {response.data[:200]!r}"
            assert _standing(response) == expected, f"expected {expected}; {said}"
            if expected == "not found":
                assert response.data == missing, said
            told[expected] += 1
    assert told["not found"] > 100
    assert min(told[each] for each in ("unauthenticated", "forbidden", "let in")) > 10
    print(json.dumps({"requests": sum(told.values()), **told}))  # noqa: T201 # the size of the matrix


def _expected(case: Case, role: str) -> str:
    if role == NOBODY:
        return "unauthenticated"
    if case.kind == "none":
        if case.operation not in FOR_OWNERS or role in {Role.OWNER, FOREIGN_OWNER}:
            return "let in"
        return "not found" if role == Role.CUSTOMER else "forbidden"
    if case.kind in {"missing", "malformed"}:
        return "not found"
    own_kinds = {"foreign"} if role == FOREIGN_OWNER else {"own", "own draft"}
    if case.kind not in own_kinds:
        return "not found"
    role = Role.OWNER if role == FOREIGN_OWNER else Role(role)
    if role not in case.seen_by:
        return "not found"
    may = MAY_ACT.get(case.operation, case.seen_by)
    return "let in" if role in may else "forbidden"


def _standing(response: TestResponse) -> str:
    match response.status_code:
        case 401:
            return "unauthenticated"
        case 403:
            return "forbidden"
        case 404:
            return "not found"
        # 409: a connection of an environment is removed by nobody.
        case 200 | 409 | 422:
            return "let in"
    return f"status {response.status_code}"
