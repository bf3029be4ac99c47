from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote
from uuid import UUID

from pydantic import Field

from models.catalog import OperationType
from models.contracts import Contract
from models.correlation import Correlation
from models.operation_run import OperationRun
from models.reconciliation import Related


class RelatedLink(Contract):
    """What a run led to; `html` is a whole address, for programs and mails."""

    type: Literal["environment_review", "restore_result", "operation_run"]
    id: UUID
    html: str
    # The same within this site, for its own pages.
    path: str = Field(exclude=True)


def run_path(run_id: UUID) -> str:
    """Return where a run's page is within this site."""
    return f"/operations/{run_id}"


def review_path(review_id: UUID) -> str:
    """Return where a review's page is within this site."""
    return f"/reviews/{review_id}"


def workflow_id_of(run: OperationRun) -> str:
    """Return the workflow id that follows from a run's type and id (law L6)."""
    return Correlation(operation_type=OperationType(run.type), run_id=run.id).workflow_id


@dataclass(frozen=True, kw_only=True)
class Links:
    """The URLs of runs, for readers outside the site's own pages.

    `temporal_ui_url` None: no console is configured. `namespace` is Temporal's, for a run without dispatch.
    """

    public_url: str
    temporal_ui_url: str | None
    namespace: str

    def run(self, run_id: UUID) -> str:
        """Return the URL of a run's page."""
        return self.public_url + run_path(run_id)

    def temporal(self, run: OperationRun) -> str | None:
        """Return the URL of a run's workflow in Temporal's console; None where no console is configured."""
        if not self.temporal_ui_url:
            return None
        namespace = quote(run.context.dispatch.connection or self.namespace, safe="")
        return (
            f"{self.temporal_ui_url}/namespaces/{namespace}/workflows/{quote(workflow_id_of(run), safe='')}"
        )

    def related(self, run: OperationRun, own: Related | None) -> RelatedLink | None:
        """Return the link to what a run led to; None where it led to nothing.

        The reconciliation says what that is; `own`, the run's own result, counts only where there is none.
        """
        reconciliation = run.context.reconciliation
        related = own if reconciliation is None else reconciliation.related
        return self._link(run, related) if related else None

    def _link(self, run: OperationRun, related: Related) -> RelatedLink:
        path = {
            "environment_review": review_path(related.id),
            "restore_result": f"{run_path(run.id)}#result",
            "operation_run": run_path(related.id),
        }[related.type]
        return RelatedLink(type=related.type, id=related.id, html=self.public_url + path, path=path)
