from typing import Any, Literal
from urllib.parse import quote
from uuid import UUID

from flask import url_for

from models.catalog import OperationType
from models.contracts import Contract
from models.correlation import Correlation
from models.operation_run import OperationRun
from models.reconciliation import Related
from web.context import services


class RelatedLink(Contract):
    """What a run led to; `html` is a whole address, for programs and mails."""

    type: Literal["environment_review", "restore_result", "operation_run"]
    id: UUID
    html: str

    @property
    def path(self) -> str:
        """Return the address within this site, for its own pages."""
        return self.html.removeprefix(services().public_url)


class ReviewLinks(Contract):
    """Where the pages of one review are: among `reviews`, or among `published`, those that customers read."""

    site: Literal["reviews", "published"]
    review_id: UUID

    def show(self, **filters: Any) -> str:
        """Return the address of the review's page, narrowed by the filters; None leaves one out."""
        return self._to("show", **filters)

    def finding(self, code: str, **page: Any) -> str:
        """Return the address of every item of a finding."""
        return self._to("finding", code=code, **page)

    def change(self, position: int, **page: Any) -> str:
        """Return the address of every setting of a changed item."""
        return self._to("change", position=position, **page)

    def report(self, profile: str, form: str) -> str:
        """Return the address of a report."""
        return self._to("report", profile=profile, form=form)

    def pack(self) -> str:
        """Return the address of the review pack."""
        return self._to("pack")

    def _to(self, page: str, **values: Any) -> str:
        return url_for(f"{self.site}.{page}", review_id=self.review_id, **values)


def comparison_path(earlier: UUID, later: UUID, **values: Any) -> str:
    """Return where two reviews are compared; `values` narrow it, None leaves one out."""
    return url_for("review_comparisons.show", **{"from": earlier, "to": later, **values})


def comparison_item_path(earlier: UUID, later: UUID, path: str, **values: Any) -> str:
    """Return where every setting is that two reviews have differently in one item."""
    return url_for("review_comparisons.item", **{"from": earlier, "to": later, "path": path, **values})


def history_path(environment_id: UUID) -> str:
    """Return where all reviews of an environment are listed."""
    return url_for("review_history.index", environment_id=environment_id)


def run_path(run_id: UUID) -> str:
    """Return where a run's page is within this site."""
    return f"/operations/{run_id}"


def review_path(review_id: UUID) -> str:
    """Return where a review's page is within this site."""
    return f"/reviews/{review_id}"


def run_url(run_id: UUID) -> str:
    """Return the whole address of a run's page."""
    return services().public_url + run_path(run_id)


def review_url(review_id: UUID) -> str:
    """Return the whole address of a review's page."""
    return services().public_url + review_path(review_id)


def workflow_id_of(run: OperationRun) -> str:
    """Return the workflow id that a run's own id gives (section 5)."""
    return Correlation(operation_type=OperationType(run.type), run_id=run.id).workflow_id


def temporal_url(run: OperationRun) -> str | None:
    """Return the run's address in Temporal's console; None where no console is configured."""
    console = services().temporal_ui_url
    if not console:
        return None
    namespace = quote(run.context.dispatch.connection or services().target.connection, safe="")
    return f"{console}/namespaces/{namespace}/workflows/{quote(workflow_id_of(run), safe='')}"


def related_of(run: OperationRun, own: Related | None) -> RelatedLink | None:
    """Link what a run led to.

    The reconciliation's word first; `own`, the run's own result, only where it was never reconciled.
    """
    reconciliation = run.context.reconciliation
    if reconciliation is None:
        return _link(run, own) if own else None
    return _link(run, reconciliation.related) if reconciliation.related else None


def _link(run: OperationRun, related: Related) -> RelatedLink:
    html = {
        "environment_review": review_url(related.id),
        "restore_result": f"{run_url(run.id)}#result",
        "operation_run": run_url(related.id),
    }[related.type]
    return RelatedLink(type=related.type, id=related.id, html=html)
