from uuid import UUID

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.access import Role
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRunHistory
from models.rendered_file import RenderedFile, RenderedPiece
from models.restore import RestoreResult
from models.review import EnvironmentReview, ReviewChange
from models.saved_view import SavedView
from services.access.members import Members
from services.access.tokens import create_token
from services.database.session import Database
from tests.factories import ADA, NOW, make_environment, make_plan, make_run, make_workspace


def populate(database: Database, slug: str) -> UUID:
    """Make a workspace that has a row in every table that holds rows of workspaces; return its id."""
    with database.transaction() as session:
        workspace = make_workspace(session, slug)
        environment = make_environment(session, workspace)
        run = make_run(session, environment, status=Status.COMPLETED, outcome=Outcome.SUCCEEDED)
        plan = make_plan(session, environment)
        _keep_results(session, run.id, environment.id, workspace.id, plan.id)
        Members(session, workspace.id, actor=ADA).add(email=f"{slug}@example.org", role=Role.OWNER)
        create_token(session, workspace_id=workspace.id, role=Role.READER, name="robot")
        session.add(
            SavedView(workspace_id=workspace.id, name="Mine", filters={}, created_by=ADA.name, created_at=NOW)
        )
    return workspace.id


def _keep_results(
    session: Session, run_id: UUID, environment_id: UUID, workspace_id: UUID, plan_id: UUID
) -> None:
    scope = {"workspace_id": workspace_id, "environment_id": environment_id, "run_id": run_id}
    review = EnvironmentReview(
        **scope,
        status="draft",
        fingerprint=str(uuid7()),
        commit="1" * 40,
        tree="2" * 40,
        composer_version="1",
        summary={},
        sections={},
        findings=[],
        composed_at=NOW,
    )
    session.add_all(
        [review, RestoreResult(**scope, restore_plan_id=plan_id, items=[], summary={}, created_at=NOW)]
    )
    session.add(OperationRunHistory(run_id=run_id, workspace_id=workspace_id, history=None, stored_at=NOW))
    session.flush()
    _keep_rendered(session, review)
    session.add(
        ReviewChange(
            review_id=review.id,
            position=0,
            workspace_id=workspace_id,
            change="changed",
            kind="policy",
            path="a.json",
            settings=[],
            commits=[],
        )
    )


def _keep_rendered(session: Session, review: EnvironmentReview) -> None:
    scope = {"workspace_id": review.workspace_id}
    file = RenderedFile(**scope, review_id=review.id, name="pack.zip", version="1", size=1, sha256="0" * 64)
    session.add(file)
    session.flush()
    session.add(RenderedPiece(**scope, file_id=file.id, position=0, content=b"x"))
