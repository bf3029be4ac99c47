from http import HTTPStatus

from flask import Response, url_for
from sqlalchemy.orm import Session

from models.access import Workspace
from models.catalog import Capability
from models.environment import Environment
from services.database.paging import page_of_all
from services.response_models import list_response
from services.workspaces.environments import Environments
from services.workspaces.queries import list_environments, list_workspaces
from services.workspaces.response_models import EnvironmentAnswer, EnvironmentListAnswer, WorkspaceListAnswer
from web.access import VIEW, authorized, current_principal
from web.api.authentication import api
from web.api.bodies import json_object, parse
from web.api.openapi.spec import Content, EndpointSpec, Tag, created, documented, reads
from web.api.parameters import EnvironmentQuery, ShortListQuery, read_query
from web.api.requests import EnvironmentChange, NewEnvironment
from web.api.responses import json_response
from web.api.scope import require_somewhere, workspace_named
from web.context import services


@api.get("/environments")
@documented(reads(Tag.ENVIRONMENTS, EnvironmentListAnswer, query=EnvironmentQuery))
def show_environments() -> Response:
    """List the environments in scope, or those of one workspace."""
    query = read_query(EnvironmentQuery)
    with services().database.transaction() as session:
        seen = current_principal().workspaces_where(VIEW)
        if query.workspace:
            seen &= {workspace_named(session, query.workspace)}
        found = list_environments(session, workspaces=seen)
    page = page_of_all(found, query.after, query.limit)
    return json_response(list_response(EnvironmentListAnswer, page.items, following=page.next))


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
        named = body.get("workspace")
        if isinstance(named, str):
            _workspace(session, named)
        else:
            require_somewhere(Capability.ENVIRONMENTS_MANAGE)
        given = parse(NewEnvironment, body)
        environment = Environments(
            session, allowed_file_roots=services().allowed_file_roots, actor=current_principal().actor
        ).create(
            workspace_id=_workspace(session, given.workspace).id, **given.model_dump(exclude={"workspace"})
        )
    location = url_for("api.show_environment", environment_id=environment.id)
    return json_response(EnvironmentAnswer.model_validate(environment), HTTPStatus.CREATED, location=location)


@api.get("/environments/<environment_id>")
@documented(reads(Tag.ENVIRONMENTS, EnvironmentAnswer))
def show_environment(environment_id: str) -> Response:
    """Show one environment."""
    with services().database.transaction() as session:
        environment = authorized(session, Environment, environment_id, VIEW)
    return json_response(EnvironmentAnswer.model_validate(environment))


@api.patch("/environments/<environment_id>")
@documented(
    EndpointSpec(
        tag=Tag.ENVIRONMENTS,
        body=EnvironmentChange,
        acts=True,
        answers={HTTPStatus.OK: Content(model=EnvironmentAnswer, description="As it stands now.")},
    )
)
def change_environment(environment_id: str) -> Response:
    """Give an environment another connection that covers its repository."""
    with services().database.transaction() as session:
        environment = authorized(session, Environment, environment_id, Capability.ENVIRONMENTS_MANAGE)
        given = parse(EnvironmentChange, json_object())
        Environments(
            session, allowed_file_roots=services().allowed_file_roots, actor=current_principal().actor
        ).connect(environment, given.connection_id)
    return json_response(EnvironmentAnswer.model_validate(environment))


def _workspace(session: Session, named: str) -> Workspace:
    return authorized(session, Workspace, workspace_named(session, named), Capability.ENVIRONMENTS_MANAGE)


@api.get("/workspaces")
@documented(reads(Tag.SYSTEM, WorkspaceListAnswer, query=ShortListQuery))
def show_workspaces() -> Response:
    """List the workspaces the token has a role in."""
    query = read_query(ShortListQuery)
    with services().database.transaction() as session:
        found = list_workspaces(session, workspaces=frozenset(current_principal().roles))
    page = page_of_all(found, query.after, query.limit)
    return json_response(list_response(WorkspaceListAnswer, page.items, following=page.next))
