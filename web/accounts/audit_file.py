"""The audit as a CSV file, over HTTP; the caller has judged access."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from flask import Response, request, stream_with_context

from models.access import AuditAction
from services.access.audit import Audit
from services.access.audit_list import AuditEntryAnswer, AuditFilter, list_audit
from services.reports.csv_files import audit_csv
from web.access import current_principal
from web.context import services

_AT_ONCE: Final = 1000
MEDIA_TYPE: Final = "text/csv"


def audit_file(wanted: AuditFilter, *, after: str | None = None) -> Response:
    """Return every entry of a filter behind a cursor, newest first, as CSV; the download is audited.

    It is read page by page while it is sent: no transaction waits for a slow reader.
    """
    first = _page(wanted, after)
    # Entries never change: the newest says which there are.
    tag = first[0][0].hash if first[0] else "none"
    if request.if_none_match.contains(tag):
        response = Response(status=HTTPStatus.NOT_MODIFIED)
    else:
        _audit_download(wanted)
        response = Response(stream_with_context(audit_csv(_entries(wanted, first))), mimetype=MEDIA_TYPE)
        response.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Accept, Authorization, Cookie"
    return response


def _entries(
    wanted: AuditFilter, page: tuple[list[AuditEntryAnswer], str | None]
) -> Iterator[AuditEntryAnswer]:
    items, following = page
    yield from items
    while following is not None:
        items, following = _page(wanted, following)
        yield from items


def _page(wanted: AuditFilter, after: str | None) -> tuple[list[AuditEntryAnswer], str | None]:
    with services().database.transaction() as session:
        page = list_audit(session, wanted, after=after, limit=_AT_ONCE)
        return [AuditEntryAnswer.model_validate(each) for each in page.items], page.next


def _audit_download(wanted: AuditFilter) -> None:
    with services().database.transaction() as session:
        for workspace_id in wanted.workspaces:
            audit = Audit(session=session, workspace_id=workspace_id, actor=current_principal().actor)
            audit.record(AuditAction.DOWNLOADED, "audit.csv", subject_id=workspace_id)
