from pathlib import Path

import pytest

from models.errors import InvalidInput
from services.repositories.locations import check_repository_url
from services.repositories.paths import check_path_prefix
from services.repositories.refs import check_branch, check_ref
from services.repositories.routing.addresses import AllowedHosts
from services.repositories.routing.routes import route_to
from tests.mirrors import access_to


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.org/team/settings.git",
        "https://git.example.org:8443/settings",
        "ssh://git@git.example.org:2222/team/settings.git",
        "ssh://git@[::1]/settings.git",
        "git@git.example.org:team/settings.git",
        "git.example.org:settings.git",
    ],
)
def test_it_allows_https_and_ssh(url: str) -> None:
    assert check_repository_url(url, allowed_file_roots=[]) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ext::sh -c touch% /tmp/pwned",
        "ext::https://git.example.org/x",
        "fd::17",
        "http://git.example.org/settings.git",
        "git://git.example.org/settings.git",
        "HTTPS://git.example.org/settings.git",
        "ftp://git.example.org/settings.git",
        "relative/path.git",
        "../outside.git",
        "~/settings.git",
        "--upload-pack=touch /tmp/pwned",
        "-oProxyCommand=touch",
        "ssh://-oProxyCommand=touch/x",
        "ssh://-oProxyCommand=touch@host/x",
        "-oProxyCommand=touch@host:x",
        "git@-oProxyCommand=touch:x",
        "git@host:-x",
        "https:///settings.git",
        "https://git.example.org",
        "https://git.example.org:port/x",
        "https://git.example.org/x?token=abc",
        "https://git.example.org/x#main",
        "https://git.example.org/a b",
        "https://git.example.org/x\nhost=evil.example.org",
        "https://git.example.org/x%0ahost=evil.example.org",
        "https://git.example.org/\udcff",
        "https://git.example.org./x",
        "https://gít.example.org/x",
        "https://git%2eexample.org/x",
        "https://evil.example.org\\\\@git.example.org:x/x",
        "https://2130706433/x",
        "https://127.1/x",
        "https://0x7f.0.0.0x1/x",
        "https://[fe80::1%25eth0]/x",
        "[git.example.org:22]:x",
        "https://git.example.org/" + "x" * 3000,
    ],
)
def test_it_refuses_every_other_url_and_names_the_field(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_repository_url(url, allowed_file_roots=[Path("/")])
    assert refused.value.field == "repository_url"


@pytest.mark.parametrize(
    "url",
    [
        "https://person:hunter2@git.example.org/x.git",
        "https://:hunter2@git.example.org/x.git",
        "ssh://git:hunter2@git.example.org/x.git",
        "https://ghp_hunter2hunter2hunter2hunter2@git.example.org/x.git",
        "https://hunter2@git.example.org/x.git",
    ],
)
def test_it_refuses_a_url_with_a_credential_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidInput, match="Put them into a connection") as refused:
        check_repository_url(url, allowed_file_roots=[])
    assert "hunter2" not in str(refused.value)


def test_it_allows_files_under_a_root_alone(tmp_path: Path) -> None:
    root = tmp_path / "served"
    for url in (f"{root}/a.git", f"file://{root}/a b.git", f"file://{root}/a%20b.git", str(root)):
        assert check_repository_url(url, allowed_file_roots=[tmp_path / "other", root]) == url
    for url in (str(tmp_path), f"{root}/../x", f"file://{root}/%2e%2e/x", f"{root}-beside/x", "/etc"):
        with pytest.raises(InvalidInput, match="OPERATIONRUN_ALLOWED_FILE_ROOTS"):
            check_repository_url(url, allowed_file_roots=[root])
    with pytest.raises(InvalidInput):
        check_repository_url(str(root), allowed_file_roots=[])


def test_it_refuses_a_file_url_with_a_host(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no host"):
        check_repository_url(f"file://localhost{tmp_path}", allowed_file_roots=[tmp_path])


@pytest.mark.parametrize("link", ["way-out", "way-out.git", "way-out/.git"])
def test_it_refuses_a_link_out_of_the_root(tmp_path: Path, link: str) -> None:
    root, outside = tmp_path / "served", tmp_path / "outside"
    outside.mkdir()
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(outside)
    with pytest.raises(InvalidInput):
        check_repository_url(str(root / "way-out"), allowed_file_roots=[root])


def test_a_user_name_that_version_1_stored_is_taken_where_the_repository_is_used() -> None:
    url = "https://person@dev.example.org/team/_git/settings"
    assert source_of(url) == url
    with pytest.raises(InvalidInput):
        check_repository_url(url, allowed_file_roots=[])


def test_it_follows_links_to_what_git_is_told(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert source_of(f"file://{tmp_path}/link/x.git", tmp_path) == f"{tmp_path}/real/x.git"


def test_it_refuses_links_that_form_a_loop(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InvalidInput):
        check_repository_url(f"{tmp_path}/loop", allowed_file_roots=[tmp_path / "served"])


@pytest.mark.parametrize("name", ["main", "release/2.1", "feature/ü", "a.b-c_d", "deadbeef"])
def test_it_allows_branches(name: str) -> None:
    assert check_branch(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-f",
        "--delete",
        "refs/heads/main",
        "HEAD",
        "@",
        "a..b",
        "a b",
        "a~1",
        "a^",
        "a:b",
        "a@{1}",
        "a?",
        "a*",
        "a[",
        "a\\b",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a/.b",
        "a.lock",
        "a.",
        "a\n",
        "a\x00",
        "a\udcff",
        "x" * 3000,
    ],
)
def test_it_refuses_what_is_no_branch(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_branch(name)
    assert refused.value.field == "branch"


@pytest.mark.parametrize(
    "ref", ["main", "v1.0", "refs/heads/main", "refs/tags/v1", "abcd", "0" * 40, "f" * 64]
)
def test_it_allows_refs(ref: str) -> None:
    assert check_ref(ref) == ref


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "-x",
        "--all",
        "HEAD",
        "main~1",
        "main^{tree}",
        "main:path",
        "main@{1}",
        "a..b",
        "^main",
        ":/x",
        "a\nb",
    ],
)
def test_it_refuses_revision_operators_and_options(ref: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_ref(ref, field="baseline_ref")
    assert refused.value.field == "baseline_ref"


def test_it_takes_the_slashes_off_a_path_prefix() -> None:
    assert check_path_prefix("") == ""
    assert check_path_prefix("/") == ""
    assert check_path_prefix("/policies/[prod] a/") == "policies/[prod] a"


@pytest.mark.parametrize(
    "prefix", ["..", "a/../b", "./a", "a//b", ".git", "a/.GIT/b", "a\nb", "a\x00", "\udcff", "x" * 3000]
)
def test_it_refuses_what_is_no_folder_of_a_repository(prefix: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_path_prefix(prefix)
    assert refused.value.field == "path_prefix"


def source_of(url: str, *roots: Path) -> str:
    """Return what git fetches from and pushes to."""
    return route_to(url, access_to(url), allowed_file_roots=roots, allowed_hosts=AllowedHosts()).source
