"""Two workspaces whose repositories stand on the same hosts, each behind a credential of its own."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from models.errors import OperationRunError
from services.repositories.mirror import Mirror, MirrorStore
from services.repositories.routing.remote_access import ConnectionKind, RemoteAccess
from tests.git_repository import git
from tests.remotes.connections import HOST
from tests.remotes.https_server import HttpsServer
from tests.remotes.ssh_server import SshServer
from tests.repositories.remote import Remote

SERVED_KINDS: Final = (ConnectionKind.HTTPS, ConnectionKind.SSH, ConnectionKind.FILE)


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """A workspace's repositories, their URLs and its accesses, by kind of connection."""

    name: str
    repositories: Mapping[ConnectionKind, Remote]
    urls: Mapping[ConnectionKind, str]
    accesses: Mapping[ConnectionKind, RemoteAccess]

    def commits(self) -> frozenset[str]:
        return frozenset(remote.head() for remote in self.repositories.values())


def make_tenant(name: str, root: Path, https: HttpsServer, ssh: SshServer) -> Tenant:
    """Make a tenant with a repository of each kind, and the only credential that opens it."""
    # Sessions share the https server: its folders have names of their own.
    folder = f"{name}-{uuid4().hex}"
    token = f"token-of-{folder}"
    https.credentials[folder] = f"{name}:{token}"
    places = {
        ConnectionKind.HTTPS: https.root / folder / "team" / "settings.git",
        ConnectionKind.SSH: root / "ssh" / name / "team" / "settings.git",
        ConnectionKind.FILE: root / "files" / name / "team" / "settings.git",
    }
    repositories = {kind: _repository(place, f"{name} {kind}") for kind, place in places.items()}
    urls = {
        ConnectionKind.HTTPS: f"https://{HOST}:{https.port}/{folder}/team/settings.git",
        ConnectionKind.SSH: ssh.url(places[ConnectionKind.SSH]),
        ConnectionKind.FILE: str(places[ConnectionKind.FILE]),
    }
    accesses = {
        ConnectionKind.HTTPS: RemoteAccess(
            kind=ConnectionKind.HTTPS,
            url_prefix=_parent(urls, ConnectionKind.HTTPS),
            username=name,
            secret=token,
        ),
        ConnectionKind.SSH: RemoteAccess(
            kind=ConnectionKind.SSH,
            url_prefix=_parent(urls, ConnectionKind.SSH),
            secret=ssh.add_key(places[ConnectionKind.SSH].parent),
            known_hosts=ssh.known_hosts,
        ),
        ConnectionKind.FILE: RemoteAccess(
            kind=ConnectionKind.FILE, url_prefix=_parent(urls, ConnectionKind.FILE)
        ),
    }
    return Tenant(name=name, repositories=repositories, urls=urls, accesses=accesses)


def opened(store: MirrorStore, url: str, access: RemoteAccess) -> Mirror:
    return store.open(uuid4(), url, access)


def fetched(store: MirrorStore, url: str, access: RemoteAccess) -> frozenset[str]:
    """Fetch with an access from whatever a URL names; return the commits that arrived, none if refused."""
    with suppress(OperationRunError):
        mirror = opened(store, url, access)
        mirror.fetch()
        return frozenset(str(ref.target) for ref in mirror.repository.references.objects)
    return frozenset()


def _parent(urls: Mapping[ConnectionKind, str], kind: ConnectionKind) -> str:
    return os.path.dirname(urls[kind])  # noqa: PTH120 - of a URL


def _repository(path: Path, content: str) -> Remote:
    remote = Remote.create(path)
    remote.commit({"a.json": f'"{content}"'}, message=content)
    git("config", "http.receivepack", "true", cwd=path)
    return remote
