from http import HTTPStatus
from typing import Any

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from models.access import Workspace
from models.catalog import Capability
from services.environments import Environments
from web.api.answers import answer
from web.api.authentication import principal
from web.api.blueprint import api
from web.api.bodies import json_object, parse
from web.api.finding import find_environment, find_workspace, require_somewhere, workspaces_filtered
from web.api.schemas import EnvironmentAnswer, NewEnvironment, list_answer
from web.queries.environments import list_environments
from web.services import services


@api.get("/environments")
def show_environments() -> Response:
    """List the environments in scope, or those of one workspace."""
    with services().database.transaction() as session:
        seen = workspaces_filtered(session, principal(), request.args.get("workspace"))
        found = list_environments(session, workspaces=seen)
    return answer(list_answer(EnvironmentAnswer, found))


@api.post("/environments")
def create_environment() -> Response:
    """Register an environment."""
    body = json_object()
    with services().database.transaction() as session:
        workspace = _workspace_of(session, body)
        given = parse(NewEnvironment, body)
        assert workspace is not None  # noqa: S101 - a body without one does not parse
        environment = Environments(session, allowed_file_roots=services().allowed_file_roots).create(
            workspace_id=workspace.id, **given.model_dump(exclude={"workspace"})
        )
    location = url_for("api.show_environment", environment_id=environment.id)
    return answer(EnvironmentAnswer.model_validate(environment), HTTPStatus.CREATED, location=location)


@api.get("/environments/<environment_id>")
def show_environment(environment_id: str) -> Response:
    """Show one environment."""
    with services().database.transaction() as session:
        environment = find_environment(session, environment_id)
    return answer(EnvironmentAnswer.model_validate(environment))


def _workspace_of(session: Session, body: dict[str, Any]) -> Workspace | None:
    """Judge access by the workspace that an unjudged body names; None where it names none."""
    given = body.get("workspace")
    if isinstance(given, str):
        return find_workspace(session, given, Capability.ENVIRONMENTS_MANAGE)
    require_somewhere(Capability.ENVIRONMENTS_MANAGE)
    return None
