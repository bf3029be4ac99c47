"""Take the screenshots of README and docs in Chromium, from a sample system of its own.

Usage: make pictures
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import httpx
from playwright.sync_api import Browser, StorageState

from runtime.local.own_program import own_argv, own_environment
from runtime.local.sample_environment import RELEASES
from tests.browser.chromium import MISSING, chromium_path, launched
from tests.system import Json, wait_for

IMAGES: Final = Path(__file__).parents[1] / "docs" / "images"
WIDE, NARROW, HEIGHT = 1200, 390, 1120
LARGEST: Final = 150_000  # bytes


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A running system with the sample environment."""

    site: str
    sign_in_url: str
    client: httpx.Client

    def compose(self, ref: str | None) -> Json:
        """Compose a review of the sample, and return its completed run."""
        environment = self.client.get("/environments").json()["items"][0]
        body = {"type": "environment.review.compose", "environment_id": environment["id"]}
        given = {"input": {"ref": ref} if ref else {}}
        run = self.client.post("/operations", json=body | given).raise_for_status().json()

        def look() -> Json | None:
            found: Json = self.client.get(f"/operations/{run['id']}").json()
            return found if found["status"] == "completed" else None

        return wait_for(look, what="a review")

    def publish(self, run: Json) -> str:
        """Publish the review that a run composed, and return its id."""
        review_id: str = run["links"]["related"]["id"]
        self.client.post(f"/reviews/{review_id}/publish", json={}).raise_for_status()
        return review_id


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A screenshot: its page, width and colour scheme."""

    name: str
    address: Callable[[Json], str]
    width: int = WIDE
    light: Literal["light", "dark"] = "light"


PICTURES: Final = (
    Picture(name="run", address=lambda of: f"/operations/{of['run']}"),
    Picture(name="runs", address=lambda _: "/operations"),
    Picture(name="review", address=lambda of: f"/reviews/{of['draft']}"),
    Picture(
        name="comparison", address=lambda of: f"/reviews/compare?from={of['published']}&to={of['draft']}"
    ),
    Picture(name="published", address=lambda of: f"/published/{of['published']}"),
    Picture(name="run-dark", address=lambda of: f"/operations/{of['run']}", light="dark"),
    Picture(name="run-narrow", address=lambda of: f"/operations/{of['run']}", width=NARROW),
)


def main() -> int:
    """Take every screenshot; return 1 without a browser, or where one is larger than LARGEST."""
    path = chromium_path()
    if path is None:
        print(MISSING, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="operationrun-") as scratch, _sample(Path(scratch)) as sample:
        of = _history(sample)
        with launched(path) as browser:
            state = _signed_in(browser, sample)
            sizes = [_take(browser, state, sample.site + each.address(of), each) for each in PICTURES]
    return int(max(sizes) > LARGEST)


def _history(sample: Sample) -> Json:
    sample.publish(sample.compose(RELEASES[0]))
    published = sample.publish(sample.compose(RELEASES[1]))
    sample.compose("release-4")  # does not exist: one failed run for the list
    run = sample.compose(None)
    return {"run": run["id"], "published": published, "draft": run["links"]["related"]["id"]}


@contextmanager
def _sample(folder: Path) -> Iterator[Sample]:
    ready_file, said = folder / "ready.json", folder / "up.log"
    arguments = ("up", "--data-dir", str(folder / "data"), "--port", "0", "--ready-file", str(ready_file))
    with said.open("wb") as log:
        process = subprocess.Popen(
            own_argv("runtime.cli.main", *arguments), env=own_environment({}), stdout=log, stderr=log
        )
    try:
        wait_for(lambda: ready_file.exists() or process.poll(), what="the system to be ready", patience=600)
        ready = json.loads(ready_file.read_text())
        link = wait_for(lambda: re.search(r"http\S+/sign-in/\S+", said.read_text()), what="a sign-in link")
        headers = {"Authorization": f"Bearer {ready['api_token']}"}
        with httpx.Client(base_url=f"{ready['web_url']}/api/v1", headers=headers, timeout=60) as client:
            yield Sample(site=ready["web_url"], sign_in_url=link[0], client=client)
    finally:
        process.terminate()
        process.wait(timeout=90)


def _signed_in(browser: Browser, sample: Sample) -> StorageState:
    context = browser.new_context()
    page = context.new_page()
    page.goto(sample.sign_in_url)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
    state = context.storage_state()
    context.close()
    return state


def _take(browser: Browser, state: StorageState, address: str, picture: Picture) -> int:
    """Take the screenshot of the top of a page, and return its size in bytes."""
    context = browser.new_context(
        storage_state=state,
        viewport={"width": picture.width, "height": HEIGHT},
        color_scheme=picture.light,
        locale="en-GB",
        timezone_id="UTC",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(address)
    page.wait_for_load_state("networkidle")
    # A run's page changes until its history is stored.
    page.locator("#run[data-completed=false]").wait_for(state="detached")
    height = min(int(page.evaluate("document.body.scrollHeight")), HEIGHT)
    file = IMAGES / f"{picture.name}.png"
    file.write_bytes(page.screenshot(clip={"x": 0, "y": 0, "width": picture.width, "height": height}))
    context.close()
    print(f"{file.name:16} {picture.width} x {height} {file.stat().st_size // 1000:4} kB", flush=True)
    return file.stat().st_size


if __name__ == "__main__":
    sys.exit(main())
