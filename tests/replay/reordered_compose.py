from temporalio import workflow

from workflows.policies import PERFORM, PREPARE

with workflow.unsafe.imports_passed_through():
    from activities.review_compose import ComposeStep, ReviewComposeActivities
    from models.catalog import OperationType
    from models.contracts import OperationResult
    from models.contracts.review_compose import Evidence, ReviewComposeInput

NO_EVIDENCE = Evidence(
    commit="0" * 40, baseline_commit=None, previous_review_id=None, previous_commit=None, fingerprint="0" * 64
)


@workflow.defn(name=OperationType.ENVIRONMENT_REVIEW_COMPOSE)
class ReorderedComposeWorkflow:
    """The compose workflow as nobody may change it: composing comes before collecting."""

    @workflow.run
    async def run(self, operation_input: ReviewComposeInput) -> OperationResult:
        result = await workflow.execute_activity_method(
            ReviewComposeActivities.compose_review,
            ComposeStep(operation_input=operation_input, evidence=NO_EVIDENCE),
            **PERFORM,
        )
        await workflow.execute_activity_method(
            ReviewComposeActivities.collect_evidence, operation_input, **PREPARE
        )
        return result
