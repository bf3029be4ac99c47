from http import HTTPStatus

from flask import Response, url_for
from sqlalchemy.orm import Session

from models.access import Workspace
from models.catalog import Capability
from services.database.paging import page_of_all
from services.workspaces.environments import Environments
from services.workspaces.queries import list_environments, list_workspaces
from web.access import find_environment, find_workspace, principal, require_somewhere, workspaces_filtered
from web.api.authentication import api
from web.api.bodies import JsonObject, json_object, parse
from web.api.openapi.spec import EndpointSpec, Tag, created, documented, reads
from web.api.parameters import EnvironmentQuery, ShortListQuery, read_query
from web.api.requests import NewEnvironment
from web.api.responses import answer
from web.api.schemas import EnvironmentAnswer, EnvironmentListAnswer, WorkspaceListAnswer, list_answer
from web.context import services


@api.get("/environments")
@documented(reads(Tag.ENVIRONMENTS, EnvironmentListAnswer, query=EnvironmentQuery))
def show_environments() -> Response:
    """List the environments in scope, or those of one workspace."""
    query = read_query(EnvironmentQuery)
    with services().database.transaction() as session:
        seen = workspaces_filtered(session, principal(), query.workspace)
        found = list_environments(session, workspaces=seen)
    page = page_of_all(found, query.after, query.limit)
    return answer(list_answer(EnvironmentListAnswer, page.items, following=page.next))


@api.post("/environments")
@documented(
    EndpointSpec(
        tag=Tag.ENVIRONMENTS,
        body=NewEnvironment,
        acts=True,
        conflicts="The workspace has an environment of this slug already.",
        answers={HTTPStatus.CREATED: created(EnvironmentAnswer)},
    )
)
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
@documented(reads(Tag.ENVIRONMENTS, EnvironmentAnswer))
def show_environment(environment_id: str) -> Response:
    """Show one environment."""
    with services().database.transaction() as session:
        environment = find_environment(session, environment_id)
    return answer(EnvironmentAnswer.model_validate(environment))


def _workspace_of(session: Session, body: JsonObject) -> Workspace | None:
    """Judge access by the workspace that an unjudged body names; None where it names none."""
    given = body.get("workspace")
    if isinstance(given, str):
        return find_workspace(session, given, Capability.ENVIRONMENTS_MANAGE)
    require_somewhere(Capability.ENVIRONMENTS_MANAGE)
    return None


@api.get("/workspaces")
@documented(reads(Tag.SYSTEM, WorkspaceListAnswer, query=ShortListQuery))
def show_workspaces() -> Response:
    """List the workspaces the token has a role in."""
    query = read_query(ShortListQuery)
    with services().database.transaction() as session:
        found = list_workspaces(session, workspaces=frozenset(principal().roles))
    page = page_of_all(found, query.after, query.limit)
    return answer(list_answer(WorkspaceListAnswer, page.items, following=page.next))
