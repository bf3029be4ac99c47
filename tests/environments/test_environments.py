"""What PostgreSQL itself knows of the folder that plans and reviews are about."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.database.session import Database
from tests.factories import make_environment


def test_an_environment_keeps_its_folder(database: Database) -> None:
    with database.transaction() as session:
        environment = make_environment(session, path_prefix="windows")
        session.execute(text("UPDATE environments SET path_prefix = 'windows', name = 'Other'"))
    with (
        database.transaction() as session,
        pytest.raises(IntegrityError, match="register another environment for another folder"),
    ):
        session.execute(text("UPDATE environments SET path_prefix = ''"))
    assert environment.path_prefix == "windows"
