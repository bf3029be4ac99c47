import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from runtime.local.own_program import own_argv, own_environment
from runtime.local.ports import free_ports, http_answers
from tests.system import System, wait_for


@contextmanager
def web_process(system: System, **settings: str) -> Iterator[httpx.Client]:
    """Run a web process of one's own beside the system, with settings of its own; lend its API."""
    ready = system.ready
    (port,) = free_ports(1)
    if "OPERATIONRUN_SECRET_KEY_FILE" not in settings:
        settings["OPERATIONRUN_SECRET_KEY"] = "a key of the fault lane alone, thirty-two letters long"
    settings = system.worker_settings | settings
    arguments = ("web", "--port", str(port), "--workers", "1")
    process = subprocess.Popen(
        own_argv("runtime.cli.main", *arguments), env=own_environment(settings), stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: http_answers(port, "/healthz"), what="the web process to answer")
        headers = {"Authorization": f"Bearer {ready['api_token']}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", headers=headers, timeout=30) as client:
            yield client
    finally:
        process.terminate()
        process.wait(timeout=60)
