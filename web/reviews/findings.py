from collections.abc import Sequence
from typing import Final

from models.base import Json
from models.contracts import Contract
from services.reviews.findings import Severity
from web.reviews.wording import OF_SEVERITY, state_of_severity
from web.ui.links import ReviewLinks
from web.ui.states import State

# A finding with more items shows only the first ones and has a page of its own.
BESIDE_FINDING: Final = 200
FIRST_ITEMS: Final = 5
ITEMS_ON_PAGE: Final = 200


class FindingView(Contract):
    """One finding; `address` is the page with all of its items, None where `items` has them all."""

    code: str
    state: State
    title: str
    advice: str | None
    items: tuple[str, ...]
    count: int
    address: str | None = None

    @property
    def are_folded(self) -> bool:
        """Return whether the items are too many to be shown unfolded."""
        return self.address is None and self.count > FIRST_ITEMS


def finding_views(
    findings: Sequence[Json], links: ReviewLinks, *, severity: Severity | None = None
) -> list[FindingView]:
    """Word the findings of a severity, or all of them, the most severe first."""
    order = {known: place for place, known in enumerate(OF_SEVERITY)}
    chosen = [each for each in findings if severity is None or each["severity"] == severity]
    ordered = sorted(chosen, key=lambda finding: order.get(finding["severity"], len(order)))
    return [finding_view(finding, links) for finding in ordered]


def finding_view(finding: Json, links: ReviewLinks) -> FindingView:
    """Word one finding."""
    items = finding["items"]
    is_long = len(items) > BESIDE_FINDING
    return FindingView(
        code=finding["code"],
        state=state_of_severity(finding["severity"]),
        title=finding["title"],
        advice=finding.get("advice"),
        items=tuple(items[:FIRST_ITEMS] if is_long else items),
        count=len(items),
        address=links.finding(finding["code"]) if is_long else None,
    )
