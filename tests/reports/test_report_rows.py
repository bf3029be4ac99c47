import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import pytest
from uuid_utils.compat import uuid7

from models.environment import Environment
from models.errors import NotFound
from models.review import EnvironmentReview
from services.database.session import Database
from services.reports.document import open_review
from services.reports.packs.verification import verify_pack
from services.reports.packs.writing import write_pack
from services.reviews.lineage import Reviews
from tests.factories import make_environment
from tests.review_documents import insert_review, make_change, make_source

PEAK = """
import resource, sys
from pathlib import Path
from uuid import UUID
from services.database.session import Database
from services.reports.document import open_review
from services.reports.packs.writing import write_pack
with Database.connect(sys.argv[1]).transaction() as session, Path(sys.argv[3]).open("w+b") as out:
    write_pack(open_review(session, UUID(sys.argv[2])), out)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def insert(database: Database, changes: int) -> EnvironmentReview:
    with database.transaction() as session:
        environment = make_environment(session)
        return insert_review(session, environment, make_source(changes))


def packed(database: Database, review: EnvironmentReview, out: IO[bytes]) -> str:
    out.seek(0)
    with database.transaction() as session:
        write_pack(open_review(session, review.id), out)  # type: ignore[arg-type] # it is one in all but its type
    out.seek(0)
    return hashlib.sha256(out.read()).hexdigest()


def test_it_reads_every_change_in_order_over_many_pages(database: Database) -> None:
    review = insert(database, 401)
    with database.transaction() as session:
        found = [*open_review(session, review.id).changes()]
        assert found == [make_change(position) for position in range(401)]


def test_there_is_no_report_of_no_review(database: Database) -> None:
    with database.transaction() as session, pytest.raises(NotFound):
        open_review(session, uuid7())


def test_publishing_and_superseding_a_review_leave_its_pack_as_it_was(database: Database) -> None:
    review = insert(database, 3)
    with tempfile.TemporaryFile() as out:
        before = packed(database, review, out)
        with database.transaction() as session:
            Reviews(session).publish(review.id)
        assert packed(database, review, out) == before
        with database.transaction() as session:
            environment = session.get_one(Environment, review.environment_id)
            after = insert_review(session, environment, make_source(2), previous=review.id)
            Reviews(session).publish(after.id)
        assert packed(database, review, out) == before


def test_memory_does_not_follow_the_size_of_a_pack(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    peaks, sizes = [], []
    with database.transaction() as session:
        environment = make_environment(session)
        reviews = [insert_review(session, environment, make_source(changes)) for changes in (2_000, 20_000)]
    for review in reviews:
        path = tmp_path / f"{review.id}.zip"
        said = subprocess.run(
            [sys.executable, "-c", PEAK, database_url, str(review.id), str(path)],
            check=True,
            capture_output=True,
            text=True,
        )
        peaks.append(int(said.stdout))
        sizes.append(path.stat().st_size)
        assert verify_pack(path).is_intact
    assert sizes[1] > 4 * sizes[0]
    assert peaks[1] < 1.2 * peaks[0]
    assert peaks[1] - peaks[0] < (sizes[1] - sizes[0]) / 2
