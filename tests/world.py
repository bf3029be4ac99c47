from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask, has_request_context
from uuid_utils.compat import uuid7

from models.access import Member, Role, User, Workspace
from models.actor import Actor
from models.base import utc_now
from models.catalog import OperationType
from models.contracts import Failure
from models.environment import Environment
from models.lifecycle import Outcome
from models.operation_run import OperationRun, OperationRunHistory
from models.reason_codes import ReasonCode
from models.reconciliation import ReconciliationDecision, Related
from models.restore import RestorePlan
from models.review import EnvironmentReview, ReviewChange, ReviewStatus
from services.access.sign_in_links import create_sign_in_link
from services.access.tokens import create_token
from services.database.row_security import RowScope
from services.database.session import Database
from services.reviews.lineage import Reviews
from services.runs.inputs import parse_input
from services.runs.service import OperationRunService
from tests.clients import Api, Browser
from tests.factories import (
    correlation_of,
    make_environment,
    make_plan,
    make_workspace,
    planned,
    request,
    start,
)
from tests.fake_engine import FakeEngine, services_on
from tests.git_repository import git, make_repository
from web.app import create_app
from web.context import EXTENSION, Services, scope_of_request
from web.metrics import exposition
from web.rate_limits import Buckets, Limit, RequestLimits

ABSENT = "01890000-0000-7000-8000-000000000000"
COMPOSE = OperationType.ENVIRONMENT_REVIEW_COMPOSE
RESTORE = OperationType.RESTORE_EXECUTE
SYSTEM = Actor(kind="system", name="sweep")
# The role that the database's login is by itself.
UNSCOPED = RowScope(role="none")
# Only the tests of the limits reach one.
AMPLE = Limit(per_minute=600_000, burst=10_000)


def app_on(services: Services) -> Flask:
    """Return the web app on these services: a copy of one app, since compiling its routes takes 0.1 s."""
    app = copy(_app())
    app.extensions = {
        **app.extensions,
        EXTENSION: services,
        exposition.EXTENSION: exposition.Metrics(services.database),
    }
    return app


@cache
def _app() -> Flask:
    nowhere = Database.connect("postgresql://nowhere.invalid")
    services = services_on(FakeEngine(), nowhere, folder=Path(), roots=[], public_url="http://localhost")
    return create_app(services, secret_key="a key of the tests alone")


class World:
    """A workspace with an environment, the web app before it, and consistent rows of any standing.

    Its environments read `repository`; None: a remote that no test reads.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        *,
        slug: str = "contoso",
        public_url: str = "http://localhost",
        repository: Path | None = None,
    ) -> None:
        self.database = database
        self.folder = folder
        self.engine = FakeEngine()
        # Inside a request as a web process composes it; the tests' own hands are free.
        narrowed = database.narrowed(lambda: scope_of_request() if has_request_context() else UNSCOPED)
        services = services_on(self.engine, narrowed, folder=folder, roots=[folder], public_url=public_url)
        limits = RequestLimits(tokens=Buckets(AMPLE), addresses=Buckets(AMPLE))
        self.services = replace(services, request_limits=limits)
        self.app = app_on(self.services)
        self.now = datetime(2026, 11, 17, 9, 30, tzinfo=UTC)
        self.repository = repository or folder / "configuration"
        self._columns = (
            {"repository_url": str(repository)}
            if repository
            else {"repository_url": "https://git.contoso.example/configuration.git", "path_prefix": "windows"}
        )
        self.workspace = self.add_workspace(slug, slug.title())
        self.environment = self.add_environment("Production" if repository else "Windows devices")

    def clock(self) -> datetime:
        """Return a time that moves on with every call, so that rows have an order and lengths."""
        self.now += timedelta(seconds=1.7)
        return self.now

    @cached_property
    def api(self) -> Api:
        """A program in this workspace."""
        return self._api_of(self.workspace, self.environment)

    @cached_property
    def foreign_api(self) -> Api:
        """A program in another workspace, with an environment of its own on the same repository."""
        workspace = self.add_workspace("foreign", "Foreign")
        return self._api_of(workspace, self.add_environment("Production", workspace))

    def _api_of(self, workspace: Workspace, environment: Environment) -> Api:
        with self.database.transaction() as session:
            tokens = {
                role: create_token(
                    session, workspace_id=workspace.id, role=role, name=f"{workspace.slug} {role}"
                )
                for role in Role
            }
        return Api(self.app, tokens, environment)

    def add_workspace(self, slug: str, name: str) -> Workspace:
        with self.database.transaction() as session:
            return make_workspace(session, slug, name)

    def add_environment(self, name: str, workspace: Workspace | None = None, **values: Any) -> Environment:
        slug = name.lower().replace(" ", "-")
        with self.database.transaction() as session:
            return make_environment(
                session, workspace or self.workspace, slug=slug, name=name, **{**self._columns, **values}
            )

    def add_person(self, role: Role | None, workspace: Workspace | None = None) -> User:
        with self.database.transaction() as session:
            email = f"{role or 'nobody'}-{uuid7().hex[-6:]}@contoso.example"
            user = User(email=email, name=email, created_at=utc_now())
            session.add(user)
            session.flush()
            if role:
                workspace_id = (workspace or self.workspace).id
                session.add(
                    Member(workspace_id=workspace_id, user_id=user.id, role=role, created_at=utc_now())
                )
        return user

    def link_for(self, user: User) -> str:
        with self.database.transaction() as session:
            return f"/sign-in/{create_sign_in_link(session, user.id)}"

    def browser(self, role: Role | None, workspace: Workspace | None = None) -> Browser:
        """Sign somebody in who has the role, by a link as people do."""
        browser = Browser(self.app.test_client())
        link = self.link_for(self.add_person(role, workspace))
        assert browser.submit(link, page=link).status_code == 303
        return browser

    def queued(
        self,
        operation_type: OperationType = COMPOSE,
        environment: Environment | None = None,
        by: str = "ada@contoso.example",
        **given: Any,
    ) -> OperationRun:
        environment = environment or self.environment
        operation_input = parse_input(operation_type, environment.workspace_id, environment.id, given)
        actor = Actor(kind="user", name=by)
        with self.database.transaction() as session:
            return request(session, operation_input, actor=actor, clock=self.clock).run

    def running(self, *args: Any, **kwargs: Any) -> OperationRun:
        run = self.queued(*args, **kwargs)
        with self.database.transaction() as session:
            OperationRunService(session, clock=self.clock).record_dispatched(run.id, self.clock())
            return start(session, run, clock=self.clock)

    def fail(self, run: OperationRun, code: str, detail: str) -> None:
        failure = Failure(code=code, step="compose", attempts=3, at=self.clock(), detail=detail)
        with self.database.transaction() as session:
            OperationRunService(session, clock=self.clock).record_failure(run.id, failure)

    def settle(
        self,
        run: OperationRun,
        outcome: Outcome,
        reason: ReasonCode,
        related: Related | None = None,
        **evidence: Any,
    ) -> None:
        decision = ReconciliationDecision(
            adapter=run.type, outcome=outcome, reason_code=reason, related=related, evidence=evidence
        )
        with self.database.transaction() as session:
            OperationRunService(session, clock=self.clock).update_run_with_reconciliation(
                run.id, decision, source="sweep", actor=SYSTEM
            )

    def ask_to_cancel(self, run: OperationRun, *, delivered: bool = True) -> None:
        actor = Actor(kind="user", name="grace@contoso.example")
        with self.database.transaction() as session:
            service = OperationRunService(session, clock=self.clock)
            service.request_cancel(run.id, actor)
            if delivered:
                service.record_cancel_delivered(run.id)

    def keep_history(self, run: OperationRun, history: dict[str, Any] | None) -> None:
        with self.database.transaction() as session:
            session.add(
                OperationRunHistory(
                    run_id=run.id, workspace_id=run.workspace_id, history=history, stored_at=self.clock()
                )
            )

    def review(self, status: ReviewStatus = ReviewStatus.DRAFT, **content: Any) -> EnvironmentReview:
        """Compose a review: the run succeeds in the transaction that inserts it (law L8)."""
        run = self.running(environment=content.pop("environment", None), ref=content.pop("ref", None))
        changes = content.pop("changes", [])
        with self.database.transaction() as session:
            review = EnvironmentReview(
                **{**_review_values(run), **content},
                status=status,
                composed_at=self.clock(),
                published_at=self.clock() if status is ReviewStatus.PUBLISHED else None,
            )
            session.add(review)
            session.flush()
            session.add_all(
                ReviewChange(review_id=review.id, workspace_id=run.workspace_id, position=position, **change)
                for position, change in enumerate(changes)
            )
            OperationRunService(session, clock=self.clock).succeed(
                correlation_of(run), reason_code=ReasonCode.REVIEW_COMPOSED, summary_counts={"items": 128}
            )
        return review

    def superseded(self) -> tuple[EnvironmentReview, EnvironmentReview]:
        """Publish a review and then another after it; return the old one and the new."""
        before = self.review(ReviewStatus.PUBLISHED, ref="before")
        draft = self.review(ref="after", previous_review_id=before.id)
        with self.database.transaction() as session:
            after = Reviews(session, clock=self.clock).publish(draft.id)
            return session.get_one(EnvironmentReview, before.id), after

    def archived(self) -> EnvironmentReview:
        """Compose a review and put it away."""
        draft = self.review(ref="put-away")
        with self.database.transaction() as session:
            return Reviews(session, clock=self.clock).archive(draft.id)

    def plan(self, changes: list[dict[str, Any]] | None = None, mode: str = "overlay") -> RestorePlan:
        with self.database.transaction() as session:
            return make_plan(
                session,
                self.environment,
                mode=mode,
                items=["policies/**"],
                live_commit="91ab" * 10,
                changes=changes if changes is not None else [planned("policies/a.json", "update")],
                created_at=self.clock(),
            )

    def run(self, run_id: UUID) -> OperationRun:
        with self.database.transaction() as session:
            return session.get_one(OperationRun, run_id)


def make_two_commits(path: Path) -> Path:
    """Make a repository whose tag `before` differs from `main` in every way a file can."""
    before = {"policy.json": '{"minimum": 8}', "kept.json": "{}", "lost.json": '{"lost": true}'}
    after = {"policy.json": '{"minimum": 12}', "lost.json": None, "added.json": "[]"}
    make_repository(path, before, after)
    git("tag", "before", "main~1", cwd=path)
    return path


def _review_values(run: OperationRun) -> dict[str, Any]:
    return {
        "workspace_id": run.workspace_id,
        "environment_id": run.environment_id,
        "run_id": run.id,
        "fingerprint": uuid7().hex * 2,
        "commit": "91ab" * 10,
        "tree": "77cd" * 10,
        "composer_version": "1",
        "summary": {"items": 0, "added": 0, "removed": 0, "renamed": 0, "changed": 0, "unparsed": 0},
        "sections": {"inventory": [], "changes": {"compared_with": None}, "baseline": {"set": False}},
        "findings": [],
    }
