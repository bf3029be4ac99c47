from flask import Response

from web.api.answers import answer
from web.api.authentication import principal
from web.api.blueprint import api
from web.api.schemas import WorkspaceAnswer, list_answer
from web.queries.environments import list_workspaces
from web.services import services


@api.get("/workspaces")
def show_workspaces() -> Response:
    """List the workspaces the token has a role in."""
    with services().database.transaction() as session:
        found = list_workspaces(session, workspaces=frozenset(principal().roles))
    return answer(list_answer(WorkspaceAnswer, found))
