from uuid import UUID, uuid4

import pytest

from models.review import EnvironmentReview, ReviewStatus
from services.reviews.lineage import archive_conflict, publish_conflict

BASE, OTHER = uuid4(), uuid4()
MOVED = "Another review was published since this one was composed; compose a new one."


@pytest.mark.parametrize(
    ("status", "published_id", "publishing", "archiving"),
    [
        (ReviewStatus.DRAFT, BASE, None, None),
        (ReviewStatus.DRAFT, OTHER, MOVED, None),
        (ReviewStatus.DRAFT, None, MOVED, None),
        *(
            (
                status,
                BASE,
                f"This review is {status}; only a draft can be published.",
                f"This review is {status}; only a draft can be archived.",
            )
            for status in (ReviewStatus.PUBLISHED, ReviewStatus.SUPERSEDED, ReviewStatus.ARCHIVED)
        ),
    ],
)
def test_only_a_draft_with_an_unmoved_base_is_published_and_only_a_draft_is_archived(
    status: ReviewStatus, published_id: UUID | None, publishing: str | None, archiving: str | None
) -> None:
    review = EnvironmentReview(status=status, previous_review_id=BASE)
    conflicts = (publish_conflict(review, published_id), archive_conflict(review))
    assert tuple(conflict and str(conflict) for conflict in conflicts) == (publishing, archiving)
