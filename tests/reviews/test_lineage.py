"""What PostgreSQL holds a lineage of reviews to, whoever writes."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.environment import Environment
from models.errors import Conflict, ReviewBaseMoved
from models.lifecycle import Outcome, Status
from models.review import EnvironmentReview, ReviewStatus
from services.access.audit import newest_entries
from services.database.session import Database
from services.reviews.lineage import Reviews
from tests.factories import ADA, NOW, make_environment, make_run, make_workspace
from web.accounts.audit_wording import sentence_of


def make_review(session: Session, environment: Environment, *, previous: UUID | None = None) -> UUID:
    run = make_run(session, environment, status=Status.COMPLETED, outcome=Outcome.SUCCEEDED)
    review = EnvironmentReview(
        id=uuid7(),
        workspace_id=environment.workspace_id,
        environment_id=environment.id,
        run_id=run.id,
        status=ReviewStatus.DRAFT,
        fingerprint=str(uuid7()),
        commit="1" * 40,
        tree="2" * 40,
        previous_review_id=previous,
        composer_version="1",
        summary={},
        sections={},
        findings=[],
        composed_at=NOW,
    )
    session.add(review)
    session.flush()
    return review.id


def refused_by(database: Database, review_id: UUID, assignments: str, **values: Any) -> str | None:
    with database.transaction() as session:
        try:
            session.execute(
                text(f"UPDATE environment_reviews SET {assignments} WHERE id = :id"),
                {"id": review_id, **values},
            )
        except DBAPIError as error:
            session.rollback()
            name: str = error.orig.diag.constraint_name  # type: ignore[union-attr]
            return name
        session.rollback()
    return None


SUPERSEDE = "status = 'superseded', superseded_at = now(), superseded_by_id = :by"


@pytest.fixture
def chain(database: Database) -> list[UUID]:
    """Three reviews, each published and superseding the one before; the last is live."""
    with database.transaction() as session:
        environment = make_environment(session)
        reviews: list[UUID] = []
        for _ in range(3):
            review_id = make_review(session, environment, previous=reviews[-1] if reviews else None)
            reviews.append(Reviews(session).publish(review_id).id)
    return reviews


def test_publishing_supersedes_the_one_before(database: Database, chain: list[UUID]) -> None:
    with database.transaction() as session:
        rows = [session.get_one(EnvironmentReview, review_id) for review_id in chain]
    assert [row.status for row in rows] == ["superseded", "superseded", "published"]
    assert [row.superseded_by_id for row in rows] == [chain[1], chain[2], None]


def test_a_chain_does_not_loop(database: Database, chain: list[UUID]) -> None:
    assert refused_by(database, chain[2], SUPERSEDE, by=chain[0]) == "environment_review_lineage"
    assert refused_by(database, chain[2], SUPERSEDE, by=chain[2]) == "environment_review_lineage"


def test_a_chain_does_not_fork(database: Database, chain: list[UUID]) -> None:
    with database.transaction() as session:
        environment_id = session.get_one(EnvironmentReview, chain[0]).environment_id
        draft = make_review(session, session.get_one(Environment, environment_id), previous=chain[2])
    assert refused_by(database, chain[1], "superseded_by_id = :by", by=draft) == "environment_review_lineage"
    with database.transaction() as session:
        Reviews(session).publish(draft)
    assert refused_by(database, chain[0], "superseded_by_id = :by", by=draft) is not None


def test_a_chain_stays_in_its_environment(database: Database, chain: list[UUID]) -> None:
    with database.transaction() as session:
        foreign = make_review(session, make_environment(session, make_workspace(session, "other")))
    assert refused_by(database, chain[2], SUPERSEDE, by=foreign) == "environment_review_lineage"


@pytest.mark.parametrize(
    "assignment", ["summary = '{\"items\": 1}'", "fingerprint = 'x'", "findings = '[{}]'"]
)
def test_a_review_is_immutable(database: Database, chain: list[UUID], assignment: str) -> None:
    assert refused_by(database, chain[2], assignment) == "environment_review_immutable"


def test_a_review_does_not_come_back(database: Database, chain: list[UUID]) -> None:
    back = "status = 'draft', superseded_at = NULL, superseded_by_id = NULL"
    assert refused_by(database, chain[0], back) == "environment_review_move"


def test_a_draft_can_be_archived_and_nothing_else_can(database: Database, chain: list[UUID]) -> None:
    with database.transaction() as session:
        environment_id = session.get_one(EnvironmentReview, chain[0]).environment_id
        draft = make_review(session, session.get_one(Environment, environment_id))
        assert Reviews(session).archive(draft).status == ReviewStatus.ARCHIVED
        assert Reviews(session).archive(draft).status == ReviewStatus.ARCHIVED
    for review_id in (draft, chain[0]):
        with pytest.raises(Conflict), database.transaction() as session:
            Reviews(session).publish(review_id)
    with pytest.raises(Conflict), database.transaction() as session:
        Reviews(session).archive(chain[2])


def test_a_draft_whose_base_has_moved_is_not_published(database: Database, chain: list[UUID]) -> None:
    with database.transaction() as session:
        environment_id = session.get_one(EnvironmentReview, chain[0]).environment_id
        draft = make_review(session, session.get_one(Environment, environment_id), previous=chain[1])
    with pytest.raises(ReviewBaseMoved), database.transaction() as session:
        Reviews(session).publish(draft)


def test_publishing_and_archiving_leave_who_did_it(database: Database) -> None:
    with database.transaction() as session:
        environment = make_environment(session)
        published, archived = (make_review(session, environment) for _ in range(2))
        reviews = Reviews(session, actor=ADA)
        for _ in range(2):
            reviews.publish(published)
            reviews.archive(archived)
    with database.transaction() as session:
        newest = newest_entries(session, environment.workspace_id)
    entries = [entry for entry in newest if entry.action.startswith("review_")]
    assert [(entry.action, entry.subject_id, entry.actor_name) for entry in entries] == [
        ("review_archived", archived, ADA.name),
        ("review_published", published, ADA.name),
    ]
    assert {sentence_of(entry) for entry in entries} == {
        f"{ADA.name} archived the review of {environment.name}.",
        f"{ADA.name} published the review of {environment.name}.",
    }
