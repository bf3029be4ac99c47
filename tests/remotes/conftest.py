from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from services.repositories.mirror import MirrorStore
from tests.git_repository import git
from tests.left_out import leave_out
from tests.mirrors import LOCAL
from tests.remotes.connections import HOST
from tests.remotes.hooks import Hooks
from tests.remotes.https_server import HttpsServer, https_server
from tests.remotes.restoring import RemoteEnvironment, Restoring
from tests.remotes.served import ServedRemote
from tests.remotes.ssh_server import SshServer, find_sshd, ssh_server
from tests.remotes.tenants import Tenant, make_tenant
from tests.repositories.remote import Remote

KINDS = ("file", "https", "ssh")


@pytest.fixture(scope="session")
def https(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HttpsServer, Path]]:
    if not Path(git("--exec-path"), "git-http-backend").exists():
        leave_out("remotes over https", without="Install git with its git-http-backend")
    with https_server(tmp_path_factory.mktemp("https")) as served:
        yield served


@pytest.fixture(scope="session")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    sshd = find_sshd()
    if sshd is None:
        leave_out("remotes over ssh", without="Install OpenSSH's server: apt-get install openssh-server")
    with ssh_server(sshd, tmp_path_factory.mktemp("ssh")) as server:
        yield server


@pytest.fixture(params=KINDS)
def served(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServedRemote]:
    """A remote of each kind with one commit; git of this process reaches it."""
    remote = served_remote(request, request.param, tmp_path)
    for name, value in remote.environment.items():
        monkeypatch.setenv(name, value)
    remote.repository.commit({"a.json": "1"})
    yield remote
    remote.hooks.clear()


def served_remote(request: pytest.FixtureRequest, kind: str, folder: Path) -> ServedRemote:
    """Make an empty remote of a kind, and start its server where none runs yet."""
    if kind == "https":
        server, trusted = request.getfixturevalue("https")
        path = server.root / uuid4().hex / "served" / "remote.git"
        url = f"https://{HOST}:{server.port}/{path.relative_to(server.root)}"
        environment, cut = {"GIT_SSL_CAINFO": str(trusted)}, server.cut
    elif kind == "ssh":
        ssh = request.getfixturevalue("ssh")
        path = folder / "served" / "remote.git"
        url, environment, cut = ssh.url(path), {"GIT_SSH_COMMAND": ssh.client()}, ssh.cut
    else:
        path = folder / "served" / "remote.git"
        url, environment, cut = str(path), {}, None
    remote = ServedRemote(
        kind=kind,
        url=url,
        environment=environment,
        repository=Remote.create(path),
        hooks=Hooks(path),
        cut_connections=cut,
    )
    remote.configure("http.receivepack", "true")
    return remote


@pytest.fixture
def restoring(database_url: str, tmp_path: Path, served: ServedRemote) -> Iterator[Restoring]:
    place = RemoteEnvironment(database_url, tmp_path / "machines", served)
    yield place.restore()
    place.close()


@pytest.fixture
def tenants(
    tmp_path: Path, https: tuple[HttpsServer, Path], ssh: SshServer, monkeypatch: pytest.MonkeyPatch
) -> Sequence[Tenant]:
    server, trusted = https
    monkeypatch.setenv("GIT_SSL_CAINFO", str(trusted))
    monkeypatch.setattr(server, "presented", [])
    return [make_tenant(name, tmp_path, server, ssh) for name in ("ada", "bob")]


@pytest.fixture
def store(tmp_path: Path) -> MirrorStore:
    return MirrorStore(
        tmp_path / "mirrors", allowed_file_roots=[tmp_path / "files"], allowed_private_hosts=LOCAL
    )
