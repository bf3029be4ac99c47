from pydantic import ValidationError
from temporalio import workflow

from workflows.policies import PERFORM, PREPARE
from workflows.safe_points import stop_if_cancelled

with workflow.unsafe.imports_passed_through():
    from activities.review_compose import ComposeStep, ReviewComposeActivities
    from models.catalog import OperationType
    from models.contracts import OperationResult
    from models.contracts.review_compose import ReviewComposeInput


# An input that does not hold fails the workflow, instead of its task over and over.
@workflow.defn(name=OperationType.ENVIRONMENT_REVIEW_COMPOSE, failure_exception_types=[ValidationError])
class EnvironmentReviewComposeWorkflow:
    """Composes an environment review: pin the evidence, then compose from it."""

    @workflow.run
    async def run(self, operation_input: ReviewComposeInput) -> OperationResult:
        """Return the outcome and the review that the run led to."""
        workflow.set_current_details("Phase 1: **collecting the evidence**")
        evidence = await workflow.execute_activity_method(
            ReviewComposeActivities.collect_evidence,
            operation_input,
            summary="Fetch the configuration, pin the evidence, and compose a small review at once",
            **PREPARE,
        )
        if isinstance(evidence, OperationResult):
            return evidence
        stop_if_cancelled()
        workflow.set_current_details("Phase 2 of 2: **composing the review**")
        return await workflow.execute_activity_method(
            ReviewComposeActivities.compose_review,
            ComposeStep(operation_input=operation_input, evidence=evidence),
            summary="Compose the review and complete the run",
            **PERFORM,
        )
