from dataclasses import replace
from pathlib import Path

import pytest

from models.access import Role
from models.environment import Environment
from services.access.tokens import create_token
from services.database.session import Database
from services.workspaces.environments import Environments
from services.workspaces.workspaces import Workspaces
from tests.fake_engine import FakeEngine, services_on
from tests.feature.api.api_world import Api, World, make_repository
from web.app import create_app
from web.rate_limits import Buckets, Limit, RequestLimits

# Only the tests of the limits reach one.
AMPLE = Limit(per_minute=600_000, burst=10_000)


@pytest.fixture
def world(database: Database, repositories: Path, tmp_path: Path) -> World:
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
    return World(
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
