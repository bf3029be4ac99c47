import pytest

from models.environment import Environment
from services.database.session import Database
from tests.factories import make_environment
from tests.reconcilers.listing_engine import ListingEngine


@pytest.fixture
def engine() -> ListingEngine:
    return ListingEngine()


@pytest.fixture
def environment(database: Database) -> Environment:
    with database.transaction() as session:
        return make_environment(session)
