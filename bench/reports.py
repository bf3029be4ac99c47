"""A report of 500 changed items with 25 settings each, as PDF: memory, time, and what others notice.

One web server of two processes on one PostgreSQL server. First one request alone, then forty at once for as
many reviews, each sent again after `Retry-After` until it has its file; meanwhile `/healthz` is asked every
20 ms. Memory is the sum of all rendering children, compilers included, at its highest. Values have 400
characters, so that nothing fits whole.
"""

import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import Final, Self

import psutil
import requests

from bench.report import Row, write
from models.access import Role
from runtime.local.own_program import own_argv, own_environment
from runtime.local.ports import free_ports
from runtime.local.postgres import running_postgres
from runtime.migrate import upgrade
from services.access.tokens import create_token
from services.database.session import Database
from services.reports.document import ReviewSource
from tests.factories import make_environment, make_workspace
from tests.review_documents import insert_review, make_change, make_source

ITEMS, SETTINGS, LENGTH = 500, 25, 400
AT_ONCE: Final = 40
MEGABYTE: Final = 1024 * 1024
MEMORY, SECONDS, HEALTH = 512 * MEGABYTE, 3.0, 0.1


def main() -> None:
    """Measure, and write bench/results/reports.json and .md."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_postgres(Path(folder), say=lambda _: None) as server,
    ):
        upgrade(server.url)
        token, paths = fill(Database.connect(server.url))
        with web_server(server.url) as (url, process):
            session = requests.Session()
            session.headers["Authorization"] = f"Bearer {token}"
            download(session, f"{url}{paths[-1]}")
            with Watched(process, url) as alone:
                started = time.monotonic()
                download(session, f"{url}{paths[0]}")
                taken = time.monotonic() - started
            with Watched(process, url) as together, ThreadPoolExecutor(AT_ONCE) as threads:
                started = time.monotonic()
                list(threads.map(lambda path: download(session, f"{url}{path}"), paths[1 : AT_ONCE + 1]))
                whole = time.monotonic() - started
    write(
        "reports",
        [
            at_most("memory of one report", alone.peak / MEGABYTE, MEMORY / MEGABYTE, "MB"),
            at_most("time of one report", taken, SECONDS, "s"),
            at_most("/healthz, slowest while one is rendered", max(alone.health), HEALTH, "s"),
            at_most(f"/healthz, slowest with {AT_ONCE} at once", max(together.health), HEALTH, "s"),
        ],
        notes=[
            (
                f"{AT_ONCE} at once: all there after {whole:.0f} s; rendering took "
                f"{together.peak / MEGABYTE:.0f} MB at its highest, in both processes together."
            ),
            f"/healthz, median: {median(together.health) * 1000:.0f} ms of {len(together.health)}.",
        ],
    )


def at_most(what: str, ours: float, most: float, unit: str) -> Row:
    """Compare a figure with what it may be."""
    return Row(
        what=what,
        ours=f"{ours:.2f} {unit}",
        floor=f"{most:g} {unit}",
        ratio=ours / most,
        promise="at most 1x",
        kept=ours <= most,
    )


def fill(database: Database) -> tuple[str, list[str]]:
    """Make the reviews; return a token and the paths of their reports, a small one to warm up last."""
    chance = random.Random(1)  # noqa: S311 # no secret
    with database.transaction() as session:
        workspace = make_workspace(session, "bench")
        environment = make_environment(session, workspace)
    paths, every = [], large(chance)
    for place in range(AT_ONCE + 2):
        source = make_source(1) if place > AT_ONCE else every
        with database.transaction() as session:
            review = insert_review(session, environment, source)
            paths.append(f"/api/v1/reviews/{review.id}/report/technical.pdf")
    with database.transaction() as session:
        token = create_token(session, workspace_id=workspace.id, role=Role.READER, name="reader")
    database.close()
    return token, paths


def large(chance: random.Random) -> ReviewSource:
    """Return a review whose every value is different, and longer than a PDF prints."""

    def value() -> str:
        return "".join(chance.choices("abcdefghij klmno.pqr/st:uvw-xyz_0123456789", k=LENGTH))

    def settings(item: int) -> list[dict[str, object]]:
        return [
            {"path": f"group{item}[{n}].value", "change": "changed", "before": value(), "after": value()}
            for n in range(SETTINGS)
        ]

    changes = [make_change(item, settings=settings(item)) for item in range(ITEMS)]
    return ReviewSource(document=make_source(ITEMS).document, changes=lambda: iter(changes))


def download(session: requests.Session, url: str) -> None:
    """Request a report until it is there."""
    while (answer := session.get(url, timeout=60)).status_code == HTTPStatus.ACCEPTED:
        time.sleep(int(answer.headers["Retry-After"]))
    assert answer.status_code == HTTPStatus.OK, answer.text
    assert answer.content.startswith(b"%PDF-")


@contextmanager
def web_server(database_url: str) -> Iterator[tuple[str, psutil.Process]]:
    """Run a web server while the block lasts."""
    (port,) = free_ports(1)
    settings = {
        "OPERATIONRUN_DATABASE_URL": database_url,
        "OPERATIONRUN_TEMPORAL_ADDRESS": "127.0.0.1:1",
        "OPERATIONRUN_SECRET_KEY": os.urandom(32).hex(),
    }
    argv = own_argv("runtime.cli.main", "web", "--port", str(port))
    process = subprocess.Popen(argv, env=own_environment(settings), stdout=sys.stderr)
    url = f"http://127.0.0.1:{port}"
    try:
        while not answers(url):
            assert process.poll() is None, "the web server ended"
            time.sleep(0.1)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def answers(url: str) -> bool:
    """Return whether the server is there."""
    try:
        return requests.get(f"{url}/healthz", timeout=5).ok
    except requests.RequestException:
        return False


class Watched:
    """Watches a server from outside while the block lasts: its children's memory, and how fast it answers."""

    def __init__(self, process: psutil.Process, url: str) -> None:
        self.peak = 0
        self.health: list[float] = []
        self._process, self._url = process, url
        self._over = threading.Event()
        self._threads = [threading.Thread(target=each) for each in (self._weigh, self._ask)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _weigh(self) -> None:
        while not self._over.wait(0.02):
            workers = self._process.children()
            self.peak = max(self.peak, sum(map(memory_below, workers)))

    def _ask(self) -> None:
        with requests.Session() as session:
            while not self._over.wait(0.02):
                started = time.monotonic()
                assert session.get(f"{self._url}/healthz", timeout=30).ok
                self.health.append(time.monotonic() - started)


def memory_below(worker: psutil.Process) -> int:
    """Return the memory of a web process's children, in bytes."""
    total = 0
    for child in worker.children(recursive=True):
        try:
            total += child.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


if __name__ == "__main__":
    main()
