"""OperationRunService against the pure table of models/lifecycle.py, whatever is called in whatever order."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeVar
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from uuid_utils.compat import uuid7

from models.base import Json
from models.catalog import OperationType
from models.contracts import Failure
from models.contracts.operation_input import OperationInput
from models.contracts.restore_execute import RestoreExecuteInput
from models.correlation import Correlation
from models.errors import RestoreInProgress, RunRefused
from models.lifecycle import (
    BIRTHS,
    CORRECTIONS,
    FINAL_OUTCOMES,
    MOVES,
    QUEUED,
    RUNNING,
    Outcome,
    completed,
)
from models.reason_codes import ReasonCode
from models.reconciliation import ReconciliationDecision, Related, Source
from models.run_context import PushStep, RunContext
from services.database.session import Database
from services.runs.admission import OperationRequests
from services.runs.service import OperationRunService
from services.runs.write_result import WriteResult
from tests.factories import ADA, NOW, TARGET, compose_input, make_environment, make_plan, make_workspace
from tests.runs.contexts import push_of
from tests.runs.seen_runs import Seen, see, steps_of

T = TypeVar("T")

CONTEXT = set(RunContext.model_fields)
RECONCILIATION = {
    "adapter", "decision", "reason_code", "previous", "related", "source", "evidence", "reconciled_at",
}  # fmt: skip

ARTIFACTS = [Related(type="environment_review", id=uuid7()), Related(type="restore_result", id=uuid7())]

outcomes = st.sampled_from(sorted(FINAL_OUTCOMES))
reasons = st.sampled_from([ReasonCode.REVIEW_NOT_COMPOSED, ReasonCode.RESTORE_NOT_APPLIED])
related = st.sampled_from([None, *ARTIFACTS])
causes = st.sampled_from(["terminated", "timed_out"])
sources: st.SearchStrategy[Source] = st.sampled_from(["workflow", "sweep", "operator"])
failures = st.sampled_from(["ref_not_found", "push_refused"]).map(
    lambda code: Failure(code=code, step="a step", attempts=1, at=NOW, detail="for experts")
)


class RunMachine(RuleBasedStateMachine):
    """Two composes and two restores of one environment.

    Each call is made on the run that was turned to last. Most runs are taken up at once: a running run is
    where the most can happen.
    """

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._now = NOW
        self._asked: dict[UUID, OperationInput] = {}
        self._seen: dict[UUID, Seen] = {}
        self._run: UUID

    @initialize()
    def make_the_environment(self) -> None:
        with self._database.transaction() as session:
            environment = make_environment(session, make_workspace(session, f"workspace-{uuid7()}"))
            plans = [make_plan(session, environment) for _ in range(2)]
        composes = [compose_input(environment, ref) for ref in (None, "release-1")]
        restores = [
            RestoreExecuteInput(
                workspace_id=plan.workspace_id, environment_id=plan.environment_id, restore_plan_id=plan.id
            )
            for plan in plans
        ]
        self._work: list[OperationInput] = [*composes, *restores]
        self.request(work=0, taken_up=True)

    @rule(work=st.integers(0, 3), taken_up=st.sampled_from([True, True, False]))
    def request(self, work: int, taken_up: bool) -> None:  # noqa: FBT001 # drawn by Hypothesis
        asked = self._work[work]
        active = {run_id: given for run_id, given in self._asked.items() if self._seen[run_id].is_active}
        same = [run_id for run_id, given in active.items() if given == asked]
        restoring = any(isinstance(given, RestoreExecuteInput) for given in active.values())
        try:
            with self._database.transaction() as session:
                requested = OperationRequests(session, target=TARGET, clock=self._clock).request(
                    operation_type=_type_of(asked), operation_input=asked, actor=ADA
                )
        except RestoreInProgress:
            assert restoring
            assert not same
            return
        run_id = requested.run.id
        assert requested.deduplicated == bool(same)
        assert same in ([], [run_id])
        if not same:
            assert not (restoring and isinstance(asked, RestoreExecuteInput))
            self._asked[run_id] = asked
            self._seen[run_id] = see(self._database, run_id)
            assert self._seen[run_id].standing == QUEUED
        assert see(self._database, run_id) == self._seen[run_id]
        self._run = run_id
        if taken_up:
            self.start()

    @rule(number=st.integers(0, 3))
    def turn_to_an_earlier_run(self, number: int) -> None:
        known = list(self._asked)
        self._run = known[number % len(known)]

    @rule()
    def start(self) -> None:
        before, after, run = self._try(
            lambda service: service.start(self._correlation(), self._asked[self._run])
        )
        assert (run is not None) == before.is_active
        assert (after.row != before.row) == (before.standing == QUEUED)
        assert after.standing == (RUNNING if before.is_active else before.standing)

    @rule()
    def start_with_another_input(self) -> None:
        asked = self._asked[self._run]
        others = [other for other in self._work if type(other) is type(asked) and other != asked]
        for other in others:
            self._expect(
                lambda service, other=other: service.start(self._correlation(), other),  # type: ignore[misc]
                if_=lambda _: False,
            )

    @rule()
    def record_dispatched(self) -> None:
        self._expect(
            lambda service: service.record_dispatched(self._run, self._clock()),
            if_=lambda before: before.dispatched_at is None,
        )

    @rule(fingerprint=st.sampled_from(["a", "b"]))
    def record_fingerprint(self, fingerprint: str) -> None:
        self._expect(
            lambda service: service.record_fingerprint(self._run, fingerprint),
            if_=lambda before: before.standing == RUNNING,
        )

    @rule(commit=st.sampled_from(["1" * 40, "2" * 40]), earlier=st.integers(0, 2))
    def begin_push(self, commit: str, earlier: int) -> None:
        after = self._expect(
            lambda service: service.begin_push(self._run, [push_of(commit)], earlier=earlier),
            if_=lambda before: (
                before.standing == RUNNING
                and "cancellation" not in before.context
                and len(before.context.get("pushes", [])) == earlier
            ),
        )
        if after is not None:
            assert after.context["pushes"][-1]["commit"] == after.context["intended_commit"] == commit

    @rule(index=st.integers(0, 2))
    def record_push_opened(self, index: int) -> None:
        self._expect(
            lambda service: service.record_push_opened(self._run, index),
            if_=lambda before: before.standing == RUNNING and _awaits_answer(before, index),
        )

    @rule(index=st.integers(0, 2), answer=st.sampled_from(["landed", "stale", "refused", "fenced"]))
    def record_push_answer(self, index: int, answer: PushStep) -> None:
        after = self._expect(
            lambda service: service.record_push_answer(self._run, index, answer),
            if_=lambda before: _awaits_answer(before, index),
        )
        if after is not None:
            assert after.context["pushes"][index]["answer"] == answer

    @rule(index=st.integers(0, 2))
    def withdraw_push(self, index: int) -> None:
        self._expect(
            lambda service: service.withdraw_push(self._run, index),
            if_=lambda before: _awaits_answer(before, index, unopened=True),
        )

    @rule(minutes=st.sampled_from([-1, 1]))
    def claim_look(self, minutes: int) -> None:
        now = self._clock()
        self._expect(
            lambda service: service.claim_look(self._run, until=now + timedelta(minutes=minutes)),
            if_=lambda before: before.context.get("look_claimed_until", "") <= now.isoformat(),
        )

    @rule()
    def request_cancel(self) -> None:
        after = self._expect(
            lambda service: service.request_cancel(self._run, ADA),
            if_=lambda before: before.is_active and "cancellation" not in before.context,
        )
        if after is not None:
            pushing = after.context.get("intended_commit")
            assert after.context["cancellation"]["point_of_no_return"] == pushing

    @rule()
    def record_cancel_in_temporal(self) -> None:
        at = self._clock()
        after = self._expect(
            lambda service: service.record_cancel_in_temporal(self._run, at),
            if_=lambda before: before.standing in (QUEUED, RUNNING) and "cancellation" not in before.context,
        )
        if after is not None:
            assert after.context["cancellation"] == {
                "requested_at": at.isoformat(),
                "requested_by": "Temporal",
                "delivered_at": at.isoformat(),
                "acknowledged_at": None,
                "point_of_no_return": after.context.get("intended_commit"),
            }

    @rule()
    def record_cancel_delivered(self) -> None:
        self._expect(
            lambda service: service.record_cancel_delivered(self._run),
            if_=lambda before: _stands_open(before, "delivered_at"),
        )

    @rule()
    def acknowledge_cancel(self) -> None:
        self._expect(
            lambda service: service.acknowledge_cancel(self._run, self._clock()),
            if_=lambda before: _stands_open(before, "acknowledged_at"),
        )

    @rule(wholly=st.booleans())
    def succeed(self, wholly: bool) -> None:  # noqa: FBT001 # drawn by Hypothesis
        correlation, reason = self._correlation(), ReasonCode.REVIEW_COMPOSED

        def act(service: OperationRunService) -> object:
            way = service.succeed if wholly else service.succeed_partially
            return way(correlation, reason_code=reason, summary_counts={"items": 1})

        after = self._expect(act, if_=lambda before: before.standing == RUNNING)
        if after is not None:
            assert after.standing == completed(Outcome.SUCCEEDED if wholly else Outcome.PARTIALLY_SUCCEEDED)

    @rule(failure=failures)
    def fail_dispatch(self, failure: Failure) -> None:
        after = self._expect(
            lambda service: service.fail_dispatch(self._run, failure),
            if_=lambda before: before.standing == QUEUED,
        )
        if after is not None:
            assert after.standing == completed(Outcome.FAILED)

    @rule(failure=failures)
    def record_failure(self, failure: Failure) -> None:
        entry = failure.model_dump(mode="json")
        self._expect(
            lambda service: service.record_failure(self._run, failure),
            if_=lambda before: before.is_active and entry not in before.failures,
        )

    @rule(outcome=outcomes, reason=reasons, led_to=related, cause=causes, source=sources)
    def reconcile(
        self,
        outcome: Outcome,
        reason: ReasonCode,
        led_to: Related | None,
        cause: str,
        source: Source,
    ) -> None:
        decision = ReconciliationDecision(
            adapter=_type_of(self._asked[self._run]),
            outcome=outcome,
            reason_code=reason,
            related=led_to,
            evidence={"cause": cause},
        )

        def write(service: OperationRunService) -> WriteResult:
            return service.update_run_with_reconciliation(self._run, decision, source=source, actor=ADA)

        before, after, result = self._try(write, corrects=True)
        assert result is _expected(before, decision)
        assert (after.row != before.row) == (result is WriteResult.WRITTEN)
        if result is WriteResult.WRITTEN:
            assert after.standing == completed(outcome)
            assert after.reconciliation is not None
            assert after.reconciliation["previous"] == _first_previous(before)
            _, again, result = self._try(write)
            assert result is WriteResult.UNCHANGED
            assert again.row == after.row

    def teardown(self) -> None:
        """Check that each run's history is one unbroken chain, from its birth to where it stands."""
        for run_id in self._asked:
            steps = steps_of(self._database, run_id)
            assert steps[0][0] is None
            assert steps[0][1] in BIRTHS
            assert steps[-1][1] == self._seen[run_id].standing
            for (_, before), (came_from, after) in pairwise(steps):
                assert came_from == before
                assert before == after or (before, after) in MOVES | CORRECTIONS

    def _expect(
        self, act: Callable[[OperationRunService], object], *, if_: Callable[[Seen], bool]
    ) -> Seen | None:
        """Act, and hold the service to it that it writes exactly where it may; None: it did not."""
        before, after, result = self._try(act)
        may = if_(before)
        assert (result is not None) == may
        assert (after.row != before.row) == may
        return after if may else None

    def _try(
        self, act: Callable[[OperationRunService], T], *, corrects: bool = False
    ) -> tuple[Seen, Seen, T | None]:
        """Act in a transaction of its own; check what must hold whatever was done."""
        before, result = self._seen[self._run], None
        try:
            with self._database.transaction() as session:
                result = act(OperationRunService(session, clock=self._clock))
        except RunRefused:
            pass
        after = self._seen[self._run] = see(self._database, self._run)
        legal = MOVES | CORRECTIONS if corrects else MOVES
        assert before.standing == after.standing or (before.standing, after.standing) in legal
        assert before.dispatched_at in (None, after.dispatched_at)
        assert after.context.keys() <= CONTEXT
        if before.reconciliation is not None:
            assert after.reconciliation is not None
            assert after.reconciliation["previous"] == before.reconciliation["previous"]
        if after.reconciliation is not None:
            assert after.reconciliation.keys() == RECONCILIATION
            assert after.reconciliation["decision"] == after.standing.outcome
        return before, after, result

    def _correlation(self) -> Correlation:
        return Correlation(operation_type=_type_of(self._asked[self._run]), run_id=self._run)

    def _clock(self) -> datetime:
        # No two moments are the same, so that a write always shows.
        self._now += timedelta(seconds=1)
        return self._now


def _awaits_answer(before: Seen, index: int, *, unopened: bool = False) -> bool:
    pushes = before.context.get("pushes", [])
    return index < len(pushes) and pushes[index]["answer"] in ({None} if unopened else {None, "opened"})


def _expected(before: Seen, decision: ReconciliationDecision) -> WriteResult:
    """Say what law L5 makes of a decision."""
    names = ("adapter", "decision", "reason_code", "related")
    led_to = decision.related.model_dump(mode="json") if decision.related else None
    decided = [decision.adapter, decision.outcome, decision.reason_code, led_to]
    if before.reconciliation and [before.reconciliation[name] for name in names] == decided:
        return WriteResult.UNCHANGED
    if before.standing == completed(Outcome.SUCCEEDED):
        return WriteResult.ALREADY_SUCCEEDED
    return WriteResult.WRITTEN


def _first_previous(before: Seen) -> Json:
    if before.reconciliation:
        previous: Json = before.reconciliation["previous"]
        return previous
    return {"status": before.standing.status, "outcome": before.standing.outcome}


def _stands_open(before: Seen, rung: str) -> bool:
    return "cancellation" in before.context and before.context["cancellation"][rung] is None


def _type_of(asked: OperationInput) -> OperationType:
    if isinstance(asked, RestoreExecuteInput):
        return OperationType.RESTORE_EXECUTE
    return OperationType.ENVIRONMENT_REVIEW_COMPOSE


def test_the_service_keeps_to_the_table(database: Database) -> None:
    class OnThisDatabase(RunMachine):
        def __init__(self) -> None:
            super().__init__(database)

    run_state_machine_as_test(
        OnThisDatabase, settings=settings(max_examples=50, stateful_step_count=30, deadline=None)
    )
