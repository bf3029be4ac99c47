from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Role, Workspace
from models.connection import ConnectionKind
from models.environment import Environment
from runtime.local.sample_environment import BASELINE, BRANCH, make_sample_repository
from runtime.settings import Settings
from services.access.audit import SYSTEM
from services.access.members import Members
from services.access.sign_in_links import create_sign_in_link
from services.access.tokens import create_token, revoke_tokens
from services.connections.connections import Connections
from services.connections.queries import list_connections
from services.connections.secrets import SecretCipher
from services.database.session import Database
from services.workspaces.environments import Environments
from services.workspaces.workspaces import Workspaces

WORKSPACE = "default"
OWNER = "owner@localhost"
TOKEN_NAME = "local up"  # noqa: S105 - the token's name, not its text
SAMPLE = "sample"
# The owner may come back to the terminal hours after `up` printed the link.
SIGN_IN_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Seeded:
    """An owner's token, and a link that signs the owner in once."""

    api_token: str
    sign_in_url: str


def seed(settings: Settings, *, sample: bool) -> Seeded:
    """Give a migrated database its first workspace and owner, and issue new keys; safe to repeat.

    1. Create the workspace `default` and its owner where they are missing.
    2. Revoke the tokens of earlier calls, and create one.
    3. Give the workspace a connection to each allowed file root, where it has none.
    4. With `sample`, create the sample environment where it is missing.
    """
    database = Database.connect(settings.need_database_url(), pool_size=1)
    repository = make_sample_repository(settings.data_dir / "sample") if sample else None
    try:
        with database.transaction() as session:
            return _seed(session, settings, repository)
    finally:
        database.close()


def _seed(session: Session, settings: Settings, repository: Path | None) -> Seeded:
    workspaces = Workspaces(session)
    workspaces.ensure(slug=WORKSPACE, name="Default workspace")
    workspace = workspaces.find(WORKSPACE)
    owner = Members(session, workspace.id).add(email=OWNER, role=Role.OWNER)
    revoke_tokens(session, workspace_id=workspace.id, name=TOKEN_NAME)
    token = create_token(session, workspace_id=workspace.id, role=Role.OWNER, name=TOKEN_NAME)
    _ensure_connections(session, workspace, settings.allowed_file_roots)
    if repository is not None:
        _ensure_sample(session, workspace, repository)
    secret = create_sign_in_link(session, owner.id, lifetime=SIGN_IN_WITHIN)
    return Seeded(api_token=token, sign_in_url=f"{settings.public_url}/sign-in/{secret}")


def _ensure_connections(session: Session, workspace: Workspace, roots: Sequence[Path]) -> None:
    """Let the workspace reach the repositories under the machine's file roots: it is the machine's own."""
    there = {each.url_prefix for each in list_connections(session, workspaces=[workspace.id])}
    # Nothing of a file connection is encrypted.
    connections = Connections(session, workspace.id, actor=SYSTEM, cipher=SecretCipher())
    for folder in dict.fromkeys(str(root.absolute()) for root in roots):
        if folder not in there:
            connections.create_for_operator(
                name=f"files under {folder}",
                kind=ConnectionKind.FILE,
                url_prefix=folder,
                allowed_file_roots=roots,
            )


def _ensure_sample(session: Session, workspace: Workspace, repository: Path) -> None:
    statement = select(Environment.id).where(
        Environment.workspace_id == workspace.id, Environment.slug == SAMPLE
    )
    if session.scalar(statement) is not None:
        return
    Environments(session, allowed_file_roots=[repository.parent]).create(
        workspace_id=workspace.id,
        slug=SAMPLE,
        name="Sample environment",
        repository_url=str(repository),
        branch=BRANCH,
        baseline_ref=BASELINE,
    )
