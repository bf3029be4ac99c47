"""Reports and packs of a review, as files over HTTP; the caller has judged access.

A file is rendered once, by a child of this server, and sent from where it is kept. No transaction is open
while a request waits for it or sends it.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Final, Literal

from flask import Response, make_response, render_template, request

from models.contracts import Contract
from models.errors import NotFound, ReportFailed, ReportTooLarge
from models.rendered_file import RenderedFile
from models.review import EnvironmentReview
from services.database.row_security import within
from services.polling import poll
from services.reports.formats import Format
from services.reports.html import content_security_policy
from services.reports.kept.file_names import FileName
from services.reports.kept.kept_files import WantedFile, find, read_piece
from services.reports.kept.renderer import Renderer
from services.reviews.readiness import Profile
from web.auditing import record_download
from web.context import Services, services
from web.ui.links import ReviewLinks

PATIENCE: Final = timedelta(seconds=20)
ASK_AGAIN: Final = timedelta(seconds=3)

_MEDIA_TYPES: Final = {
    Format.HTML: "text/html; charset=utf-8",
    Format.PDF: "application/pdf",
    Format.JSON: "application/json",
    None: "application/zip",
}


class PendingFile(Contract):
    """A report or pack that is being rendered; the same request answers with it once it is there."""

    ready: bool = False
    retry_after: int


def report_response(review: EnvironmentReview, profile: str, form: str) -> Response:
    """Return a report, or where it is not rendered in time a 202; raise NotFound for one that is unknown."""
    if profile not in [*Profile] or form not in [*Format]:
        raise NotFound
    return _deliver(review, FileName(profile=Profile(profile), form=Format(form)))


def pack_response(review: EnvironmentReview, profile: Profile | None) -> Response:
    """Return the review pack, as `report_response` does; `profile` None: with every profile's reports."""
    return _deliver(review, FileName(profile=profile, form=None))


def file_name(review: EnvironmentReview, name: FileName) -> str:
    """Return the name of a download: letters, digits, dots and hyphens only."""
    environment = review.sections.get("environment") or {}
    slug = re.sub(r"[^a-z0-9-]", "", str(environment.get("slug") or "environment"))[:64]
    return f"{slug}-review-{review.composed_at:%Y-%m-%d}-{str(review.id)[-8:]}-{name}"


def _deliver(review: EnvironmentReview, name: FileName) -> Response:
    wanted = WantedFile(review_id=review.id, workspace_id=review.workspace_id, name=name)
    kept = _await(services(), wanted)
    if kept is None:
        return _pending(review, name)
    response = _send(kept)
    # Access may end: browsers keep a copy and revalidate it each time.
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Type"] = _MEDIA_TYPES[name.form]
    disposition = "inline" if name.form else "attachment"
    response.headers["Content-Disposition"] = f'{disposition}; filename="{file_name(review, name)}"'
    if name.form is Format.HTML:
        response.headers["Content-Security-Policy"] = content_security_policy()
    _audit(review, response, f"report {name}" if name.form else str(name))
    return response


def _audit(review: EnvironmentReview, response: Response, what: str) -> None:
    # Who has the bytes already, or asks for the headers alone, takes nothing away.
    if response.status_code == HTTPStatus.OK and request.method != "HEAD":
        with services().database.transaction() as session:
            record_download(session, review.workspace_id, what, review.id)


def _await(acting: Services, wanted: WantedFile) -> RenderedFile | None:
    """Return the file once it is kept; None where that takes too long, or too many requests wait already.

    Raises ReportTooLarge or ReportFailed where it cannot be rendered.
    """
    found = _look(acting, wanted)
    if found is not None:
        return found
    with _slots(acting) as is_free:
        return poll(lambda: _look(acting, wanted), PATIENCE, stopping=acting.stopping) if is_free else None


@contextmanager
def _slots(acting: Services) -> Iterator[bool]:
    """Hold what bounds how many threads wait; yield False where too many do."""
    with ExitStack() as held:
        for slots in (acting.report_slots, acting.wait_slots):
            if not slots.acquire(blocking=False):
                yield False
                return
            held.callback(slots.release)
        yield True


def _look(acting: Services, wanted: WantedFile) -> RenderedFile | None:
    """Return the file where it is kept; else None, and it is queued: a claim of a killed process may end."""
    with acting.database.transaction() as session:
        found = find(session, wanted)
    if found is not None and found.problem:
        raise ReportTooLarge if found.problem == ReportTooLarge.code else ReportFailed
    if found is not None and found.sha256:
        return found
    renderer = Renderer(database=acting.database, signer=acting.pack_signer)
    acting.render_queue.submit(wanted.workspace_id, wanted, lambda: renderer.render(wanted))
    return None


def _pending(review: EnvironmentReview, name: FileName) -> Response:
    seconds = int(ASK_AGAIN.total_seconds())
    if request.blueprint == "api":
        response = make_response(PendingFile(retry_after=seconds).model_dump_json(), HTTPStatus.ACCEPTED)
        response.mimetype = "application/json"
    else:
        links = ReviewLinks(site=_site(), review_id=review.id)
        page = render_template("reviews/rendering.html", name=name, links=links, seconds=seconds)
        response = make_response(page, HTTPStatus.ACCEPTED)
    response.headers["Retry-After"] = str(seconds)
    response.headers["Cache-Control"] = "no-store"
    return response


def _site() -> Literal["reviews", "published"]:
    return "published" if request.blueprint == "published" else "reviews"


def _send(kept: RenderedFile) -> Response:
    tag = str(kept.sha256)
    if request.if_none_match.contains(tag):
        response = Response(status=HTTPStatus.NOT_MODIFIED)
    elif request.method == "HEAD":
        response = Response()
    else:
        response = Response(_pieces(services(), kept))
        response.content_length = kept.size or 0
    response.set_etag(tag)
    return response


def _pieces(acting: Services, kept: RenderedFile) -> Iterator[bytes]:
    """Yield a kept file, each piece by a transaction of its own: none waits for a slow reader."""
    # The request's context is gone by then, and with it the principal.
    scope = within(frozenset({kept.workspace_id}))
    position = 0
    while True:
        with acting.database.transaction(scope) as session:
            piece = read_piece(session, kept.id, position)
        if piece is None:
            return
        yield piece
        position += 1
