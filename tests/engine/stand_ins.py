import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.workflow import ActivityCancellationType

from models.catalog import OperationType
from models.contracts.review_compose import ReviewComposeInput

COMPOSE = OperationType.ENVIRONMENT_REVIEW_COMPOSE
NOBODY = "a-queue-that-nobody-polls"
SECRET = "ghp_0123456789abcdef0123456789abcdef"
AT_ONCE = RetryPolicy(initial_interval=timedelta(milliseconds=10), backoff_coefficient=1)
LONG = timedelta(minutes=10)
MUCH_LATER = RetryPolicy(initial_interval=timedelta(minutes=2))


@activity.defn
async def prepare(name: str) -> str:
    return name


@activity.defn
async def reach_the_remote() -> None:
    if activity.info().attempt < 3:
        message = f"could not read https://user:{SECRET}@git.example.org/repository.git: {'x' * 500}"
        raise ApplicationError(message, type="environment_unreachable")


@activity.defn
async def hold() -> None:
    await asyncio.Event().wait()


@activity.defn
async def push() -> None:
    message = "the remote refused the push"
    raise ApplicationError(message, type="push_refused", non_retryable=True) from ValueError("a hook said no")


@workflow.defn(name=COMPOSE)
class StandIn:
    """Ends, or does not, in the way that its input's `ref` names."""

    @workflow.run
    async def run(self, operation_input: ReviewComposeInput) -> str:
        await getattr(self, operation_input.ref or "complete")()
        return "done"

    async def complete(self) -> None:
        await workflow.execute_activity(prepare, "windows", summary="Prepare it", start_to_close_timeout=LONG)

    async def wait(self) -> None:
        await workflow.wait_condition(lambda: False)

    async def fail(self) -> None:
        await workflow.execute_activity(push, start_to_close_timeout=LONG)

    async def retry(self) -> None:
        await workflow.execute_activity(
            reach_the_remote, start_to_close_timeout=LONG, retry_policy=AT_ONCE, summary="Fetch it"
        )

    async def retry_for_long(self) -> None:
        await self.complete()
        await workflow.execute_activity(
            reach_the_remote, start_to_close_timeout=LONG, retry_policy=MUCH_LATER
        )

    async def hold(self) -> None:
        await workflow.execute_activity(hold, start_to_close_timeout=LONG)

    async def bug(self) -> None:
        raise RuntimeError("this workflow's code has a bug")

    async def time_out_a_step(self) -> None:
        await workflow.execute_activity(
            prepare,
            "never",
            task_queue=NOBODY,
            schedule_to_start_timeout=timedelta(seconds=1),
            start_to_close_timeout=LONG,
        )

    async def wait_for_a_step(self) -> None:
        await workflow.execute_activity(
            prepare,
            "never",
            task_queue=NOBODY,
            start_to_close_timeout=LONG,
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )

    async def many_steps(self) -> None:
        await asyncio.gather(
            *(
                workflow.execute_activity(
                    prepare, str(number), summary=f"{number} " + "z" * 150, start_to_close_timeout=LONG
                )
                for number in range(40)
            )
        )
