import re
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.access import AuditAction, Member, Role, User, Workspace
from models.actor import Actor
from models.base import Clock, utc_now
from models.errors import Conflict, InvalidInput, NotFound
from services.access.audit import SYSTEM, Audit

_EMAIL = re.compile(r"[!-?A-~]{1,64}@[!-?A-~]{1,189}")


class Members:
    """The people of a workspace and their roles; each change leaves an audit entry."""

    def __init__(
        self,
        session: Session,
        workspace_id: UUID,
        *,
        actor: Actor = SYSTEM,
        clock: Clock = utc_now,
    ) -> None:
        self._session = session
        self._workspace_id = workspace_id
        self._clock = clock
        self._audit = Audit(session=session, workspace_id=workspace_id, actor=actor, clock=clock)

    def list(self) -> Sequence[tuple[User, Role]]:
        """Return each member with their role, by e-mail address."""
        statement = select(User, Member.role).join(Member)
        rows = self._session.execute(
            statement.where(Member.workspace_id == self._workspace_id).order_by(func.lower(User.email))
        )
        return [(user, Role(role)) for user, role in rows]

    def add(self, *, email: str, role: Role) -> User:
        """Give a person a role, in place of any they had; one not known yet is added to the installation.

        Raises InvalidInput for what is no e-mail address, Conflict as `put` does.
        """
        user = ensure_person(self._session, email, clock=self._clock)
        self.put(user, role)
        return user

    def put(self, user: User, role: Role) -> None:
        """Give a person a role, in place of any they had; raise Conflict where no owner would be left."""
        before = self._locked_role(user.id)
        if before == role:
            return
        if before is Role.OWNER:
            self._keep_an_owner()
        statement = insert(Member).values(
            workspace_id=self._workspace_id, user_id=user.id, role=role, created_at=self._clock()
        )
        self._session.execute(
            statement.on_conflict_do_update(
                index_elements=[Member.workspace_id, Member.user_id], set_={"role": statement.excluded.role}
            )
        )
        action = AuditAction.MEMBER_ROLE_CHANGED if before else AuditAction.MEMBER_ADDED
        detail = f"{before} to {role}" if before else role
        self._audit.record(action, user.email, subject_id=user.id, detail=detail)

    def remove(self, user_id: UUID) -> None:
        """Take a person out of the workspace, at once; raise NotFound, or Conflict for the last owner."""
        user = self._session.scalars(select(User).where(User.id == user_id)).one_or_none()
        before = self._locked_role(user_id)
        if user is None or before is None:
            raise NotFound
        if before is Role.OWNER:
            self._keep_an_owner()
        self._session.execute(
            delete(Member).where(Member.workspace_id == self._workspace_id, Member.user_id == user_id)
        )
        self._audit.record(AuditAction.MEMBER_REMOVED, user.email, subject_id=user.id, detail=before)

    def _locked_role(self, user_id: UUID) -> Role | None:
        """Return a person's role; other changes of the workspace's people wait from here on."""
        self._session.execute(
            select(Workspace.id).where(Workspace.id == self._workspace_id).with_for_update(key_share=True)
        )
        role = self._session.scalar(
            select(Member.role).where(Member.workspace_id == self._workspace_id, Member.user_id == user_id)
        )
        return Role(role) if role else None

    def _keep_an_owner(self) -> None:
        owners = select(func.count()).where(
            Member.workspace_id == self._workspace_id, Member.role == Role.OWNER
        )
        if self._session.scalar(owners) == 1:
            raise Conflict("A workspace keeps one owner at least. Give somebody else that role first.")


def ensure_person(session: Session, email: str, *, clock: Clock = utc_now) -> User:
    """Return the person of an e-mail address, whatever its capitals; one not known yet is added."""
    if not _EMAIL.fullmatch(email):
        raise InvalidInput("email", f"{email!r} is not an e-mail address, such as ada@example.org.")
    values = {"id": uuid7(), "email": email, "name": email, "created_at": clock()}
    session.execute(insert(User).values(values).on_conflict_do_nothing())
    user = find_person(session, email)
    assert user is not None  # noqa: S101 - just ensured
    return user


def find_person(session: Session, email: str) -> User | None:
    """Return the person of an e-mail address, whatever its capitals; None where no person has it."""
    # What PostgreSQL does not take as text is no address either.
    if not _EMAIL.fullmatch(email):
        return None
    return session.scalars(select(User).where(func.lower(User.email) == email.lower())).one_or_none()
