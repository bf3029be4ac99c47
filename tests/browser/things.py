from functools import cached_property
from uuid import uuid4

from runtime.local.sample_environment import BASELINE, RELEASES, make_sample_repository
from tests.slow_remotes import silence
from tests.system import Json, System


class Things:
    """One of everything that a page can be about, made the first time a page asks for it."""

    def __init__(self, system: System) -> None:
        self.system = system

    @cached_property
    def environment(self) -> Json:
        """The sample: three releases, a baseline, secrets, and a file that does not parse."""
        repository = make_sample_repository(self.system.repositories)
        return self.system.environment(str(repository), baseline_ref=BASELINE)

    @cached_property
    def composed(self) -> Json:
        """The run that composed the first review."""
        return self.system.settled(self.system.compose(self.environment, RELEASES[0]))

    @cached_property
    def superseded(self) -> str:
        review_id: str = self.composed["links"]["related"]["id"]
        return self.publish(review_id)

    @cached_property
    def published(self) -> str:
        """The review that is published now; the first one is superseded by it."""
        assert self.superseded
        return self.publish(self._compose(self.environment, RELEASES[1]))

    @cached_property
    def draft(self) -> str:
        assert self.published
        return self._compose(self.environment)

    @cached_property
    def finding(self) -> str:
        """The code of a finding that the draft and the published review share."""
        both = (self.system.get(f"/reviews/{each}")["findings"] for each in (self.draft, self.published))
        drafts, published = ({finding["code"] for finding in findings} for findings in both)
        code: str = min(drafts & published)
        return code

    @cached_property
    def changed_item(self) -> str:
        """An item whose settings the draft has differently from the published review."""
        changes = self.system.get(f"/reviews/{self.draft}/changes")["items"]
        path: str = next(change["path"] for change in changes if change["settings"])
        return path

    @cached_property
    def plan(self) -> Json:
        return self.system.plan(self.environment, RELEASES[1], items=["**/*.json"])

    @cached_property
    def restored(self) -> Json:
        """The run of a restore that was made, in an environment of its own."""
        repository = self.system.repository({"a.json": "1", "b.json": "1"})
        repository.tag("release-1")
        repository.commit({"a.json": "2", "b.json": None})
        environment = self.system.environment(repository.url)
        run = self.system.restore(environment, self.system.plan(environment, "release-1"))
        return self.system.settled(run)

    @cached_property
    def failed(self) -> Json:
        return self.system.settled(self.system.compose(self.environment, "release-that-is-not-there"))

    @cached_property
    def cancelled(self) -> Json:
        run = self.running()
        self.system.post(f"/operations/{run['id']}/cancel", {}, expect=202)
        return self.system.settled(run)

    def running(self) -> Json:
        """Return a run that goes on for half a minute at least, unless somebody cancels it."""
        repository = self.system.repository({"a.json": "1"})
        environment = self.system.environment(repository.url)
        silence(repository)
        return self.system.running(self.system.compose(environment))

    def two_drafts(self) -> tuple[str, str]:
        """Return two drafts of one environment, of which one can still be published."""
        repository = self.system.repository({"a.json": "1"})
        environment = self.system.environment(repository.url)
        earlier = self._compose(environment)
        repository.commit({"a.json": "2"})
        return earlier, self._compose(environment)

    @staticmethod
    def nowhere() -> str:
        return str(uuid4())

    def _compose(self, environment: Json, ref: str | None = None) -> str:
        run = self.system.settled(self.system.compose(environment, ref))
        review_id: str = run["links"]["related"]["id"]
        return review_id

    def publish(self, review_id: str) -> str:
        self.system.post(f"/reviews/{review_id}/publish", {}, expect=200)
        return review_id
