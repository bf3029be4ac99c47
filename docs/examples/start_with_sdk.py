"""Start an operation with Temporal's SDK, and read its outcome.

Usage: start_with_sdk.py WORKSPACE_ID ENVIRONMENT_ID [REF]
Environment: Temporal's own (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*, profile).
Prints one line of JSON; exit code 0 for succeeded, 1 for any other outcome.
"""

import asyncio
import json
import os
import sys
from datetime import timedelta
from typing import Any
from uuid import uuid4

from temporalio.client import Client, WorkflowFailureError
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)
from temporalio.envconfig import ClientConfig

OPERATION = "environment.review.compose"
OUTCOME = SearchAttributeKey.for_keyword("OperationOutcome")


async def compose(client: Client, run_id: str, operation_input: dict[str, str]) -> dict[str, Any]:
    """Start the operation and wait for it; return the run's id, its outcome and the id of what it made.

    A workflow that did not complete still left an outcome where its code had the last word; None means
    that only the run itself can say (GET /api/v1/operations/{run_id}?wait=20).
    """
    handle = await client.start_workflow(
        OPERATION,
        operation_input,
        id=f"operation-run.v1.{OPERATION}.{run_id}",
        task_queue="operation-runs",
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        execution_timeout=timedelta(hours=2),
        static_summary="Environment review, requested by the nightly job",
        # So that the console finds it; they decide nothing.
        search_attributes=keywords(
            OperationRunId=run_id,
            OperationType=OPERATION,
            WorkspaceId=operation_input["workspace_id"],
            EnvironmentId=operation_input["environment_id"],
        ),
    )
    try:
        result: dict[str, Any] = await handle.result()
    except WorkflowFailureError as error:
        print(error.cause.__cause__ or error.cause, file=sys.stderr)
        described = await handle.describe()
        return {"run_id": run_id, "outcome": described.typed_search_attributes.get(OUTCOME)}
    return result


def keywords(**values: str) -> TypedSearchAttributes:
    return TypedSearchAttributes(
        [SearchAttributePair(SearchAttributeKey.for_keyword(name), value) for name, value in values.items()]
    )


async def main() -> bool:
    client = await Client.connect(**ClientConfig.load_client_connect_config())
    operation_input = dict(zip(("workspace_id", "environment_id", "ref"), sys.argv[1:], strict=False))
    # Make the id once for each piece of work and keep it: a start that is repeated with it does no harm.
    result = await compose(client, str(uuid4()), operation_input)
    print(json.dumps(result), flush=True)
    return bool(result["outcome"] == "succeeded")


if __name__ == "__main__":
    succeeded = asyncio.run(main())
    # A process this short may crash in Temporal's threads while Python is taken down; leave without that.
    os._exit(0 if succeeded else 1)
