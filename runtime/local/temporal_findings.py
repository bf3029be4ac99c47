import asyncio
from collections.abc import Awaitable, Iterator

from temporalio.client import Client, ScheduleDescription
from temporalio.service import RPCError, RPCStatusCode

from runtime.local.finding import Finding
from runtime.local.temporal_server import unreachable_reason
from runtime.settings import Settings
from runtime.temporal import rpc
from runtime.temporal.client import RPC_TIMEOUT, connect
from runtime.temporal.search_attributes import find_problems, word_problems
from runtime.temporal.setup import SWEEP_SCHEDULE

_SET_UP = "operationrun setup-temporal"


def examine_temporal(settings: Settings) -> list[Finding]:
    """Compare the namespace at the settings' address with what a worker needs there; change nothing."""
    profile = settings.need_temporal()
    reason = unreachable_reason(profile)
    answers = Finding(
        check="Temporal",
        ok=reason is None,
        found=f"{profile.address}: {reason or 'answers'}",
        fix="Start that server, or correct OPERATIONRUN_TEMPORAL_ADDRESS.",
    )
    return [answers] if reason else [answers, *asyncio.run(_compare(settings))]


async def _compare(settings: Settings) -> list[Finding]:
    client = await connect(settings.need_temporal())
    queues = (settings.task_queue, settings.sweep_queue)
    checks = {
        "search attributes": _search_attributes(client),
        "sweep schedule": _schedule(client, settings.sweep_queue),
        **{f"task queue {queue}": _pollers(client, queue) for queue in queues},
    }
    return [await _answered(check, finding) for check, finding in checks.items()]


async def _answered(check: str, finding: Awaitable[Finding]) -> Finding:
    try:
        return await finding
    except RPCError as error:
        found = f"could not check: {error.message}"
        return Finding(check=check, ok=False, found=found, fix="operationrun doctor, once more", needed=False)


async def _search_attributes(client: Client) -> Finding:
    problems = await find_problems(client)
    return Finding(
        check="search attributes",
        ok=not problems,
        found=word_problems(client.namespace, problems) if problems else "all Keywords",
        fix=_SET_UP,
        needed=False,
    )


async def _schedule(client: Client, queue: str) -> Finding:
    try:
        described = await client.get_schedule_handle(SWEEP_SCHEDULE).describe(rpc_timeout=RPC_TIMEOUT)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return Finding(check="sweep schedule", ok=False, found="not there", fix=_SET_UP)
    problems = list(_problems_of(described, queue))
    return Finding(check="sweep schedule", ok=not problems, found="; ".join(problems) or "runs", fix=_SET_UP)


def _problems_of(described: ScheduleDescription, queue: str) -> Iterator[str]:
    schedule = described.schedule
    if schedule.state.paused:
        yield f"paused ({schedule.state.note or 'no note'})"
    if getattr(schedule.action, "task_queue", None) != queue:
        yield f"starts the sweep on another task queue than {queue}"


async def _pollers(client: Client, queue: str) -> Finding:
    answers = await rpc.describe_queue(client, queue)
    workers = {poller.identity for answer in answers for poller in answer.pollers}
    return Finding(
        check=f"task queue {queue}",
        ok=all(answer.pollers for answer in answers),
        found=f"{len(workers)} polled it within five minutes" if workers else "no worker polls it",
        fix="operationrun worker, with the same OPERATIONRUN_TASK_QUEUE and Temporal namespace",
        needed=False,
    )
