import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfigProfile
from temporalio.runtime import Runtime
from temporalio.service import RetryConfig

from runtime.telemetry.tracing import client_interceptors
from runtime.temporal.profile import need_connect_config

T = TypeVar("T")

# A web request that starts a run must answer within seconds; the run is committed either way.
CALL_TIMEOUT = timedelta(seconds=4)
RPC_TIMEOUT = timedelta(seconds=2)


async def connect(
    profile: ClientConfigProfile, *, lazy: bool = True, runtime: Runtime | None = None
) -> Client:
    """Make a client; a lazy one connects at its first call, another at once or raises RuntimeError.

    `profile` has an address and a namespace. `runtime` None is the SDK's default runtime, which serves no
    metrics. Raises SettingsError for a certificate or a key that cannot be read.
    """
    return await Client.connect(
        **need_connect_config(profile),
        data_converter=pydantic_data_converter,
        interceptors=client_interceptors(),
        lazy=lazy,
        runtime=runtime,
        retry_config=RetryConfig(max_elapsed_time_millis=3000, max_retries=5),
    )


class TemporalConnection:
    """One client on one background event loop, for synchronous code.

    The first call creates both, also in a forked process: a client survives no fork and belongs to one loop.
    """

    def __init__(self, profile: ClientConfigProfile) -> None:
        self.profile = profile
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Client | None = None

    def call(
        self, action: Callable[[Client], Coroutine[Any, Any, T]], *, timeout: timedelta = CALL_TIMEOUT
    ) -> T:
        """Run an action with the client and return its result; raise TimeoutError after `timeout`."""
        loop = self._running_loop()
        future = asyncio.run_coroutine_threadsafe(self._act(action), loop)
        try:
            return future.result(timeout.total_seconds())
        except FutureTimeoutError:
            future.cancel()
            raise TimeoutError("Temporal did not answer in time") from None

    async def _act(self, action: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
        if self._client is None:
            self._client = await connect(self.profile)
        return await action(self._client)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                self._pid, self._client = os.getpid(), None
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="temporal-client", daemon=True).start()
            return self._loop
