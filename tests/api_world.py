import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from werkzeug.test import TestResponse

from models.access import Role
from models.environment import Environment
from services.access.tokens import create_token
from services.database.session import Database
from services.workspaces.environments import Environments
from services.workspaces.workspaces import Workspaces
from tests.api.promised import assert_promised
from tests.fake_engine import FakeEngine, services_on
from web.app import create_app
from web.context import Services
from web.rate_limits import Buckets, Limit, RequestLimits

ABSENT = "01890000-0000-7000-8000-000000000000"
COMPOSE = "environment.review.compose"
RESTORE = "restore.execute"


class Api:
    """A program that talks to the API of one workspace, as any role there."""

    def __init__(self, app: Flask, tokens: Mapping[Role, str]) -> None:
        self.app = app
        self.tokens = tokens

    def get(self, path: str, *, role: Role = Role.OWNER) -> TestResponse:
        return self.ask("GET", path, headers=self.bearer(role))

    def ask(self, method: str, path: str, **given: Any) -> TestResponse:
        """Ask in any way; the answer is held to the API's document."""
        return assert_promised(self.app, self.app.test_client().open(path, method=method, **given))

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        role: Role = Role.OWNER,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        return self.ask("POST", path, json=body, headers={**self.bearer(role), **(headers or {})})

    def post_bytes(self, path: str, content: bytes, content_type: str = "application/json") -> TestResponse:
        return self.ask("POST", path, data=content, content_type=content_type, headers=self.bearer())

    def bearer(self, role: Role = Role.OWNER) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"}


@dataclass(frozen=True, kw_only=True)
class ApiWorld:
    """Two workspaces with an environment each on one repository: a tag `before`, and `main` one commit on."""

    api: Api
    foreign_api: Api
    services: Services
    starter: FakeEngine
    repository: Path
    workspace_id: UUID
    foreign_workspace_id: UUID
    environment_id: UUID
    foreign_environment_id: UUID

    @property
    def environment_path(self) -> str:
        return f"/api/v1/environments/{self.environment_id}"

    def start_compose(self, ref: str | None = None, **given: Any) -> TestResponse:
        body = {"type": COMPOSE, "environment_id": str(self.environment_id), "input": {"ref": ref}}
        return self.api.post("/api/v1/operations", body, **given)

    def make_plan(self, label: str = "before") -> str:
        point = self.api.post(f"{self.environment_path}/restore-points", {"label": label, "ref": "before"})
        plan = self.api.post(
            f"{self.environment_path}/restore-plans",
            {"restore_point_id": point.get_json()["id"], "mode": "exact"},
        )
        return str(plan.get_json()["id"])

    def start_restore(self, plan_id: str, environment_id: UUID | None = None) -> TestResponse:
        body = {
            "type": RESTORE,
            "environment_id": str(environment_id or self.environment_id),
            "input": {"restore_plan_id": plan_id},
        }
        return self.api.post("/api/v1/operations", body)


def fields_of(response: TestResponse) -> list[str]:
    """Return the fields that a problem names."""
    assert response.mimetype == "application/problem+json"
    return [error["field"] for error in response.get_json().get("errors", [])]


def make_repository(path: Path) -> Path:
    """Make a repository whose tag `before` differs from `main` in every way a file can."""
    git(path.parent, "init", "--quiet", "--initial-branch=main", str(path))
    (path / "policy.json").write_text('{"minimum": 8}')
    (path / "kept.json").write_text("{}")
    (path / "lost.json").write_text('{"lost": true}')
    _commit(path, "Before")
    git(path, "tag", "before")
    (path / "policy.json").write_text('{"minimum": 12}')
    (path / "lost.json").unlink()
    (path / "added.json").write_text("[]")
    _commit(path, "After")
    return path


def git(directory: Path, *arguments: str) -> str:
    """Run git in a directory and return what it says."""
    identity = ("-c", "user.name=Tests", "-c", "user.email=tests@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=directory, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def _commit(path: Path, message: str) -> None:
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--message", message)


# Only the tests of the limits reach one.
AMPLE = Limit(per_minute=600_000, burst=10_000)


def make_api_world(database: Database, repositories: Path, tmp_path: Path) -> ApiWorld:
    engine = FakeEngine()
    services = replace(
        services_on(
            engine, database, folder=tmp_path, roots=[repositories], public_url="http://runs.example"
        ),
        request_limits=RequestLimits(tokens=Buckets(AMPLE), addresses=Buckets(AMPLE)),
    )
    app = create_app(services, secret_key="a key for tests")
    repository = make_repository(repositories / "configuration")
    own, tokens = _workspace(database, "own", repository)
    foreign, foreign_tokens = _workspace(database, "foreign", repository)
    return ApiWorld(
        api=Api(app, tokens),
        foreign_api=Api(app, foreign_tokens),
        services=services,
        starter=engine,
        repository=repository,
        workspace_id=own.workspace_id,
        foreign_workspace_id=foreign.workspace_id,
        environment_id=own.id,
        foreign_environment_id=foreign.id,
    )


def _workspace(database: Database, slug: str, repository: Path) -> tuple[Environment, dict[Role, str]]:
    with database.transaction() as session:
        workspace = Workspaces(session).create(slug=slug)
        tokens = {
            role: create_token(session, workspace_id=workspace.id, role=role, name=f"{slug} {role}")
            for role in Role
        }
        environment = Environments(session, allowed_file_roots=[repository.parent]).create(
            workspace_id=workspace.id,
            slug="production",
            name="Production",
            repository_url=str(repository),
            branch="main",
        )
    return environment, tokens
