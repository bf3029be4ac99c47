from contextlib import suppress

import pytest
from sqlalchemy import text

from tests.world import World


def test_it_fails_where_it_is_reached_with_a_transaction_open(world: World) -> None:
    def reach() -> None:
        world.services.engine.describe("operation-run.v1.any")

    with world.database.transaction() as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(AssertionError, match=r"Temporal is reached \(describe\) with a transaction open"):
            reach()
    reach()
    with suppress(ZeroDivisionError), world.database.transaction() as session:
        session.execute(text("SELECT 1"))
        _ = 1 / 0
    reach()
