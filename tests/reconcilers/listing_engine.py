from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from models.base import Json, utc_now
from models.catalog import OperationType
from models.correlation import Correlation
from models.environment import Environment
from services.engine.port import FirstEvent
from tests.fake_engine import FakeEngine

COMPOSE = OperationType.ENVIRONMENT_REVIEW_COMPOSE


@dataclass
class ListingEngine(FakeEngine):
    """A fake engine with Temporal's two lists, and the first events of directly started workflows."""

    closed: list[str] = field(default_factory=list)

    def closed_abnormally(self, since: datetime, *, limit: int) -> Sequence[str]:  # noqa: ARG002
        return self.closed[:limit]

    def open_workflows(self, since: datetime, *, limit: int) -> Sequence[str]:  # noqa: ARG002
        return list(self.first_events)[:limit]

    def start_directly(self, given: Json, *, workflow_type: str = COMPOSE) -> UUID:
        correlation = Correlation(operation_type=COMPOSE, run_id=uuid4())
        self.open(correlation.workflow_id)
        self.first_events[correlation.workflow_id] = FirstEvent(
            workflow_type=workflow_type,
            workflow_run_id=str(uuid4()),
            task_queue="a-queue",
            started_at=utc_now(),
            operation_input=given,
        )
        return correlation.run_id


def input_of(environment: Environment) -> Json:
    return {"workspace_id": str(environment.workspace_id), "environment_id": str(environment.id)}
