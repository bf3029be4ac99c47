from typing import Any, ClassVar, Protocol

from sqlalchemy.orm import Session

from models.catalog import OperationType
from models.contracts import Contract
from models.lifecycle import Outcome
from models.operation_run import OperationRun
from models.reconciliation import Execution, ReconciliationDecision
from services.connections.access import EnvironmentMirrors
from services.database.session import Database

# A requested cancellation explains these endings: none of them is a failure then.
_QUIET_CAUSES = frozenset({"never_started", "history_gone", "task_failing"})


def outcome_without_result(execution: Execution, *, cancellation_asked: bool) -> Outcome:
    """Return how a run ended that did nothing: cancelled if that was requested, else failed.

    Termination and time-outs are failures, whatever was requested.
    """
    if execution.cause == "cancelled" or (cancellation_asked and execution.cause in _QUIET_CAUSES):
        return Outcome.CANCELLED
    return Outcome.FAILED


class Facts(Contract):
    """What an adapter read: small, JSON-ready, and all that its decision may rest on."""

    @property
    def needs_fence(self) -> bool:
        """Whether something of the run has to be fenced outside before anything is decided."""
        return False


class Outside(Protocol):
    """What runs of one type have under way outside PostgreSQL, such as at a repository (law L11)."""

    def __init__(self, database: Database, mirrors: EnvironmentMirrors) -> None:
        """Take what it works with."""

    def fence(self, run: OperationRun, facts: Any) -> bool:
        """Keep what a run has under way from arriving after a decision.

        True: that changed something, and the facts have to be collected again.
        """

    def tidy(self, run: OperationRun) -> None:
        """Remove what a run that has completed left outside, as far as that is possible now."""


class Adapter(Protocol):
    """Decides how a run of one type ended (docs/guardrails.md, "The adapter contract").

    `outside`: how to keep what its runs do outside PostgreSQL from arriving late; None: they do nothing
    there, and `collect` waits for nothing that may not answer.
    """

    operation_type: ClassVar[OperationType]
    outside: ClassVar[type[Outside] | None]

    def __init__(self, mirrors: EnvironmentMirrors) -> None:
        """Take what `collect` reads from."""

    def collect(self, session: Session, run: OperationRun, execution: Execution) -> Any:
        """Read the facts; write nothing.

        Ends its transaction (`session.commit()`) before it asks anything outside PostgreSQL.
        """

    def decide(self, run: OperationRun, facts: Any) -> ReconciliationDecision | None:
        """Decide from the facts alone: pure and deterministic. None: no decision can be made yet."""

    def foresee(self, run: OperationRun, facts: Any) -> ReconciliationDecision | None:
        """Return what `decide` will return if everything under way is fenced by then."""

    def record(
        self, session: Session, run: OperationRun, facts: Any, decision: ReconciliationDecision
    ) -> None:
        """Have the business service insert the artifact that the facts prove and no row records (law L8)."""


class AdapterRegistry:
    """The adapters by operation type; each registers itself, and there is no central match."""

    def __init__(self) -> None:
        self._adapters: dict[str, type[Adapter]] = {}

    def register(self, adapter: type[Adapter]) -> type[Adapter]:
        """Add an adapter class; raise RuntimeError where its type has one already."""
        operation_type = adapter.operation_type
        if operation_type in self._adapters:
            raise RuntimeError(
                f"{operation_type} has the adapter {self._adapters[operation_type].__name__} already; "
                f"remove one of the two before registering {adapter.__name__}."
            )
        self._adapters[operation_type] = adapter
        return adapter

    def find(self, operation_type: str) -> type[Adapter] | None:
        """Return the adapter of a type; None: the type is not supported here."""
        return self._adapters.get(operation_type)

    def types(self) -> frozenset[OperationType]:
        """Return the types that have an adapter."""
        return frozenset(adapter.operation_type for adapter in self._adapters.values())


REGISTRY = AdapterRegistry()
