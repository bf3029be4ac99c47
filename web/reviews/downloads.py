"""Reports and packs of a review, as files over HTTP; the caller has judged access."""

import re
import tempfile
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import BinaryIO, Final

from flask import Response, request
from sqlalchemy.orm import Session

from models.errors import NotFound
from models.review import EnvironmentReview
from services.reports.document import ReviewDocument, ReviewSource, open_review
from services.reports.html import content_security_policy
from services.reports.packs.archive import pieces_of
from services.reports.packs.writing import write_pack
from services.reports.rendering import Format, entity_tag, report_of, write_report
from services.reviews.readiness import Profile
from web.auditing import record_download

_MEDIA_TYPES: Final = {
    Format.HTML: "text/html; charset=utf-8",
    Format.PDF: "application/pdf",
    Format.JSON: "application/json",
}
# Larger files are on disk until they are sent, in bytes.
_IN_MEMORY: Final = 4 * 1024 * 1024

Write = Callable[[ReviewSource, BinaryIO], None]


def report_response(session: Session, review: EnvironmentReview, profile: str, form: str) -> Response:
    """Return a report; raise NotFound for an unknown profile or format.

    The file is complete before the first byte is sent: no download is cut short, and no database connection
    waits for a slow reader.
    """
    if profile not in [*Profile] or form not in [*Format]:
        raise NotFound
    wanted, written = Profile(profile), Format(form)

    def write(source: ReviewSource, out: BinaryIO) -> None:
        out.writelines(write_report(report_of(source, wanted), source.changes(), written))

    response = _respond(open_review(session, review.id), write, profile, form)
    response.headers["Content-Type"] = _MEDIA_TYPES[written]
    if written is Format.HTML:
        response.headers["Content-Security-Policy"] = content_security_policy()
    _audit(session, review, response, f"report {profile}.{form}")
    return response


def pack_response(session: Session, review: EnvironmentReview, profile: Profile | None) -> Response:
    """Return the review pack; `profile` None: with the reports of every profile."""
    profiles = (profile,) if profile else tuple(Profile)

    def write(source: ReviewSource, out: BinaryIO) -> None:
        write_pack(source, out, profiles=profiles)

    name = f"{profile}-pack" if profile else "pack"
    response = _respond(open_review(session, review.id), write, name, "zip", disposition="attachment")
    response.headers["Content-Type"] = "application/zip"
    _audit(session, review, response, f"{name}.zip")
    return response


def _audit(session: Session, review: EnvironmentReview, response: Response, what: str) -> None:
    # Who has the bytes already, or asks for the headers alone, takes nothing away.
    if response.status_code == HTTPStatus.OK and request.method != "HEAD":
        record_download(session, review.workspace_id, what, review.id)


def file_name(document: ReviewDocument, what: str, ending: str) -> str:
    """Return the name of a download: letters, digits, dots and hyphens only."""
    slug = re.sub(r"[^a-z0-9-]", "", str(document.section("environment").get("slug") or "environment"))[:64]
    short = str(document.review_id)[-8:]
    return f"{slug}-review-{document.composed_at:%Y-%m-%d}-{short}-{what}.{ending}"


def _respond(
    source: ReviewSource, write: Write, what: str, ending: str, *, disposition: str = "inline"
) -> Response:
    tag = entity_tag(source.document, what, ending)
    if request.if_none_match.contains(tag):
        response = Response(status=HTTPStatus.NOT_MODIFIED)
    elif request.method == "HEAD":
        response = Response()
    else:
        response = _send(*_spool(source, write))
    response.set_etag(tag)
    # Access may end: browsers keep a copy and revalidate it each time.
    response.headers["Cache-Control"] = "private, no-cache"
    name = file_name(source.document, what, ending)
    response.headers["Content-Disposition"] = f'{disposition}; filename="{name}"'
    return response


def _send(file: BinaryIO, size: int) -> Response:
    def pieces() -> Iterator[bytes]:
        with file:
            yield from pieces_of(file)

    response = Response(pieces())
    # A client that leaves before the first piece never starts the generator.
    response.call_on_close(file.close)
    response.content_length = size
    return response


def _spool(source: ReviewSource, write: Write) -> tuple[BinaryIO, int]:
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 # closed once it is sent
    try:
        write(source, file)  # type: ignore[arg-type] # it is one in all but its type
    except BaseException:
        file.close()
        raise
    size = file.tell()
    file.seek(0)
    return file, size  # type: ignore[return-value] # it is one in all but its type
