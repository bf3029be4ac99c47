from flask import Response

from web.api.answers import answer
from web.api.authentication import principal
from web.api.blueprint import api
from web.api.parameters import ShortListQuery, read_query
from web.api.schemas import WorkspaceListAnswer, list_answer
from web.openapi.promise import Tag, promises, reads
from web.queries.environments import list_workspaces
from web.queries.keyset import page_of_all
from web.services import services


@api.get("/workspaces")
@promises(reads(Tag.SYSTEM, WorkspaceListAnswer, query=ShortListQuery))
def show_workspaces() -> Response:
    """List the workspaces the token has a role in."""
    query = read_query(ShortListQuery)
    with services().database.transaction() as session:
        found = list_workspaces(session, workspaces=frozenset(principal().roles))
    page = page_of_all(found, query.after, query.limit)
    return answer(list_answer(WorkspaceListAnswer, page.items, following=page.next))
