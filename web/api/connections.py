from collections.abc import Mapping
from http import HTTPStatus

from flask import Response, url_for
from sqlalchemy.orm import Session

from models.access import Workspace
from models.catalog import Capability
from models.connection import Connection, ConnectionKind
from services.connections.checking import check_connection, record_check, urls_to_check
from services.connections.connections import Connections
from services.connections.queries import list_connections
from services.connections.response_models import (
    ConnectionAnswer,
    ConnectionCheckAnswer,
    ConnectionListAnswer,
    connection_answer,
)
from services.database.paging import page_of_all
from services.response_models import list_response
from web.access import authorized, current_principal
from web.api.authentication import api
from web.api.bodies import json_object, optional_json_object, parse
from web.api.openapi.spec import Content, EndpointSpec, Tag, created, documented, reads, removes
from web.api.parameters import EnvironmentQuery, read_query
from web.api.requests import ConnectionChange, ConnectionCheckRequest, GivenApi, NewConnection
from web.api.responses import json_response, no_content
from web.api.scope import require_somewhere, workspace_named
from web.context import fetching, services

MANAGE = Capability.WORKSPACE_MANAGE


@api.get("/connections")
@documented(reads(Tag.CONNECTIONS, ConnectionListAnswer, query=EnvironmentQuery))
def show_connections() -> Response:
    """List the connections of the workspaces that the token manages, or those of one."""
    query = read_query(EnvironmentQuery)
    with services().database.transaction() as session:
        managed = current_principal().workspaces_where(MANAGE)
        if query.workspace:
            managed &= {workspace_named(session, query.workspace)}
        found = [connection_answer(each) for each in list_connections(session, workspaces=managed)]
    page = page_of_all(found, query.after, query.limit)
    return json_response(list_response(ConnectionListAnswer, page.items, following=page.next))


@api.post("/connections")
@documented(
    EndpointSpec(
        tag=Tag.CONNECTIONS,
        body=NewConnection,
        acts=True,
        conflicts="The workspace has a connection of this name already.",
        answers={HTTPStatus.CREATED: created(ConnectionAnswer)},
    )
)
def create_connection() -> Response:
    """Create a connection with the workspace's own credentials; the secret is encrypted and never shown."""
    body = json_object()
    with services().database.transaction() as session:
        named = body.get("workspace")
        if isinstance(named, str):
            _workspace(session, named)
        else:
            require_somewhere(MANAGE)
        given = parse(NewConnection, body)
        workspace = _workspace(session, given.workspace)
        connection = _connections(session, workspace).create(
            name=given.name,
            kind=ConnectionKind(given.kind),
            url_prefix=given.url_prefix,
            username=given.username,
            secret=given.secret,
            known_hosts=given.known_hosts,
            **_api(given.api),
        )
        answer = connection_answer(connection)
    location = url_for("api.show_connections", workspace=workspace.slug)
    return json_response(answer, HTTPStatus.CREATED, location=location)


@api.patch("/connections/<connection_id>")
@documented(
    EndpointSpec(
        tag=Tag.CONNECTIONS,
        body=ConnectionChange,
        acts=True,
        conflicts="The name is taken, or whoever runs this installation made the connection.",
        answers={HTTPStatus.OK: Content(model=ConnectionAnswer, description="As it stands now.")},
    )
)
def change_connection(connection_id: str) -> Response:
    """Change a connection; its kind stays, and a secret is replaced."""
    with services().database.transaction() as session:
        connection = authorized(session, Connection, connection_id, MANAGE)
        given = parse(ConnectionChange, json_object())
        values = given.model_dump(include=given.model_fields_set - {"api"})
        if "api" in given.model_fields_set:
            values |= _api(given.api)
        workspace = session.get_one(Workspace, connection.workspace_id)
        answer = connection_answer(_connections(session, workspace).change(connection, values))
    return json_response(answer)


@api.delete("/connections/<connection_id>")
@documented(
    removes(
        Tag.CONNECTIONS,
        conflicts="An environment uses it, or whoever runs this installation made it.",
    )
)
def remove_connection(connection_id: str) -> Response:
    """Remove a connection that no environment uses, and its secret with it."""
    with services().database.transaction() as session:
        connection = authorized(session, Connection, connection_id, MANAGE)
        _connections(session, session.get_one(Workspace, connection.workspace_id)).remove(connection)
    return no_content()


@api.post("/connections/<connection_id>/check")
@documented(
    EndpointSpec(
        tag=Tag.CONNECTIONS,
        body=ConnectionCheckRequest,
        body_optional=True,
        acts=True,
        answers={HTTPStatus.OK: Content(model=ConnectionCheckAnswer, description="What the check found.")},
    )
)
def check(connection_id: str) -> Response:
    """Ask the connection's repositories whether they answer to its credentials."""
    with services().database.transaction() as session:
        connection = authorized(session, Connection, connection_id, MANAGE)
        given = parse(ConnectionCheckRequest, optional_json_object())
        urls = urls_to_check(session, connection, given.repository_url)
        record_check(session, connection, actor=current_principal().actor)
    with fetching(connection.workspace_id):
        checked = check_connection(services().mirrors, connection, urls)
    return json_response(ConnectionCheckAnswer.model_validate(checked))


def _connections(session: Session, workspace: Workspace) -> Connections:
    return Connections(
        session, workspace.id, actor=current_principal().actor, cipher=services().mirrors.cipher
    )


def _workspace(session: Session, named: str) -> Workspace:
    return authorized(session, Workspace, workspace_named(session, named), MANAGE)


def _api(given: GivenApi | None) -> Mapping[str, str | None]:
    return {"api_type": given.type if given else None, "api_url": given.url if given else None}
