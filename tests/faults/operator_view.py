"""What an operator reads of a run, and what must never stand there (law L10)."""

import re
from functools import cache
from html.parser import HTMLParser

import httpx

from tests.runs.viewer.test_messages import EXPERT_WORDS
from tests.system import System

# A page may speak of commits and of Temporal by name; what the machinery below says to itself it may not.
INTERNALS = re.compile(
    r"sqlstate|psycopg|sqlalchemy|duplicate key|violates|constraint|\b(?:uq|ix|ck|fk)_\w+"
    r"|\bselect\b.+\bfrom\b|\bupdate\b.+\bset\b|traceback|file \"|exception|\w+error\b|statuscode"
    r"|grpc|\brpc\b|tmprl|deadline_exceeded|activitytask|workflowtask|heartbeat"
    r"|fatal:|remote:|refs/heads|pre-receive|non-fast-forward|lock ref|stderr|exit code"
)
_LINK = re.compile(r"Sign in \(once\): +(\S+)")
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_UNSEEN = frozenset({"script", "style", "head"})


def assert_calm(system: System, run_id: str) -> None:
    """Fail if a run's message or page says what only an expert would read; technical details may."""
    message = system.get(f"/operations/{run_id}")["message"]
    said = " ".join(message[part] for part in ("title", "body", "next"))
    assert EXPERT_WORDS.findall(said) == [], said
    shown = page_of(system, run_id)
    assert message["title"] in shown
    assert INTERNALS.findall(shown.lower()) == [], shown


def page_of(system: System, run_id: str) -> str:
    """Return the text of a run's page, without its technical details."""
    answer = _signed_in(system).get(f"/operations/{run_id}")
    assert answer.status_code == 200, answer.text
    reader = _Reader()
    reader.feed(answer.text)
    return " ".join(reader.words)


@cache
def _signed_in(system: System) -> httpx.Client:
    """Sign in once, by the link that `up` says at its start."""
    said = (system.ready_file.parent / "up.log").read_text()
    link = _LINK.search(said)
    assert link is not None, said
    browser = httpx.Client(base_url=system.ready["web_url"], timeout=30)
    token = _TOKEN.search(browser.get(link[1]).text)
    assert token is not None
    answer = browser.post(link[1], data={"csrf_token": token[1]})
    assert answer.status_code == 303, answer.text
    return browser


class _Reader(HTMLParser):
    """Gathers the words of a page that stand outside <details>."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden += self._hides(tag)

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= self._hides(tag)

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.words.append(data.strip())

    def _hides(self, tag: str) -> bool:
        return tag == "details" or tag in _UNSEEN
