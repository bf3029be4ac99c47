"""What the audit keeps of requests beside the acts themselves: origin, refusals, sign-ins, downloads."""

from collections.abc import Callable
from uuid import UUID

import structlog
from flask import Flask, Response, g, request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from models.access import AuditAction
from models.errors import TooManyRequests
from services.access.audit import ORIGIN, Audit, Origin
from services.access.password_sign_in import record_failed_sign_in
from services.database.row_security import SIGNING_IN
from web.access import REFUSALS, Refusal, current_principal
from web.context import services

_log = structlog.get_logger()


def audit_requests(app: Flask) -> None:
    """Let what a request does be audited with its id and address, and audit what it was refused."""
    app.before_request(name_origin)
    app.after_request(record_refusals)
    app.teardown_request(_forget_origin)


def name_origin() -> None:
    """Name the request for every audit entry that its thread makes from here on."""
    ORIGIN.set(Origin(request_id=g.request_id, address=request.remote_addr))


def record_refusals(response: Response) -> Response:
    """Record what the request's principal was refused for lack of a capability, in transactions of their own.

    A caller's refusals are bounded (web/rate_limits.py), so that none fills the audit.
    """
    refusals: list[Refusal] = g.pop(REFUSALS, [])
    for refusal in refusals:
        _within_limit(lambda refusal=refusal: _record_refusal(refusal))  # type: ignore[misc] # bound by default
    return response


def record_download(session: Session, workspace_id: UUID, subject: str, subject_id: UUID) -> None:
    """Record that the request's principal takes a file of a workspace away."""
    audit = Audit(session=session, workspace_id=workspace_id, actor=current_principal().actor)
    audit.record(AuditAction.DOWNLOADED, subject, subject_id=subject_id)


def record_refused_sign_in(way: str) -> None:
    """Record a sign-in that failed before it was known whose it is; bounded like refusals."""

    def record() -> None:
        with services().database.transaction(SIGNING_IN) as session:
            record_failed_sign_in(session, None, way)

    _within_limit(record)


def _record_refusal(refusal: Refusal) -> None:
    with services().database.transaction() as session:
        audit = Audit(session=session, workspace_id=refusal.workspace_id, actor=current_principal().actor)
        audit.record(
            AuditAction.REFUSED,
            f"{request.method} {request.path}",
            subject_id=refusal.subject_id,
            detail=refusal.capability,
        )


def _within_limit(record: Callable[[], None]) -> None:
    principal = g.get("principal")
    caller = f"{principal.actor.kind} {principal.actor.name}" if principal else request.remote_addr or ""
    try:
        services().request_limits.refusals.take(caller)
        record()
    except TooManyRequests:
        return
    except SQLAlchemyError:
        # The answer is right without it, and must not change.
        _log.warning("refusal_not_audited", path=request.path, exc_info=True)


def _forget_origin(_: BaseException | None) -> None:
    ORIGIN.set(Origin())
