from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, PlainSerializer, ValidationError, WithJsonSchema, WrapValidator

from models.catalog import OperationType
from models.contracts import Cause
from models.lifecycle import Outcome, Standing
from models.reason_codes import ReasonCode
from models.reconciliation import ReconciliationDecision, Related, Source

Word = TypeVar("Word")


def _as_stored(value: Any, parse: Callable[[Any], Any]) -> Any:
    try:
        return parse(value)
    except ValidationError:
        return value


# A word of a closed list; one that a newer release added stays the text that is stored.
Known = Annotated[Word, WrapValidator(_as_stored)]

# Stored as `datetime.isoformat` writes it, which is not how pydantic does.
Moment = Annotated[
    datetime,
    PlainSerializer(datetime.isoformat, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class Stored(BaseModel):
    """A part of a run's `context` as PostgreSQL stores it; keys of a newer release are skipped here."""

    model_config = ConfigDict(frozen=True)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON to store; a part that does not apply is absent."""
        return self.model_dump(mode="json", exclude_unset=True)


class RunDispatch(Stored):
    """How a run was handed to Temporal (law L4); `dispatched_at` is None until it is known."""

    job_class: str
    queue: str
    connection: str
    dispatched_at: Moment | None
    correlation_version: Known[Literal[1]]
    operation_run_id: UUID


class RunReconciliation(Stored):
    """How a run was settled from business truth (law L5)."""

    adapter: Known[OperationType]
    decision: Outcome
    reason_code: Known[ReasonCode]
    previous: Standing
    related: Related | None
    source: Known[Source]
    evidence: dict[str, Any]
    reconciled_at: Moment

    @classmethod
    def of(
        cls, decision: ReconciliationDecision, *, previous: Standing, source: Source, at: datetime
    ) -> "RunReconciliation":
        """Return what is stored when a decision is written."""
        return cls(
            adapter=OperationType(decision.adapter),
            decision=decision.outcome,
            reason_code=decision.reason_code,
            previous=previous,
            related=decision.related,
            source=source,
            evidence=decision.evidence,
            reconciled_at=at,
        )

    def is_same(self, decision: ReconciliationDecision) -> bool:
        """Return whether writing the decision would change nothing (law L5)."""
        return (self.adapter, self.decision, self.reason_code, self.related) == (
            decision.adapter,
            decision.outcome,
            decision.reason_code,
            decision.related,
        )

    @property
    def cause(self) -> Cause | None:
        """Why the workflow ended; None where it completed, or no cause was known."""
        cause: Cause | None = self.evidence.get("cause")
        return cause

    @property
    def changed_items(self) -> Sequence[str]:
        """The planned items that changed since the plan, by path."""
        items: Sequence[str] = self.evidence.get("changed_items") or ()
        return items


class RunCancellation(Stored):
    """How far a cancellation has come; `point_of_no_return` is the commit it cannot undo."""

    requested_at: Moment
    requested_by: str
    delivered_at: Moment | None
    acknowledged_at: Moment | None
    point_of_no_return: str | None


# What is known of a push. `opened`: its ticket is at the remote, and the push itself may be under way.
# `withdrawn`: it was given up before that was recorded, and so never sent.
PushStep = Literal["opened", "withdrawn", "landed", "stale", "refused", "fenced", "unclear"]
UNANSWERED: Final[frozenset[PushStep | None]] = frozenset({None, "opened"})


class RunPush(Stored):
    """One push of a restore (law L11): the branch's `head` that it expects, and the `commit` it brings.

    `ticket` is the ref at the remote that the push moves with the branch; None: the remote cannot be
    fenced. `answer` None: nothing is known of the push yet. `unclear`: the ticket is in no state of ours.
    """

    ticket: str | None
    head: str
    commit: str
    began_at: Moment
    answer: Known[PushStep | None]

    @property
    def is_unanswered(self) -> bool:
        """Whether the push has no definite answer yet."""
        return self.answer in UNANSWERED

    @property
    def was_taken(self) -> bool:
        """Whether the remote took the push, or may have: its ticket is unclear."""
        return self.answer in {"landed", "unclear"}

    @property
    def may_land(self) -> bool:
        """Whether the push may reach the branch although its run completes now.

        One with a ticket is sent only after its ticket is recorded as opened, which a completed run refuses.
        """
        return self.is_unanswered and (self.ticket is None or self.answer == "opened")


class RunContext(Stored):
    """What a run's row keeps beside its columns: the one place that names these keys.

    `input` is the operation's input without its scope (`services.runs.inputs.input_of` parses it);
    `workflow_run_id` is Temporal's own id of the workflow execution that works for the run, or worked last.
    `fingerprint` is that of a compose's evidence, `intended_commit` the commit of a restore's last push.
    The sweep looks at a run's repository, also after the run has completed, once `look_claimed_until` has
    passed; absent: there is nothing more to look for.
    """

    input: dict[str, Any]
    dispatch: RunDispatch
    reconciliation: RunReconciliation | None = None
    cancellation: RunCancellation | None = None
    workflow_run_id: str | None = None
    fingerprint: str | None = None
    intended_commit: str | None = None
    pushes: tuple[RunPush, ...] = ()
    look_claimed_until: Moment | None = None

    @property
    def unanswered_push(self) -> RunPush | None:
        """The last push, where it may still land; None: it has a definite answer, or was never sent."""
        return self.pushes[-1] if self.pushes and self.pushes[-1].may_land else None


# The keys that SQL reads and writes, as paths into the JSON; a test compares them with the models above.
DISPATCHED_AT: Final = ("dispatch", "dispatched_at")
RECONCILIATION: Final = ("reconciliation",)
RECONCILIATION_SOURCE: Final = ("reconciliation", "source")
RELATED_TYPE: Final = ("reconciliation", "related", "type")
RELATED_ID: Final = ("reconciliation", "related", "id")
CANCELLATION: Final = ("cancellation",)
CANCELLATION_DELIVERED_AT: Final = ("cancellation", "delivered_at")
CANCELLATION_ACKNOWLEDGED_AT: Final = ("cancellation", "acknowledged_at")
POINT_OF_NO_RETURN: Final = ("cancellation", "point_of_no_return")
WORKFLOW_RUN_ID: Final = ("workflow_run_id",)
FINGERPRINT: Final = ("fingerprint",)
INTENDED_COMMIT: Final = ("intended_commit",)
PUSHES: Final = ("pushes",)
LOOK_CLAIMED_UNTIL: Final = ("look_claimed_until",)
