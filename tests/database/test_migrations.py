from sqlalchemy import inspect

from models.base import Base
from runtime.migrate import check, downgrade, upgrade
from services.database.session import Database


def tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names()) - {"alembic_version"}


def test_the_models_and_the_migrated_schema_are_the_same(database_url: str) -> None:
    check(database_url)


def test_down_and_up_again_works(database_url: str, database: Database) -> None:
    downgrade(database_url, "base")
    assert tables(database) == set()
    upgrade(database_url)
    assert tables(database) == set(Base.metadata.tables)
    check(database_url)


def test_upgrading_twice_changes_nothing(database_url: str, database: Database) -> None:
    upgrade(database_url)
    assert tables(database) == set(Base.metadata.tables)
