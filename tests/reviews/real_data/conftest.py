import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from runtime.local.own_program import own_argv, own_environment
from runtime.local.ports import free_ports
from tests.factories import STRONG_KEY
from tests.left_out import leave_out
from tests.system import Json, System, wait_for

REAL_DATA = Path(__file__).parents[4] / "shared" / "data" / "openintunebaseline"
VERSIONS = ("windows-v3.4", "windows-v3.5", "windows-v3.6")
FORMS = ("html", "pdf", "json")
PROFILES = ("executive", "technical", "audit")

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Releases:
    """The real releases as a repository, with a published review of each."""

    system: System
    repository: Path
    environment: Json
    reviews: Mapping[str, Json]

    def git(self, *arguments: str) -> str:
        return self.git_bytes(*arguments).decode()

    def git_bytes(self, *arguments: str) -> bytes:
        command = ["git", "-C", str(self.repository), *arguments]
        return subprocess.run(command, check=True, capture_output=True).stdout

    def changes(self, version: str) -> list[Json]:
        return all_changes(self.system, self.reviews[version]["id"])

    def download(self, what: str, *, client: httpx.Client | None = None) -> bytes:
        """Download a file of the last release's review."""
        path = f"/reviews/{self.reviews[VERSIONS[-1]]['id']}/{what}"
        return downloaded(client or self.system.client, path)


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Say something on the terminal."""

    def tell(text: str) -> None:
        with capsys.disabled():
            print(f"\nreal configuration data: {text}")  # noqa: T201 - figures are for the terminal

    return tell


@pytest.fixture(scope="session")
def composed(request: pytest.FixtureRequest) -> Releases | None:
    """Compose and publish a review of each release, one after the other; None where they are not there."""
    if not (REAL_DATA / "make_repository.sh").exists():
        return None
    system: System = request.getfixturevalue("system")
    repository = system.repositories / "releases.git"
    subprocess.run(
        ["bash", str(REAL_DATA / "make_repository.sh"), str(repository)], check=True, capture_output=True
    )
    environment = system.environment(str(repository), baseline_ref=VERSIONS[0])
    body = {"label": "before the last release", "ref": VERSIONS[1]}
    system.post(f"/environments/{environment['id']}/restore-points", body)
    reviews = {version: compose_and_publish(system, environment, version) for version in VERSIONS}
    return Releases(system=system, repository=repository, environment=environment, reviews=reviews)


@pytest.fixture
def releases(composed: Releases | None) -> Releases:
    """The real releases; left out where they are not there."""
    if composed is None:
        lacking = f"../shared/data/{REAL_DATA.name} is not there."
        leave_out("real configuration data", without=lacking, in_ci_too=True)
    return composed


def compose_and_publish(system: System, environment: Json, ref: str | None = None) -> Json:
    run = system.settled(system.compose(environment, ref))
    assert run["outcome"] == "succeeded", run["message"]
    review_id = run["links"]["related"]["id"]
    return system.post(f"/reviews/{review_id}/publish", {}, expect=200)


def all_changes(system: System, review_id: str, *, limit: int = 5) -> list[Json]:
    """Read every page of a review's changes."""
    items: list[Json] = []
    after: dict[str, Any] = {}
    while True:
        page = system.get(f"/reviews/{review_id}/changes", limit=str(limit), **after)
        items += page["items"]
        if page["next"] is None:
            return items
        after = {"after": str(page["next"])}


def downloaded(client: httpx.Client, path: str) -> bytes:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.content


@contextmanager
def another_web_process(system: System) -> Iterator[httpx.Client]:
    """Run a web server of one's own beside the system's."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    settings = {**system.worker_settings, "OPERATIONRUN_SECRET_KEY": STRONG_KEY, "TZ": "Asia/Tokyo"}
    arguments = ("web", "--port", str(port), "--workers", "1")
    process = subprocess.Popen(
        own_argv("runtime.cli.main", *arguments), env=own_environment(settings), stderr=subprocess.DEVNULL
    )
    try:
        headers = {"Authorization": system.client.headers["Authorization"]}
        with httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=30) as client:
            wait_for(lambda: _answers(url), what="another web process")
            yield client
    finally:
        process.terminate()
        process.wait(timeout=60)


def restart_web(system: System) -> None:
    """Kill the system's web process, and wait until `up` has started another that answers."""
    killed = system.ready["pids"]["web"]
    subprocess.run(["kill", "-9", str(killed)], check=True)
    url = system.ready["web_url"]
    wait_for(lambda: system.ready["pids"]["web"] != killed and _answers(url), what="the web process")


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False
