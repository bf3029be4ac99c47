from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from models.base import Json
from models.review import EnvironmentReview

EVIDENCE_AGE: Final = timedelta(days=30)
UNPARSED_SHARE: Final = 0.05


class Profile(StrEnum):
    """The kind of reader that a report is for."""

    EXECUTIVE = "executive"
    TECHNICAL = "technical"
    AUDIT = "audit"


def readiness_of(review: EnvironmentReview, *, now: datetime) -> Json:
    """Return for each profile whether its report can be shared, and what is missing; advice only.

    The shape is {profile: {`ready`, `missing`: [{`code`, `text`}]}}.
    """
    return {profile: _of(profile, review, now) for profile in Profile}


def _of(profile: Profile, review: EnvironmentReview, now: datetime) -> Json:
    missing = []
    if profile is not Profile.TECHNICAL and not review.sections["baseline"]["set"]:
        missing.append(_lacks("baseline_not_set", "No baseline is set, so conformance cannot be told."))
    if now - review.composed_at > EVIDENCE_AGE:
        days = EVIDENCE_AGE.days
        missing.append(
            _lacks("evidence_old", f"The evidence is older than {days} days. Compose a new review.")
        )
    items = review.summary["items"]
    if profile is not Profile.TECHNICAL and items and review.summary["unparsed"] / items > UNPARSED_SHARE:
        share = f"{UNPARSED_SHARE:.0%}"
        missing.append(_lacks("too_many_unparsed", f"More than {share} of the items cannot be read."))
    if profile is Profile.AUDIT and review.previous_review_id is None:
        missing.append(_lacks("no_published_review", "No review was published before to compare with."))
    return {"ready": not missing, "missing": missing}


def _lacks(code: str, text: str) -> Json:
    return {"code": code, "text": text}
