from typing import Any, Literal
from uuid import UUID

from flask import url_for

from models.contracts import Contract


class ReviewLinks(Contract):
    """The paths of one review's pages, under `/reviews` or under `/published`, which customers read."""

    site: Literal["reviews", "published"]
    review_id: UUID

    def show(self, **filters: Any) -> str:
        """Return the path of the review's page with these filters; None leaves one out."""
        return self._to("show", **filters)

    def finding(self, code: str, **page: Any) -> str:
        """Return the path of the page with every item of a finding."""
        return self._to("finding", code=code, **page)

    def change(self, position: int, **page: Any) -> str:
        """Return the path of the page with every setting of a changed item."""
        return self._to("change", position=position, **page)

    def report(self, profile: str, form: str) -> str:
        """Return the path of a report."""
        return self._to("report", profile=profile, form=form)

    def pack(self) -> str:
        """Return the path of the review pack."""
        return self._to("pack")

    def _to(self, page: str, **values: Any) -> str:
        return url_for(f"{self.site}.{page}", review_id=self.review_id, **values)


def comparison_path(earlier: UUID, later: UUID, **values: Any) -> str:
    """Return the path of the comparison of two reviews, with these filters; None leaves one out."""
    return url_for("review_comparisons.show", **{"from": earlier, "to": later, **values})


def comparison_item_path(earlier: UUID, later: UUID, path: str, **values: Any) -> str:
    """Return the path of every setting of one item that differs between two reviews."""
    return url_for("review_comparisons.item", **{"from": earlier, "to": later, "path": path, **values})


def history_path(environment_id: UUID) -> str:
    """Return the path of the list of an environment's reviews."""
    return url_for("review_history.index", environment_id=environment_id)
