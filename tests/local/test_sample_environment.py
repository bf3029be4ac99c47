import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.errors import RepositoryError
from runtime.local.sample_environment import (
    BASELINE,
    BRANCH,
    RELEASES,
    REPOSITORY,
    SOURCE,
    SampleHistory,
    make_sample_repository,
)
from tests.git_repository import git_bytes


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample_repository(tmp_path_factory.mktemp("sample"))


def git(repository: Path, *arguments: str) -> bytes:
    return git_bytes(*arguments, cwd=repository)


def lines(repository: Path, *arguments: str) -> list[str]:
    return git(repository, *arguments).decode().splitlines()


def changes(repository: Path, before: str, after: str) -> list[list[str]]:
    """Return [letter and similarity, path, new path of a rename] per file, as `git diff -M` sees it."""
    told = lines(repository, "-c", "core.quotePath=false", "diff", "-M", "--name-status", before, after)
    return [line.split("\t") for line in told]


def paths(repository: Path, ref: str) -> list[str]:
    return git(repository, "ls-tree", "-r", "-z", "--name-only", ref).decode().rstrip("\0").split("\0")


def parse(path: str, content: bytes) -> list[Any]:
    """Parse as the product reads real exports: JSON by its byte-order mark, YAML with all its documents."""
    text = content.decode("utf-16" if content[:2] == b"\xff\xfe" else "utf-8-sig")
    return [json.loads(text)] if path.endswith(".json") else list(yaml.safe_load_all(text))


def refs(repository: Path) -> list[str]:
    return lines(repository, "for-each-ref", "--format=%(refname) %(objectname)")


def test_it_has_one_live_branch_and_the_tags_the_demo_names(repository: Path) -> None:
    assert lines(repository, "symbolic-ref", "HEAD") == [f"refs/heads/{BRANCH}"]
    assert lines(repository, "tag") == sorted([BASELINE, *RELEASES])
    assert lines(repository, "rev-parse", BRANCH) == lines(
        repository, "rev-parse", f"{RELEASES[-1]}^{{commit}}"
    )
    assert git(repository, "fsck", "--strict") == b""


def test_it_tells_a_history_of_several_people_over_one_year(repository: Path) -> None:
    told = lines(repository, "log", "--format=%an%x09%ad%x09%s", "--date=format:%Y-%m", BRANCH)
    authors, months, subjects = zip(*(line.split("\t") for line in told), strict=True)
    assert set(authors) == {"Ines Falk", "Mara Oduya", "Tobias Renn"}
    assert sorted(set(months)) == ["2026-03", "2026-06", "2026-09"]
    assert len(set(subjects)) == len(subjects) >= 10


def test_the_live_release_has_files_of_every_folder_and_names_as_exports_have_them(repository: Path) -> None:
    live = paths(repository, BRANCH)
    assert 35 <= len(live) <= 45
    assert {path.split("/")[0] for path in live} == {
        "README.md",
        "applications",
        "compliance",
        "conditional-access",
        "device-configuration",
        "kubernetes",
    }
    assert any("[" in path and " " in path for path in live)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("release-1", "release-2", {"A": 4, "D": 1, "R": 1, "M": 8}),
        ("release-2", "release-3", {"A": 3, "D": 1, "R": 4, "M": 13}),
        (BASELINE, "release-3", {"A": 3, "D": 3, "R": 4, "M": 16}),
    ],
)
def test_git_counts_the_changes_the_story_tells(
    repository: Path, before: str, after: str, expected: dict[str, int]
) -> None:
    assert Counter(change[0][0] for change in changes(repository, before, after)) == expected


def test_the_last_release_renames_with_and_without_an_edit(repository: Path) -> None:
    renamed = {new: letter for letter, _, *new_path in changes(repository, *RELEASES[1:]) for new in new_path}
    assert renamed["device-configuration/BM - macOS - Screen lock and screen saver.json"] == "R100"
    edited = renamed["device-configuration/BM - Win - Kiosk - Bakery floor [Panels].json"]
    assert edited.startswith("R")
    assert edited != "R100"


def test_the_last_release_loosens_what_a_reviewer_should_notice(repository: Path) -> None:
    def setting(ref: str, path: str, *keys: str) -> Any:
        (value,) = parse(path, git(repository, "cat-file", "blob", f"{ref}:{path}"))
        for key in keys:
            value = value[key]
        return value

    firewall = "device-configuration/BM - Win - Firewall - All devices.json"
    inbound = ("firewallProfilePrivate", "inboundConnectionsBlocked")
    assert [setting(ref, firewall, *inbound) for ref in RELEASES] == [True, True, False]
    access = "conditional-access/CA003 - Require compliant device for office apps.json"
    excluded = [setting(ref, access, "conditions", "users", "excludeGroups") for ref in RELEASES]
    assert excluded[2] == [*excluded[1], "BM Users Contractors"]
    portal = "kubernetes/order-portal/deployment.yaml"
    assert [setting(ref, portal, "spec", "replicas") for ref in RELEASES] == [3, 4, 6]


@pytest.mark.parametrize("ref", [*RELEASES, BASELINE])
def test_every_file_parses_but_the_one_a_merge_broke(repository: Path, ref: str) -> None:
    broken = []
    for path in paths(repository, ref):
        if path.endswith((".json", ".yaml")):
            try:
                parse(path, git(repository, "cat-file", "blob", f"{ref}:{path}"))
            except (ValueError, yaml.YAMLError):
                broken.append(path)
    assert tuple(broken) == (SampleHistory.read().broken if ref == "release-3" else ())


def test_it_holds_both_byte_order_marks_and_several_documents_in_one_file(repository: Path) -> None:
    blobs = {
        path: git(repository, "cat-file", "blob", f"{BRANCH}:{path}") for path in paths(repository, BRANCH)
    }
    marked = {path: content[:3] for path, content in blobs.items() if not content[:1].isascii()}
    assert sorted(marked) == sorted(SampleHistory.read().byte_order_marks)
    assert sorted(mark[:2] for mark in marked.values()) == [b"\xef\xbb", b"\xff\xfe"]
    namespaces = "kubernetes/namespaces.yaml"
    assert [part["kind"] for part in parse(namespaces, blobs[namespaces])] == ["Namespace", "Namespace"]


def test_its_secrets_change_and_say_that_they_are_none(repository: Path) -> None:
    oven = "device-configuration/BM - Win - Local administrator - Rotation.json"
    database = "kubernetes/order-portal/database-secret.yaml"
    passwords = []
    for ref in RELEASES[1:]:
        (policy,) = parse(oven, git(repository, "cat-file", "blob", f"{ref}:{oven}"))
        (secret,) = parse(database, git(repository, "cat-file", "blob", f"{ref}:{database}"))
        assert secret["kind"] == "Secret"
        passwords += [policy["ovenTerminal"]["adminPassword"], secret["stringData"]["password"]]
    assert all(password.startswith("example-not-a-secret") for password in passwords)
    assert passwords[:2] != passwords[2:]


def test_every_stored_file_is_written_by_exactly_one_commit() -> None:
    commits = SampleHistory.read().commits
    written = Counter(
        f"{commit.folder.as_posix()}/{path}" for commit in commits for path, _ in commit.files()
    )
    stored = [
        file.relative_to(SOURCE).as_posix()
        for folder in ("releases", "baseline")
        for file in (SOURCE / folder).rglob("*")
        if file.is_file()
    ]
    assert written == Counter(stored)


def test_the_commits_have_the_same_ids_whatever_the_environment_says(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Somebody Else")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    again = make_sample_repository(tmp_path / "again")
    monkeypatch.delenv("GIT_DIR")
    assert refs(again) == refs(repository)


def test_it_ignores_a_hostile_configuration_of_the_user(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    for name in ("reference-transaction", "post-update", "update"):
        (hooks / name).write_text("#!/bin/sh\nexit 1\n")
        (hooks / name).chmod(0o755)
    config = tmp_path / "gitconfig"
    config.write_text(
        f"[commit]\ngpgsign = true\n[tag]\ngpgsign = true\n[gpg]\nprogram = /bin/false\n"
        f"[core]\nhooksPath = {hooks}\nautocrlf = true\n"
        f"[init]\ntemplateDir = {hooks.parent}\ndefaultBranch = trunk\n[safe]\nbareRepository = explicit\n"
    )
    with monkeypatch.context() as hostile:
        hostile.setenv("GIT_CONFIG_GLOBAL", str(config))
        hostile.setenv("GIT_CONFIG_COUNT", "1")
        hostile.setenv("GIT_CONFIG_KEY_0", "core.hooksPath")
        hostile.setenv("GIT_CONFIG_VALUE_0", str(hooks))
        made = make_sample_repository(tmp_path / "made")
    assert refs(made) == refs(repository)
    assert not (made / "hooks").exists()


def test_it_leaves_a_repository_that_people_restored_in_as_it_is(tmp_path: Path) -> None:
    made = make_sample_repository(tmp_path)
    git(made, "update-ref", f"refs/heads/{BRANCH}", "release-1^{commit}")
    before = refs(made)
    assert make_sample_repository(tmp_path) == made
    assert refs(made) == before


def test_it_removes_what_a_killed_run_left_half_made(repository: Path, tmp_path: Path) -> None:
    leftover = tmp_path / f"{REPOSITORY}.partial"
    leftover.mkdir()
    (leftover / "HEAD").write_text("half a li")
    made = make_sample_repository(tmp_path)
    assert refs(made) == refs(repository)
    assert list(tmp_path.iterdir()) == [made]


def test_a_failed_import_leaves_no_repository_and_says_what_git_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(SampleHistory, "stream", lambda _: iter([b"nonsense\n"]))
        with pytest.raises(RepositoryError, match="Unsupported command: nonsense"):
            make_sample_repository(tmp_path)
    assert not (tmp_path / REPOSITORY).exists()
    assert make_sample_repository(tmp_path).is_dir()


def test_it_asks_for_git_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RepositoryError, match="Install git"):
        make_sample_repository(tmp_path / "sample")
