import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from uuid_utils.compat import uuid7

from models.access import Member, Role, User, Workspace
from models.actor import Actor
from models.base import utc_now
from models.catalog import OperationType
from models.contracts import Failure
from models.correlation import Correlation
from models.environment import Environment
from models.lifecycle import Outcome
from models.operation_run import OperationRun, OperationRunHistory
from models.reason_codes import ReasonCode
from models.reconciliation import ReconciliationDecision, Related
from models.restore import RestorePlan, RestorePoint
from models.review import EnvironmentReview, ReviewChange, ReviewStatus
from services.access.sign_in_links import create_sign_in_link
from services.database.session import Database
from services.reviews.lineage import Reviews
from services.runs.admission import OperationRequests
from services.runs.inputs import input_of, parse_input
from services.runs.new_run import Dispatch
from services.runs.service import OperationRunService
from tests.fake_engine import FakeEngine, services_on
from web.app import create_app

TARGET = Dispatch(queue="operation-runs", connection="default")
COMPOSE = OperationType.ENVIRONMENT_REVIEW_COMPOSE
RESTORE = OperationType.RESTORE_EXECUTE
SYSTEM = Actor(kind="system", name="sweep")
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


class World:
    """A workspace with an environment, and consistent rows of any standing made through the services."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.started = FakeEngine()
        self.services = services_on(
            self.started, database, folder=folder, roots=[folder], public_url="http://localhost"
        )
        self.app = create_app(self.services, secret_key="a key of this test alone")
        self.workspace = self.add_workspace("contoso", "Contoso")
        self.environment = self.add_environment("Windows devices")
        self.now = datetime(2026, 11, 17, 9, 30, tzinfo=UTC)

    def clock(self) -> datetime:
        """Tell a time that goes on with every look, so that rows have an order and lengths."""
        self.now += timedelta(seconds=1.7)
        return self.now

    def add_workspace(self, slug: str, name: str) -> Workspace:
        with self.database.transaction() as session:
            workspace = Workspace(slug=slug, name=name, created_at=utc_now())
            session.add(workspace)
        return workspace

    def add_environment(self, name: str, workspace: Workspace | None = None, **values: Any) -> Environment:
        with self.database.transaction() as session:
            environment = Environment(
                workspace_id=(workspace or self.workspace).id,
                slug=name.lower().replace(" ", "-"),
                name=name,
                created_at=utc_now(),
                **{
                    "repository_url": "https://git.contoso.example/configuration.git",
                    "branch": "main",
                    "path_prefix": "windows",
                    **values,
                },
            )
            session.add(environment)
        return environment

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

    def browser(self, role: Role | None, workspace: Workspace | None = None) -> "Browser":
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
        with self.database.transaction() as session:
            requested = OperationRequests(session, target=TARGET, clock=self.clock).request(
                operation_type=operation_type,
                operation_input=parse_input(operation_type, environment.workspace_id, environment.id, given),
                actor=Actor(kind="user", name=by),
            )
        return requested.run

    def running(self, *args: Any, **kwargs: Any) -> OperationRun:
        run = self.queued(*args, **kwargs)
        with self.database.transaction() as session:
            service = OperationRunService(session, clock=self.clock)
            service.record_dispatched(run.id, self.clock())
            return service.start(correlation_of(run), input_of(run))

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
            point = RestorePoint(
                workspace_id=self.environment.workspace_id,
                environment_id=self.environment.id,
                label=f"Before change {uuid7().hex[-4:]}",
                ref="v1",
                commit="5f0c" * 10,
                created_by="ada@contoso.example",
                created_at=self.clock(),
            )
            session.add(point)
            session.flush()
            plan = RestorePlan(
                workspace_id=point.workspace_id,
                environment_id=point.environment_id,
                restore_point_id=point.id,
                mode=mode,
                items=["policies/**"],
                restore_commit=point.commit,
                live_commit="91ab" * 10,
                changes=changes if changes is not None else [planned("policies/a.json", "update")],
                digest="d" * 64,
                created_by=point.created_by,
                created_at=self.clock(),
            )
            session.add(plan)
        return plan

    def repository(self, files: dict[str, str]) -> Path:
        """Make a real repository with one commit on `main`, where environments may be."""
        folder = self.folder / f"configuration-{uuid7().hex[-6:]}"
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
        _git(folder, "init", "--initial-branch", "main")
        _git(folder, "add", "--all")
        _git(
            folder, "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "--message", "first"
        )
        return folder

    def run(self, run_id: UUID) -> OperationRun:
        with self.database.transaction() as session:
            return session.get_one(OperationRun, run_id)


class Browser:
    """A browser that fills in the forms of the pages it has seen."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=headers)

    def read(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def submit(self, path: str, *, page: str, **values: str) -> Any:
        """Post a form with the token that stands in `page`."""
        token = _CSRF.search(self.client.get(page).text)
        assert token is not None
        return self.client.post(path, data={"csrf_token": token[1], **values})


def changed(path: str, **given: Any) -> dict[str, Any]:
    """Make one changed item of a review, as a composition keeps it."""
    values: dict[str, Any] = {"change": "changed", "kind": "policy", "path": path, "previous_path": None}
    return values | {"settings": [], "commits": []} | given


def setting(path: str, before: Any = 1, after: Any = 2, change: str = "changed") -> dict[str, Any]:
    """Make one changed setting of an item."""
    return {"path": path, "change": change, "before": before, "after": after}


def planned(path: str, change: str, reason: str | None = None) -> dict[str, Any]:
    return {"path": path, "change": change, "reason": reason, "live": None, "wanted": None}


def correlation_of(run: OperationRun) -> Correlation:
    return Correlation(operation_type=OperationType(run.type), run_id=run.id)


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


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)
