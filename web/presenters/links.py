from typing import Literal
from urllib.parse import quote
from uuid import UUID

from models.catalog import OperationType
from models.contracts import Contract
from models.correlation import Correlation
from models.operation_run import OperationRun
from models.reconciliation import Related
from web.services import services


class RelatedLink(Contract):
    """What a run led to; `html` is a whole address, for programs and mails."""

    type: Literal["environment_review", "restore_result", "operation_run"]
    id: UUID
    html: str

    @property
    def path(self) -> str:
        """Return the address within this site, for its own pages."""
        return self.html.removeprefix(services().public_url)


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
    dispatch = run.context.get("dispatch") or {}
    namespace = quote(dispatch.get("connection") or services().target.connection, safe="")
    return f"{console}/namespaces/{namespace}/workflows/{quote(workflow_id_of(run), safe='')}"


def related_of(run: OperationRun, own: Related | None) -> RelatedLink | None:
    """Link what a run led to.

    The reconciliation's word first; `own`, the run's own result, only where it was never reconciled.
    """
    reconciliation = run.context.get("reconciliation")
    if reconciliation is None:
        return _link(run, own) if own else None
    related = reconciliation["related"]
    return _link(run, Related.model_validate(related)) if related else None


def _link(run: OperationRun, related: Related) -> RelatedLink:
    html = {
        "environment_review": review_url(related.id),
        "restore_result": f"{run_url(run.id)}#result",
        "operation_run": run_url(related.id),
    }[related.type]
    return RelatedLink(type=related.type, id=related.id, html=html)
