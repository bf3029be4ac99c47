from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response

# What Chromium says beside each answer of 400 and above; the answer itself is watched.
_ANSWERED = "Failed to load resource: the server responded with a status of"


class Watch:
    """Notes what no page may ever do: say an error, break its own policy, ask another host, get a refusal."""

    def __init__(self, context: BrowserContext, site: str) -> None:
        self._host = urlsplit(site).netloc
        self._expected: set[int] = set()
        self._refused: list[tuple[int, str]] = []
        self._said: list[str] = []
        self.answers: list[Response] = []
        context.on("console", self._hear)
        context.on("request", self._see_request)
        context.on("response", self._see_answer)
        context.on("weberror", lambda error: self._said.append(f"{error.page}: {error.error}"))

    def expect(self, *statuses: int) -> None:
        """Let pages answer with a status that is a refusal, where a test asks for one."""
        self._expected.update(statuses)

    @property
    def troubles(self) -> list[str]:
        """All that was noted so far, each in a line."""
        refused = [f"{status} {url}" for status, url in self._refused if status not in self._expected]
        return [*self._said, *refused]

    def answers_of(self, path: str) -> list[Response]:
        """Return the answers that an address has given so far, oldest first."""
        return [answer for answer in self.answers if urlsplit(answer.url).path == path]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(_ANSWERED):
            self._said.append(f"{message.page.url if message.page else ''}: {message.text}")

    def _see_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != self._host:
            self._said.append(f"asked another host: {request.url}")

    def _see_answer(self, answer: Response) -> None:
        self.answers.append(answer)
        if answer.status >= 400:
            self._refused.append((answer.status, answer.url))
