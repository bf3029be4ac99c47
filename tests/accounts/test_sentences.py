"""The sentences about accounts and workspaces that must be right: other tests find them by name."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from models.access import AuditAction, AuditEntry
from models.errors import InvalidInput
from services.access.members import ensure_person
from services.access.passwords import check_password
from services.validation import check_name
from web.accounts.audit_wording import sentence_of


@pytest.mark.parametrize(
    ("refuse", "sentence"),
    [
        (lambda: check_name(" "), "A name is 1 to 200 printable characters."),
        (lambda: check_password("short"), "A password is 12 to 256 characters"),
        (lambda: ensure_person(Session(), "nobody"), "'nobody' is not an e-mail address"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(refuse: Callable[[], object], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        refuse()


@pytest.mark.parametrize(
    ("action", "detail", "sentence"),
    [
        (AuditAction.MEMBER_ADDED, "reviewer", "bob added ada as reviewer."),
        (
            AuditAction.MEMBER_ROLE_CHANGED,
            "reader to operator",
            "bob changed the role of ada from reader to operator.",
        ),
        (AuditAction.MEMBER_REMOVED, "operator", "bob removed ada, who was operator."),
        (AuditAction.TOKEN_REVOKED, "reader, opr_", "bob revoked the token “ada” (reader, opr_)."),
    ],
)
def test_a_change_of_a_workspace_says_who_changed_what(
    action: AuditAction, detail: str, sentence: str
) -> None:
    entry = AuditEntry(action=action, actor_name="bob", subject="ada", detail=detail)

    assert sentence_of(entry) == sentence
