"""What code asks of its surroundings, which the process that runs at the moment answers by its ports."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock
from uuid import UUID

import temporalio.activity

from services.restores.push_ledger import RunPushLedger
from services.restores.pushing import RestorePushing
from services.runs.admission import OperationRequests
from services.runs.service import OperationRunService
from tests.proof import reviews
from tests.proof.executions import TARGET
from tests.proof.ports.temporal import AskCancelled, AskTime, AskTries, run_id_of
from tests.proof.replay import Ports
from tests.proof.scene import RUN
from tests.proof.world import BEGINNING


class Present:
    """The ports of the process whose code runs at the moment: there is one at a time."""

    ports: Ports = Ports(())
    workflow_id: str | None = None
    # The run of a request, if that makes one.
    new_run_id: UUID = RUN


class _Info(SimpleNamespace):
    @property
    def attempt(self) -> int:
        # Asked where it counts: an error that nobody foresaw is a world's own mishap.
        return int(Present.ports.do(AskTries()))


def _info() -> SimpleNamespace:
    return _Info(
        task_queue=TARGET.queue,
        namespace=TARGET.connection,
        scheduled_time=BEGINNING,
        workflow_run_id=run_id_of(Present.workflow_id or ""),
    )


def now() -> datetime:
    return cast("datetime", Present.ports.do(AskTime()))


def _is_cancelled() -> bool:
    return bool(Present.ports.do(AskCancelled()))


def _new_run_id() -> UUID:
    return Present.new_run_id


def _new_review_id() -> UUID:
    return reviews.id_by(Present.workflow_id)


@contextmanager
def instead_of_the_surroundings() -> Iterator[None]:
    """Answer what code asks Temporal's SDK and the default clock."""
    with (
        mock.patch.object(temporalio.activity, "info", _info),
        mock.patch.object(temporalio.activity, "is_cancelled", _is_cancelled),
        mock.patch("reconcilers.restore_execute.utc_now", now),
        # How often each begins again: twice is enough to come from any round to the next and to the end.
        mock.patch("reconcilers.reconciler.ROUNDS", 2),
        mock.patch("services.restores.execution.ROUNDS", 2),
        _clock_of(OperationRequests),
        _clock_of(OperationRunService),
        _clock_of(RestorePushing),
        _clock_of(RunPushLedger),
        mock.patch("services.runs.admission.uuid7", _new_run_id),
        mock.patch("services.reviews.new_review.uuid7", _new_review_id),
        reviews.without_content(),
    ):
        yield


def _clock_of(maker: type) -> AbstractContextManager[Any]:
    return mock.patch.dict(maker.__init__.__kwdefaults__, clock=now)  # type: ignore[misc]
