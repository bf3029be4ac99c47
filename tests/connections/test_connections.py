"""Connections in PostgreSQL: who makes which, what is kept of a secret, and what an environment may use."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.access import AuditEntry, Workspace
from models.connection import Connection, ConnectionKind
from models.environment import Environment
from models.errors import Conflict, EncryptionKeyMissing, InvalidInput, RepositoryNotCovered
from models.restore import RestorePoint
from runtime.migrate import downgrade, upgrade
from services.connections.access import access_of
from services.connections.connections import Connections
from services.connections.rotation import reencrypt_secrets, undecryptable
from services.connections.secrets import SecretCipher
from services.database.row_security import within
from services.database.session import Database
from services.restores.points import RestorePoints
from services.workspaces.environments import Environments
from tests.factories import ADA, ensure_connection, make_environment, make_workspace
from tests.git_repository import make_repository
from tests.mirrors import mirrors_under

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
TOKEN = "kind-of-a-token-2718"
KEY = Ed25519PrivateKey.generate()
PRIVATE_KEY = KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
PUBLIC_KEY = KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
HOST_KEY = f"git.example.org {PUBLIC_KEY}"
HTTPS: dict[str, Any] = {
    "name": "Ours",
    "kind": ConnectionKind.HTTPS,
    "url_prefix": "https://git.example.org/team",
    "secret": TOKEN,
}
SSH: dict[str, Any] = {
    "name": "Keys",
    "kind": ConnectionKind.SSH,
    "url_prefix": "git@git.example.org:team",
    "secret": PRIVATE_KEY,
    "known_hosts": HOST_KEY,
}


def connections_of(session: Session, workspace: Workspace, *keys: str) -> Connections:
    return Connections(session, workspace.id, actor=ADA, cipher=SecretCipher(keys))


def create(session: Session, workspace: Workspace, **given: Any) -> Connection:
    return connections_of(session, workspace, OLD).create(**given)


def test_an_environment_s_git_calls_get_its_connection_decrypted(database: Database) -> None:
    with database.transaction() as session:
        workspace = make_workspace(session)
        create(session, workspace, **HTTPS, username="robot")
        create(session, workspace, **SSH)
        environments = Environments(session, allowed_file_roots=[])
        https, ssh = (
            environments.create(
                workspace_id=workspace.id, slug=slug, name=slug, repository_url=url, branch="main"
            )
            for slug, url in (
                ("a", "https://git.example.org/team/repo.git"), ("b", "git@git.example.org:team/repo.git")
            )
        )  # fmt: skip
    access = access_of(https, SecretCipher([NEW, OLD]))
    assert (access.kind, access.username, access.secret) == (ConnectionKind.HTTPS, "robot", TOKEN)
    assert access.url_prefix == "https://git.example.org/team"
    assert TOKEN not in repr(access)
    access = access_of(ssh, SecretCipher([OLD]))
    assert (access.username, access.secret) == ("git", PRIVATE_KEY)
    assert access.known_hosts == HOST_KEY + "\n"


def test_a_folder_s_prefix_is_what_git_opens_by_it(database: Database, tmp_path: Path) -> None:
    (tmp_path / "bare.git").mkdir()
    (tmp_path / "plain").mkdir()
    with database.transaction() as session:
        for name, opened in (("bare", "bare.git"), ("plain", "plain"), ("missing", "missing")):
            url = f"{tmp_path}/./{name}"
            workspace = make_workspace(session, name)
            environment = make_environment(session, workspace, repository_url=url)
            access = access_of(environment, SecretCipher())
            assert (access.kind, access.url_prefix) == (ConnectionKind.FILE, str(tmp_path / opened))


def test_nothing_of_a_secret_is_kept_in_the_clear(database: Database) -> None:
    with database.transaction() as session:
        workspace = make_workspace(session)
        create(session, workspace, **HTTPS)
        create(session, workspace, **SSH)
    with database.transaction() as session:
        rows = session.execute(text("SELECT to_jsonb(c) FROM connections c")).scalars().all()
        audited = [entry.detail + entry.subject for entry in session.query(AuditEntry)]
    kept = json.dumps([rows, audited])
    assert len(rows) == len(audited) == 2
    assert TOKEN not in kept
    assert PRIVATE_KEY.splitlines()[1] not in kept


def test_the_repository_of_another_workspace_is_out_of_reach(database: Database, tmp_path: Path) -> None:
    """An owner names another tenant's path: refused when it is registered, and at every use."""
    theirs = make_repository(tmp_path / "theirs", {"a.json": "1"})
    with database.transaction() as session:
        ensure_connection(session, make_workspace(session, "theirs").id, str(theirs))
        ours = make_workspace(session, "ours")
        ensure_connection(session, ours.id, str(tmp_path / "ours"))
        create(session, ours, **HTTPS)
        environments = Environments(session, allowed_file_roots=[tmp_path])
        for url in (
            str(theirs),
            f"file://{theirs}",
            f"{tmp_path}/ours/../theirs",
            f"file://{tmp_path}/ours/%2e%2e/theirs",
        ):
            with pytest.raises(InvalidInput) as refused:
                environments.create(
                    workspace_id=ours.id, slug="theirs", name="Theirs", repository_url=url, branch="main"
                )
            assert refused.value.field == "repository_url"
        other = session.query(Connection).filter_by(workspace_id=ours.id, name="Ours").one()
        smuggled = make_environment(session, ours, repository_url=str(theirs), connection_id=other.id)
    points = RestorePoints(database, mirrors_under(tmp_path / "mirrors", roots=[tmp_path]))
    with pytest.raises(RepositoryNotCovered):
        points.create(smuggled, label="theirs", ref="main", actor=ADA)


@pytest.mark.parametrize("with_other", [True, False])
def test_the_cover_is_checked_at_every_use(database: Database, tmp_path: Path, *, with_other: bool) -> None:
    repository = make_repository(tmp_path / "configuration", {"a.json": "1"})
    mirrors = mirrors_under(tmp_path / "mirrors", roots=[tmp_path])
    with database.transaction() as session:
        environment = make_environment(session, repository_url=str(repository))
        other = ensure_connection(session, environment.workspace_id, str(tmp_path / "other"))
    RestorePoints(database, mirrors).create(environment, label="before", ref="main", actor=ADA)
    given = {"id": other.id if with_other else None}
    with database.transaction() as session:
        session.execute(text("UPDATE environments SET connection_id = :id"), given)
        environment = session.get_one(Environment, environment.id)
    with pytest.raises(RepositoryNotCovered):
        RestorePoints(database, mirrors).create(environment, label="after", ref="main", actor=ADA)
    with database.transaction() as session:
        assert session.query(RestorePoint).count() == 1


def test_who_used_a_connection_last_is_kept(database: Database, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "configuration", {"a.json": "1"})
    with database.transaction() as session:
        environment = make_environment(session, repository_url=str(repository))
    mirrors = mirrors_under(tmp_path / "mirrors", roots=[tmp_path])
    RestorePoints(database, mirrors).create(environment, label="before", ref="main", actor=ADA)
    with database.transaction() as session:
        used = session.query(Connection).one()
        assert (used.last_used_by, used.last_used_at is None) == (ADA.name, False)


def test_without_its_key_a_secret_is_out_of_reach_and_nothing_else(database: Database) -> None:
    with database.transaction() as session:
        workspace = make_workspace(session)
        ours = create(session, workspace, **HTTPS)
        url = "https://git.example.org/team/a"
        by_machine = make_environment(session, workspace, repository_url=url)
        assert access_of(by_machine, SecretCipher()).kind is ConnectionKind.MACHINE
        environment = make_environment(
            session, workspace, slug="ours", repository_url=url, connection_id=ours.id
        )
        for keys in ([], [NEW]):
            with pytest.raises(EncryptionKeyMissing):
                access_of(environment, SecretCipher(keys))
        with pytest.raises(EncryptionKeyMissing):
            connections_of(session, workspace).create(**{**HTTPS, "name": "another"})


def test_a_secret_copied_into_another_row_does_not_decrypt(database: Database) -> None:
    with database.transaction() as session:
        theirs = create(session, make_workspace(session, "theirs"), **HTTPS)
        workspace = make_workspace(session, "ours")
        ours = create(session, workspace, **{**HTTPS, "url_prefix": "https://evil.example.org"})
        ours.encrypted_secret = theirs.encrypted_secret
        environment = make_environment(
            session, workspace, repository_url="https://evil.example.org/a", connection_id=ours.id
        )
        with pytest.raises(EncryptionKeyMissing, match="not its own"):
            access_of(environment, SecretCipher([OLD]))


def test_keys_are_rotated(database: Database) -> None:
    with database.transaction() as session:
        workspace = make_workspace(session)
        create(session, workspace, **HTTPS)
        create(session, workspace, **SSH)
        assert [each.name for each in undecryptable(session, SecretCipher([NEW]))] == ["Ours", "Keys"]
        assert reencrypt_secrets(session, SecretCipher([NEW, OLD]), actor=ADA) == 2
    with database.transaction() as session:
        assert not undecryptable(session, SecretCipher([NEW]))
        with pytest.raises(EncryptionKeyMissing):
            reencrypt_secrets(session, SecretCipher([OLD]), actor=ADA)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (HTTPS | {"name": " "}, "name"),
        (HTTPS | {"url_prefix": "http://git.example.org"}, "url_prefix"),
        (HTTPS | {"url_prefix": "https://token@git.example.org"}, "url_prefix"),
        (HTTPS | {"url_prefix": "git@git.example.org:team"}, "url_prefix"),
        (HTTPS | {"url_prefix": "/srv/git"}, "url_prefix"),
        (HTTPS | {"secret": "two\nlines"}, "secret"),
        (HTTPS | {"secret": ""}, "secret"),
        (HTTPS | {"username": "a:b"}, "username"),
        (HTTPS | {"kind": ConnectionKind.FILE, "url_prefix": "/srv"}, "kind"),
        (HTTPS | {"kind": ConnectionKind.MACHINE}, "kind"),
        (HTTPS | {"api_type": "github"}, "api"),
        (HTTPS | {"api_type": "github", "api_url": "http://api.github.com"}, "api.url"),
        (SSH | {"secret": "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret-text\n"}, "secret"),
        (SSH | {"known_hosts": ""}, "known_hosts"),
        (SSH | {"known_hosts": "git.example.org ssh-ed25519 not-base64!"}, "known_hosts"),
        (SSH | {"username": "root"}, "username"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_by_its_field(database: Database, given: dict[str, Any], field: str) -> None:
    with database.transaction() as session:
        workspace = make_workspace(session)
        with pytest.raises(InvalidInput) as refused:
            create(session, workspace, **given)
    assert refused.value.field == field
    assert "secret-text" not in str(refused.value)


def test_a_secret_follows_to_no_other_host(database: Database) -> None:
    with database.transaction() as session:
        workspace = make_workspace(session)
        connection = create(session, workspace, **HTTPS)
        connections = connections_of(session, workspace, OLD)
        for moved in (
            {"url_prefix": "https://evil.example.org"},
            {"api_type": "github", "api_url": "https://evil.example.org/api"},
        ):
            with pytest.raises(InvalidInput) as refused:
                connections.change(connection, moved)
            assert refused.value.field == "secret"
        connections.change(connection, {"url_prefix": "https://git.example.org"})
        connections.change(connection, {"url_prefix": "https://other.example.org", "secret": "another"})
        assert SecretCipher([OLD]).decrypt(connection.id, connection.encrypted_secret or "") == "another"


def test_an_environment_keeps_its_cover_and_its_connection(database: Database) -> None:
    with database.transaction() as session:
        workspace = make_workspace(session)
        connection = create(session, workspace, **HTTPS)
        make_environment(
            session,
            workspace,
            repository_url="https://git.example.org/team/a",
            connection_id=connection.id,
        )
        connections = connections_of(session, workspace, OLD)
        with pytest.raises(Conflict, match="Production"):
            connections.remove(connection)
    with pytest.raises(InvalidInput, match="Production"), database.transaction() as session:
        connections_of(session, workspace, OLD).change(
            session.get_one(Connection, connection.id), {"url_prefix": "https://git.example.org/team/b"}
        )


def test_postgresql_lets_the_web_make_and_remove_the_owners_kinds_alone(database: Database) -> None:
    with database.transaction() as session:
        workspace = make_workspace(session)
        connection = ensure_connection(session, workspace.id, "/srv/git")
    narrowed = database.narrowed(lambda: within(frozenset({workspace.id})))
    with pytest.raises(DBAPIError, match="row-level security"), narrowed.transaction() as session:
        ensure_connection(session, workspace.id, "/")
    with narrowed.transaction() as session:
        session.execute(text("DELETE FROM connections"))
    for change in ("kind = 'machine'", "url_prefix = '/'", "kind = 'https', encrypted_secret = 'x'"):
        with pytest.raises(DBAPIError, match="law L12"), narrowed.transaction() as session:
            session.execute(text(f"UPDATE connections SET {change}"))
    with database.transaction() as session:
        assert session.get_one(Connection, connection.id).url_prefix == "/srv/git"


def test_the_operator_s_folder_lies_under_an_allowed_root(database: Database, tmp_path: Path) -> None:
    (tmp_path / "git").mkdir()
    (tmp_path / "out").symlink_to("/etc")
    with database.transaction() as session:
        connections = connections_of(session, make_workspace(session))
        for folder in ("/", "/etc", f"{tmp_path}/../..", str(tmp_path / "out"), "relative"):
            with pytest.raises(InvalidInput) as refused:
                connections.create_for_operator(
                    name="x", kind=ConnectionKind.FILE, url_prefix=folder, allowed_file_roots=[tmp_path]
                )
            assert refused.value.field == "url_prefix"
        made = connections.create_for_operator(
            name="x",
            kind=ConnectionKind.FILE,
            url_prefix=str(tmp_path / "git"),
            allowed_file_roots=[tmp_path],
        )
        assert made.encrypted_secret is None


def test_environments_of_version_1_get_connections(database_url: str, database: Database) -> None:
    downgrade(database_url, "0010")
    insert = text(
        "INSERT INTO environments"
        " (id, workspace_id, slug, name, repository_url, branch, path_prefix, created_at)"
        " VALUES (gen_random_uuid(), :workspace, :slug, :slug, :url, 'main', '', now())"
    )
    with database.transaction() as session:
        mine, yours = make_workspace(session, "mine").id, make_workspace(session, "yours").id
        for workspace, slug, url in (
            (mine, "a", "/srv/git/a.git"), (mine, "b", "https://h.org/b"), (mine, "c", "https://h.org/b"),
            (mine, "d", "file:///srv/d"), (mine, "e", "https://token@h.org/e"),
            (yours, "a", "/srv/git/a.git"),
        ):  # fmt: skip
            session.execute(insert, {"workspace": workspace, "slug": slug, "url": url})
    upgrade(database_url)
    with database.transaction() as session:
        found = session.execute(
            text(
                "SELECT w.slug, e.slug, c.kind, c.url_prefix, c.workspace_id = e.workspace_id"
                " FROM environments e JOIN workspaces w ON w.id = e.workspace_id"
                " JOIN connections c ON c.id = e.connection_id ORDER BY 1, 2"
            )
        ).all()
        session.execute(insert, {"workspace": yours, "slug": "late", "url": "git@h.org:late"})
        late = session.execute(
            text(
                "SELECT c.kind, c.url_prefix FROM environments JOIN connections c ON c.id = connection_id"
                " WHERE slug = 'late'"
            )
        ).one()
        count, names = session.execute(text("SELECT count(*), string_agg(name, '') FROM connections")).one()
    assert [tuple(row) for row in found] == [
        ("mine", "a", "file", "/srv/git/a.git", True),
        ("mine", "b", "machine", "https://h.org/b", True),
        ("mine", "c", "machine", "https://h.org/b", True),
        ("mine", "d", "file", "file:///srv/d", True),
        ("mine", "e", "machine", "https://h.org/e", True),
        ("yours", "a", "file", "/srv/git/a.git", True),
    ]
    assert (count, "token" in names) == (6, False)
    assert tuple(late) == ("machine", "git@h.org:late")
