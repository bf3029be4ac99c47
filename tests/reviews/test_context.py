from datetime import datetime, timedelta

from models.base import utc_now
from models.lifecycle import Outcome, Status
from services.database.session import Database
from services.reviews.context import LONGEST_PERIOD, read_context
from tests.factories import make_environment, make_run

DAY = timedelta(days=1)


def test_a_review_counts_the_runs_since_the_one_before_of_thirty_days_at_most(
    database: Database,
) -> None:
    with database.transaction() as session:
        environment = make_environment(session)
        ended = make_run(session, environment, status=Status.COMPLETED, outcome=Outcome.FAILED)
        own = make_run(session, environment, status=Status.RUNNING)

        def counted(published_at: datetime | None, now: datetime) -> tuple[int, str]:
            told = read_context(session, environment, published_at=published_at, run_id=own.id, now=now)
            return told.operations["runs"], told.operations["since"]

        in_a_week, too_late = ended.created_at + 7 * DAY, ended.created_at + LONGEST_PERIOD + DAY
        old = ended.created_at - 200 * DAY
        assert counted(None, in_a_week) == counted(old, in_a_week)
        assert counted(old, in_a_week) == (1, (in_a_week - LONGEST_PERIOD).isoformat())
        assert counted(old, too_late) == (0, (too_late - LONGEST_PERIOD).isoformat())

        newer = utc_now() + DAY
        assert counted(newer, in_a_week) == (0, newer.isoformat())
