"""A worker as it would be after a bad release: its sweep works, and its workflows raise."""

import asyncio
from typing import Any

from temporalio import workflow
from temporalio.worker import Worker

from models.catalog import OperationType
from runtime.process.exit import run_and_exit
from runtime.settings import Settings
from runtime.temporal.client import connect
from runtime.worker import WORKFLOW_RUNNER, build_sweeper
from services.database.session import Database


@workflow.defn(name=OperationType.RESTORE_EXECUTE)
class BrokenRestore:
    @workflow.run
    async def run(self, _: Any) -> None:
        raise KeyError("the bug of a bad release")


@workflow.defn(name=OperationType.ENVIRONMENT_REVIEW_COMPOSE)
class BrokenCompose:
    @workflow.run
    async def run(self, _: Any) -> None:
        raise KeyError("the bug of a bad release")


async def _work() -> int:
    settings = Settings.from_environment()
    database = Database.connect(settings.need_database_url())
    client = await connect(settings.need_temporal(), lazy=False)
    broken = Worker(
        client,
        task_queue=settings.task_queue,
        workflows=[BrokenRestore, BrokenCompose],
        workflow_runner=WORKFLOW_RUNNER,
    )
    sweeper = build_sweeper(client, database, settings)
    async with broken, sweeper:
        print("worker ready", flush=True)  # noqa: T201 - the line that the crew waits for
        await asyncio.Event().wait()
    return 0


if __name__ == "__main__":
    run_and_exit(lambda: asyncio.run(_work()))
