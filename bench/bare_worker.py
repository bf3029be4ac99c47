"""The floor: a worker whose workflow runs three no-op activities, in as little code as the SDK allows."""

import asyncio
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

QUEUE = "bare"
THREADS = 64


@activity.defn
def do_nothing() -> None:
    """Do nothing."""


@workflow.defn(name="bare")
class BareWorkflow:
    """Runs three activities one after the other."""

    @workflow.run
    async def run(self) -> None:
        """Run them."""
        for _ in range(3):
            await workflow.execute_activity(do_nothing, start_to_close_timeout=timedelta(minutes=1))


async def main(address: str) -> None:
    """Work until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = await Client.connect(address)
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[BareWorkflow],
        activities=[do_nothing],
        activity_executor=ThreadPoolExecutor(THREADS),
        max_concurrent_activities=THREADS,
    )
    async with worker:
        print("worker ready", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
    sys.stdout.flush()
    # The SDK's threads may abort an interpreter that finalizes (runtime/process/exit.py).
    os._exit(0)
