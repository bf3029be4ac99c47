from http import HTTPStatus

from flask import Response, request

from models.catalog import Capability
from services.access.audit_list import AuditFilter, AuditListAnswer, list_audit
from services.response_models import list_response
from web.access import current_principal
from web.accounts.audit_file import MEDIA_TYPE, audit_file
from web.api.authentication import api
from web.api.openapi.spec import JSON, Content, EndpointSpec, Tag, documented
from web.api.parameters import AuditQuery, read_query
from web.api.responses import json_response
from web.api.scope import require_somewhere, workspace_named
from web.context import services

_ENTRIES = Content(
    model=AuditListAnswer,
    media_types=(JSON, MEDIA_TYPE),
    description="A page of entries, newest first; as CSV, all of them behind `after`.",
)


@api.get("/audit")
@documented(
    EndpointSpec(
        tag=Tag.SYSTEM, query=AuditQuery, answers={HTTPStatus.OK: _ENTRIES}, acts=True, revalidated=True
    )
)
def show_audit() -> Response:
    """List who did what, newest first; for owners. With `Accept: text/csv` it is a file of every entry."""
    require_somewhere(Capability.WORKSPACE_MANAGE)
    query = read_query(AuditQuery)
    with services().database.transaction() as session:
        seen = current_principal().workspaces_where(Capability.WORKSPACE_MANAGE)
        if query.workspace:
            seen &= {workspace_named(session, query.workspace)}
        wanted = AuditFilter(workspaces=seen, actor=query.actor, act=query.act)
        if request.accept_mimetypes.best_match([JSON, MEDIA_TYPE], JSON) == JSON:
            page = list_audit(session, wanted, after=query.after, limit=query.limit)
            return json_response(list_response(AuditListAnswer, page.items, following=page.next))
    return audit_file(wanted, after=query.after)
