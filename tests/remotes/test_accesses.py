"""A git call for an environment uses its connection's credentials and nothing else (law L12)."""

import socket
from base64 import b64encode
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from models.errors import EnvironmentUnreachable, InvalidInput
from services.repositories.mirror import MirrorStore
from services.repositories.push_answer import RefAnswer
from services.repositories.remote import RefUpdate
from services.repositories.routing import secret_routes
from services.repositories.routing.remote_access import ConnectionKind, RemoteAccess
from tests.remotes.connections import HOST, NAMED
from tests.remotes.hooks import Hooks, Stage
from tests.remotes.https_server import HttpsServer
from tests.remotes.ssh_server import SshServer
from tests.remotes.tenants import SERVED_KINDS, Tenant, fetched, opened

pytestmark = pytest.mark.feature

EVERY_KIND = pytest.mark.parametrize("kind", SERVED_KINDS)


@EVERY_KIND
def test_a_connection_opens_its_own_repositories(
    tenants: Sequence[Tenant], store: MirrorStore, kind: ConnectionKind
) -> None:
    for tenant in tenants:
        mirror = opened(store, tenant.urls[kind], tenant.accesses[kind])
        head = mirror.head_of("main")
        assert head == tenant.repositories[kind].head()
        update = RefUpdate(ref="refs/heads/other", expected=None, new=head)
        assert mirror.push([update]).of(update.ref) is RefAnswer.ACCEPTED
        assert tenant.repositories[kind].head("other") == head


@pytest.mark.parametrize("secret", ["token-of-nobody", "", None, "token\nhost=evil.example.org"])
def test_a_token_that_does_not_open_it_opens_nothing(
    tenants: Sequence[Tenant], store: MirrorStore, secret: str | None
) -> None:
    ada = tenants[0]
    access = replace(ada.accesses[ConnectionKind.HTTPS], secret=secret)
    assert not fetched(store, ada.urls[ConnectionKind.HTTPS], access)


def test_nothing_of_the_machine_helps(
    tenants: Sequence[Tenant],
    store: MirrorStore,
    https: tuple[HttpsServer, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The machine's own configuration would open Bob's repository in five ways to whoever lacks its token."""
    ada, bob = tenants
    server, _ = https
    home = tmp_path / "home"
    home.mkdir()
    secret = bob.accesses[ConnectionKind.HTTPS].secret
    (home / ".netrc").write_text(f"machine {HOST} login bob password {secret}\n")
    (home / ".gitconfig").write_text(
        f'[credential]\n\thelper = "!echo username=bob; echo password={secret}; :"\n'
        f"[http]\n\textraHeader = X-Machine: yes\n\tcookieFile = {home}/cookies\n"
        f'[url "{bob.urls[ConnectionKind.HTTPS]}"]\n\tinsteadOf = {ada.urls[ConnectionKind.HTTPS]}\n'
    )
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    access = replace(ada.accesses[ConnectionKind.HTTPS], secret="not-the-token")

    assert not fetched(store, bob.urls[ConnectionKind.HTTPS], access)
    assert not fetched(store, ada.urls[ConnectionKind.HTTPS], access)
    assert set(server.presented) == {"", "ada:not-the-token"}
    assert fetched(store, ada.urls[ConnectionKind.HTTPS], ada.accesses[ConnectionKind.HTTPS]) == {
        ada.repositories[ConnectionKind.HTTPS].head()
    }

    machine = RemoteAccess(
        kind=ConnectionKind.MACHINE, url_prefix=bob.accesses[ConnectionKind.HTTPS].url_prefix
    )
    monkeypatch.delenv("HTTPS_PROXY")
    assert fetched(store, bob.urls[ConnectionKind.HTTPS], machine) == {
        bob.repositories[ConnectionKind.HTTPS].head()
    }


def test_no_agent_and_no_key_of_the_user_helps(
    tenants: Sequence[Tenant], store: MirrorStore, ssh: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = tenants
    monkeypatch.setenv("GIT_SSH_COMMAND", ssh.client())
    url = bob.urls[ConnectionKind.SSH]
    machine = RemoteAccess(kind=ConnectionKind.MACHINE, url_prefix=url)
    assert fetched(store, url, machine) == {bob.repositories[ConnectionKind.SSH].head()}
    assert not fetched(store, url, ada.accesses[ConnectionKind.SSH])


def test_a_host_whose_key_is_not_pinned_gets_nothing(
    tenants: Sequence[Tenant], store: MirrorStore, ssh: SshServer
) -> None:
    ada = tenants[0]
    access = ada.accesses[ConnectionKind.SSH]
    elsewhere = ssh.known_hosts.replace("127.0.0.1", "127.0.0.2")
    for known_hosts in (None, "", elsewhere):
        assert not fetched(store, ada.urls[ConnectionKind.SSH], replace(access, known_hosts=known_hosts))


@pytest.mark.parametrize("kind", [ConnectionKind.HTTPS, ConnectionKind.SSH])
def test_git_connects_to_the_address_that_was_checked(
    tenants: Sequence[Tenant], store: MirrorStore, kind: ConnectionKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No resolver knows the name: git reaches the host by the address of this one answer."""
    ada = tenants[0]
    answers = answering(monkeypatch, [HOST])
    named = ada.urls[kind].replace(HOST, NAMED)
    access = replace(ada.accesses[kind], url_prefix=ada.accesses[kind].url_prefix.replace(HOST, NAMED))

    assert fetched(store, named, access) == {ada.repositories[kind].head()}
    assert answers == [NAMED]


@pytest.mark.parametrize("kind", [ConnectionKind.HTTPS, ConnectionKind.SSH])
def test_a_name_that_turns_to_a_private_address_is_refused_at_its_next_use(
    tenants: Sequence[Tenant], store: MirrorStore, kind: ConnectionKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = tenants[0]
    answering(monkeypatch, [HOST], ["10.0.0.1"], [HOST, "10.0.0.1"], [])
    named = ada.urls[kind].replace(HOST, NAMED)
    access = replace(ada.accesses[kind], url_prefix=ada.accesses[kind].url_prefix.replace(HOST, NAMED))
    mirror = opened(store, named, access)

    mirror.fetch()
    refusals = set()
    for _ in range(3):
        with pytest.raises(EnvironmentUnreachable, match="OPERATIONRUN_ALLOWED_PRIVATE_HOSTS") as refused:
            mirror.fetch()
        refusals.add(str(refused.value))
    assert len(refusals) == 1


def test_a_git_that_would_resolve_the_name_again_is_not_used(
    tenants: Sequence[Tenant], store: MirrorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = tenants[0]
    monkeypatch.setattr(secret_routes, "git_version", lambda: (2, 36))
    answering(monkeypatch, [HOST])
    named = ada.urls[ConnectionKind.HTTPS].replace(HOST, NAMED)
    with pytest.raises(EnvironmentUnreachable, match=r"git 2\.37"):
        opened(store, named, replace(ada.accesses[ConnectionKind.HTTPS], url_prefix=named)).fetch()


def answering(monkeypatch: pytest.MonkeyPatch, *answers: Sequence[str]) -> list[str]:
    """Have this process's resolver give these answers, one after the other; return the names it is asked."""
    asked: list[str] = []
    ahead = list(answers)

    def resolve(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        found = ahead.pop(0)
        if not found:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_without_being_allowed_no_private_host_is_connected_to(
    tenants: Sequence[Tenant], https: tuple[HttpsServer, Path], tmp_path: Path
) -> None:
    ada, server = tenants[0], https[0]
    store = MirrorStore(tmp_path / "strict", allowed_file_roots=[])
    machine = RemoteAccess(kind=ConnectionKind.MACHINE, url_prefix="https://any")
    for kind in (ConnectionKind.HTTPS, ConnectionKind.SSH):
        for access in (ada.accesses[kind], machine):
            with pytest.raises(EnvironmentUnreachable, match="OPERATIONRUN_ALLOWED_PRIVATE_HOSTS"):
                opened(store, ada.urls[kind], access).fetch()
    assert not server.presented


@EVERY_KIND
def test_an_access_serves_no_url_of_another_kind_or_host(
    tenants: Sequence[Tenant], store: MirrorStore, kind: ConnectionKind
) -> None:
    ada = tenants[0]
    others = [url for each, url in ada.urls.items() if each is not kind]
    for url in (
        *others,
        "https://elsewhere.example.org/x.git",
        "ssh://git@elsewhere.example.org/x.git",
        "/etc",
    ):
        with pytest.raises(InvalidInput):
            store.open(uuid4(), url, ada.accesses[kind])


@pytest.mark.parametrize("kind", [ConnectionKind.HTTPS, ConnectionKind.MACHINE])
def test_a_redirect_is_named_and_not_followed(
    tenants: Sequence[Tenant],
    store: MirrorStore,
    https: tuple[HttpsServer, Path],
    kind: ConnectionKind,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ada, server = tenants[0], https[0]
    url = ada.urls[ConnectionKind.HTTPS]
    short = url.removesuffix(".git")
    monkeypatch.setattr(server, "redirects", {urlsplit(short).path + "/": url + "/"})
    access = replace(ada.accesses[ConnectionKind.HTTPS], kind=kind)
    with pytest.raises(EnvironmentUnreachable, match=f"redirects to {url}, and redirects are not") as refused:
        opened(store, short, access).fetch()
    assert str(access.secret) not in str(refused.value)
    assert not server.presented


def test_what_listens_on_a_host_is_not_told(
    tenants: Sequence[Tenant], store: MirrorStore, https: tuple[HttpsServer, Path], ssh: SshServer
) -> None:
    """Nothing there, no TLS, another protocol, another's repository and no repository read alike."""
    ada, bob = tenants
    with socket.socket() as closed:
        closed.bind((HOST, 0))
        ports = {https[0].port, ssh.port, closed.getsockname()[1]}
        urls = {f"{scheme}://{HOST}:{port}/x/y.git" for scheme in ("https", "ssh") for port in ports}
        said = {refusal(store, ada, url) for url in (*urls, bob.urls[ConnectionKind.HTTPS])}
    assert len(urls) == 6
    assert len(said) == 1


def refusal(store: MirrorStore, tenant: Tenant, url: str) -> str:
    access = tenant.accesses[ConnectionKind(urlsplit(url).scheme)]
    with pytest.raises(EnvironmentUnreachable) as refused:
        opened(store, url, replace(access, url_prefix=url)).fetch()
    return str(refused.value)


def test_no_argument_and_no_environment_holds_a_secret(tenants: Sequence[Tenant], store: MirrorStore) -> None:
    """While a push is held at the server, each process of this machine is searched."""
    ada = tenants[0]
    for kind in SERVED_KINDS:
        mirror = opened(store, ada.urls[kind], ada.accesses[kind])
        update = RefUpdate(ref=f"refs/heads/{kind}", expected=None, new=mirror.head_of("main"))
        hooks = Hooks(ada.repositories[kind].path)
        hold = hooks.hold(Stage.PRE_RECEIVE, "*")
        with ThreadPoolExecutor(1) as pool:
            pushed = pool.submit(mirror.push, [update])
            hold.wait()
            seen = everything_shown()
            hook = next(iter(hold.held()))
            shown_to_hook = [str(fd.readlink()) for fd in Path(f"/proc/{hook}/fd").iterdir()]
            hooks.clear()
            assert pushed.result(30).of(update.ref) is RefAnswer.ACCEPTED
        assert str(ada.urls[kind]).encode() in seen or kind is not ConnectionKind.HTTPS
        for tenant in tenants:
            for secret in secrets_of(tenant):
                assert secret not in seen
        assert not [target for target in shown_to_hook if "operationrun" in target]


def secrets_of(tenant: Tenant) -> Sequence[bytes]:
    token = tenant.accesses[ConnectionKind.HTTPS].secret or ""
    key = tenant.accesses[ConnectionKind.SSH].secret or ""
    return [token.encode(), b64encode(f"{tenant.name}:{token}".encode()), key.splitlines()[2].encode()]


def everything_shown() -> bytes:
    """Return the arguments and environments of every process."""
    shown = b""
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            with suppress(OSError):
                shown += (process / name).read_bytes()
    return shown
