from typing import Any, ClassVar, Protocol

from sqlalchemy.orm import Session

from models.catalog import OperationType
from models.contracts import Contract
from models.operation_run import OperationRun
from models.reconciliation import Execution, ReconciliationDecision
from services.repositories.mirror import MirrorStore


class Facts(Contract):
    """What an adapter read: small, JSON-ready, and all that its decision may rest on."""


class Adapter(Protocol):
    """Tells how a run of one type stands, from business truth (section 7)."""

    operation_type: ClassVar[OperationType]

    def __init__(self, mirrors: MirrorStore) -> None:
        """Take what reading the truth needs."""

    def collect(self, session: Session, run: OperationRun, execution: Execution) -> Any:
        """Read the facts; write nothing."""

    def decide(self, run: OperationRun, facts: Any) -> ReconciliationDecision | None:
        """Decide from the facts alone: pure and deterministic. None: no decision can be made yet."""

    def record(
        self, session: Session, run: OperationRun, facts: Any, decision: ReconciliationDecision
    ) -> None:
        """Have the business service insert the artifact that the facts prove and no row records (law L8)."""
