"""What PostgreSQL itself knows of restore plans and of the folder that they are about."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from models.restore import PlannedChange
from services.database import Database
from tests.factories import make_environment, make_plan


def test_a_plans_changes_are_counted_by_what_is_done(database: Database) -> None:
    changes = [PlannedChange.CREATE, PlannedChange.UPDATE, PlannedChange.CREATE, PlannedChange.REFUSED]
    with database.transaction() as session:
        environment = make_environment(session)
        none = make_plan(session, environment)
        some = make_plan(session, environment, changes=[{"change": change} for change in changes])
        assert (none.counts, some.counts) == ({}, {"create": 2, "update": 1, "refused": 1})


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
