from functools import cache
from http import HTTPStatus
from pathlib import Path

from alembic.script import ScriptDirectory
from flask import Blueprint, Response, jsonify
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

import migrations
from web.problems import Problem, respond
from web.services import services

health = Blueprint("health", __name__)


@health.get("/healthz")
def healthz() -> Response:
    """Say that this process answers."""
    return jsonify(status="ok")


@health.get("/readyz")
def readyz() -> Response:
    """Say whether this process can work: the database answers and is migrated to this version."""
    if _database_revision() == _own_revision():
        return jsonify(status="ready")
    status = HTTPStatus.SERVICE_UNAVAILABLE
    detail = "The database is not at this version's schema. Run `operationrun migrate`."
    return respond(Problem(title=status.phrase, status=status, detail=detail, code="not_migrated"))


def _database_revision() -> str | None:
    try:
        with services().database.transaction() as session:
            found: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
            return found
    except ProgrammingError:
        # An empty database has no such table.
        return None


@cache
def _own_revision() -> str | None:
    return ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head()
