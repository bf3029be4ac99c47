from concurrent.futures import ThreadPoolExecutor

import pytest

from models.access import OpenIdSubject, User
from models.errors import SubjectRefused
from services.access.members import ensure_person
from services.access.openid_subjects import IdentityClaim, resolve_user
from services.database.row_security import SIGNING_IN
from services.database.session import Database

AT_ONCE = 8


@pytest.fixture
def ada(database: Database) -> User:
    with database.transaction() as session:
        return ensure_person(session, "ada@example.org")


def sign_in(database: Database, subject: str) -> str:
    claim = IdentityClaim(issuer="https://login.example.org", subject=subject, email="ada@example.org")
    try:
        with database.transaction(SIGNING_IN) as session:
            return resolve_user(session, claim).email
    except SubjectRefused:
        return "refused"


def bound(database: Database) -> list[str]:
    with database.transaction() as session:
        return [row.subject for row in session.query(OpenIdSubject)]


def test_of_many_subjects_at_once_one_becomes_the_person(database: Database, ada: User) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda number: sign_in(database, str(number)), range(AT_ONCE)))

    assert sorted(answers) == sorted([ada.email, *["refused"] * (AT_ONCE - 1)])
    assert bound(database) == [str(answers.index(ada.email))]


def test_a_person_who_signs_in_at_many_places_at_once_is_bound_once(database: Database, ada: User) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: sign_in(database, "1"), range(AT_ONCE)))

    assert answers == [ada.email] * AT_ONCE
    assert bound(database) == ["1"]
