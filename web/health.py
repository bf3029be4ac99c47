from collections.abc import Collection
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Literal

from alembic.script import ScriptDirectory
from flask import Blueprint, Response, current_app, jsonify
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import DataError, ProgrammingError

import migrations
from services.database.row_security import SIGNING_IN
from web.api.openapi.spec import Content, EndpointSpec, Tag, documented
from web.context import services
from web.metrics.exposition import exposition
from web.problems import Problem, respond

health = Blueprint("health", __name__)


class ProbeAnswer(BaseModel):
    """How a process stands."""

    status: Literal["ok", "ready"]


_ALIVE = Content(model=ProbeAnswer, description="This process answers.")
_READY = Content(model=ProbeAnswer, description="This process can work.")
_METRICS = Content(media_types=("text/plain",), description="The figures, as text.")


def _probe(content: Content, *, refusals: Collection[HTTPStatus] = ()) -> EndpointSpec:
    return EndpointSpec(tag=Tag.SYSTEM, answers={HTTPStatus.OK: content}, refusals=refusals, open=True)


@health.get("/healthz")
@documented(_probe(_ALIVE))
def healthz() -> Response:
    """Say that this process answers."""
    return jsonify(status="ok")


@health.get("/readyz")
@documented(_probe(_READY, refusals=(HTTPStatus.SERVICE_UNAVAILABLE,)))
def readyz() -> Response:
    """Say whether this process can work: the database answers and is migrated as far as this version needs.

    A schema that this version does not know is a later one's, which only adds (docs/upgrading.md).
    """
    revision = _database_revision()
    if revision is not None and revision not in _earlier_revisions():
        return jsonify(status="ready")
    status = HTTPStatus.SERVICE_UNAVAILABLE
    detail = "The database is not at this version's schema. Run `operationrun migrate`."
    return respond(Problem(title=status.phrase, status=status, detail=detail, code="not_migrated"))


@health.get("/metrics")
@documented(_probe(_METRICS))
def show_metrics() -> Response:
    """Give the figures of this web server and of the ledger, for Prometheus; no workspace is told apart."""
    return exposition(current_app)


def _database_revision() -> str | None:
    try:
        with services().database.transaction(SIGNING_IN) as session:
            found: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
            return found
    except (ProgrammingError, DataError):
        # A database that was not migrated so far has no such table, opens it to nobody, or lacks the role.
        return None


@cache
def _earlier_revisions() -> frozenset[str]:
    """Return the revisions of the schema that came before this version's."""
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    return frozenset(script.revision for script in scripts.walk_revisions()) - set(scripts.get_heads())
