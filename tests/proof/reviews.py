"""Reviews in the worlds: rows that are there at the beginning, and what replaces the reading of much data."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock
from uuid import UUID, uuid5

from sqlalchemy import select

from models.base import Base
from models.operation_run import OperationRun
from models.review import EnvironmentReview, ReviewStatus
from reconcilers.review_compose_decision import ReviewFacts
from services.hashing import digest
from services.repositories.objects import tree_of
from services.reviews.content import ReviewContent
from services.reviews.evidence import COMPOSER_VERSION, fingerprint_inputs
from tests.proof.ports.rows import Row, row
from tests.proof.scene import ENVIRONMENT, WORKSPACE, objects
from tests.proof.world import BEGINNING

_TABLE = EnvironmentReview.__tablename__


def id_by(workflow_id: str | None) -> UUID:
    """Return the id of the review that a workflow's run makes, the same in every history."""
    return uuid5(ENVIRONMENT, workflow_id or "")


def review_row(number: int, **values: Any) -> Row:
    """Return a draft of the fingerprint that the live branch has without a published review."""
    columns = dict.fromkeys(Base.metadata.tables[_TABLE].columns.keys())
    found = {
        "id": UUID(int=number),
        "run_id": UUID(int=number + 100),
        "workspace_id": WORKSPACE,
        "environment_id": ENVIRONMENT,
        "status": ReviewStatus.DRAFT,
        "fingerprint": _fingerprint(),
        "commit": objects().live,
        "composed_at": BEGINNING,
    }
    return row(_TABLE, {**columns, **found, **values})


def _fingerprint() -> str:
    inputs = fingerprint_inputs(
        environment_id=ENVIRONMENT,
        live_tree=tree_of(objects().repository, objects().live),
        baseline_tree=None,
        previous_tree=None,
        composer_version=COMPOSER_VERSION,
    )
    return digest(inputs)


@contextmanager
def without_content() -> Iterator[None]:
    """Compose reviews that say nothing: no decision reads what they say."""
    content = ReviewContent(summary={}, sections={}, findings=[], changes=[])
    with (
        mock.patch("services.reviews.composition.read_context", return_value=None),
        mock.patch("services.reviews.composition.compose_content", return_value=content),
        mock.patch("reconcilers.review_compose._with_chains", _with_chains),
    ):
        yield


def _with_chains(session: Any, run: OperationRun, fingerprint: str | None) -> tuple[ReviewFacts, ...]:
    """Return what the adapter's recursive statement finds, which the checker's ledger does not evaluate."""
    reviews: Sequence[EnvironmentReview] = session.scalars(select(EnvironmentReview)).all()
    by_id = {review.id: review for review in reviews}
    waiting = [review for review in reviews if run.id == review.run_id or review.fingerprint == fingerprint]
    found = dict[UUID, EnvironmentReview]()
    while waiting:
        review = waiting.pop()
        if review.id not in found:
            found[review.id] = review
            waiting += [by_id[review.superseded_by_id]] if review.superseded_by_id in by_id else []
    columns = sorted(found.values(), key=lambda review: (review.composed_at, review.id))
    return tuple(
        ReviewFacts.model_validate({name: getattr(review, name) for name in ReviewFacts.model_fields})
        for review in columns
    )
