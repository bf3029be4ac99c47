from temporalio import activity

from activities.heartbeats import check_cancelled
from activities.settle import settle
from activities.tracking import correlation, taken_by_temporal, workflow_run_id
from models.contracts import Contract, OperationResult
from models.contracts.review_compose import Evidence, ReviewComposeInput
from models.reconciliation import OPEN
from reconcilers.reconciler import AdapterRunReconciler
from services.repositories.slots import working_for
from services.reviews.composition import ReviewComposition


class ComposeStep(Contract):
    """The input of `compose_review`."""

    operation_input: ReviewComposeInput
    evidence: Evidence


class ReviewComposeActivities:
    """The steps of composing an environment review: two, or one for a small review."""

    def __init__(self, composition: ReviewComposition, reconciler: AdapterRunReconciler) -> None:
        self._composition = composition
        self._reconciler = reconciler

    @activity.defn(no_thread_cancel_exception=True)
    def collect_evidence(self, operation_input: ReviewComposeInput) -> Evidence | OperationResult:
        """Mark the run running, fetch the repository and pin what the review is composed from.

        A result: the review is small, and composed already; or this run has ended, or another does its work.
        """
        with working_for(operation_input.workspace_id):
            found = self._composition.collect(
                correlation(),
                operation_input,
                dispatch=taken_by_temporal(),
                check_cancelled=check_cancelled,
                repeated=activity.info().attempt > 1,
            )
        return found or settle(self._reconciler, OPEN)

    @activity.defn(no_thread_cancel_exception=True)
    def compose_review(self, step: ComposeStep) -> OperationResult:
        """Compose the review and complete the run with it; where one exists, the reconciler decides."""
        with working_for(step.operation_input.workspace_id):
            result = self._composition.compose(
                correlation(),
                step.operation_input,
                step.evidence,
                workflow_run_id=workflow_run_id(),
                check_cancelled=check_cancelled,
            )
        return result or settle(self._reconciler, OPEN)
