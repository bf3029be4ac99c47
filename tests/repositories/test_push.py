import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.errors import EnvironmentUnreachable, InvalidInput, PushRaced, PushRefused, RefNotFound
from services.repositories.commits import commit_tree, write_tree
from services.repositories.git import GitResult, never_cancelled
from services.repositories.mirror import Mirror, MirrorStore
from services.repositories.objects import tree_of
from services.repositories.push_answer import judge_push
from services.repositories.transport import GitLimits
from tests.git_repository import git
from tests.repositories.remote import Remote
from tests.repositories.waiting import has_group, wait_until

pytestmark = pytest.mark.feature

AT = datetime(2025, 3, 1, tzinfo=UTC)


@pytest.fixture
def live(remote: Remote, mirror: Mirror) -> str:
    remote.commit({"a": "0"})
    live = remote.commit({"a": "1"})
    mirror.fetch()
    return live


def commit_on(mirror: Mirror, parent: str, content: bytes = b"restored") -> str:
    blob = str(mirror.repository.create_blob(content))
    base = tree_of(mirror.repository, parent)
    tree = write_tree(mirror.repository, base, writes={"a": (blob, 0o100644)}, deletes=[])
    return commit_tree(
        mirror.repository, tree=tree, parent=parent, message="Restore", trailers={"Operation-Run": "x"},
        author_name="Ada", author_email="ada@example.org", at=AT,
    )  # fmt: skip


def test_it_pushes_one_commit_to_one_branch(remote: Remote, mirror: Mirror, live: str) -> None:
    remote.git("push", "--quiet", "origin", "main:refs/heads/other")
    commit = commit_on(mirror, live)
    mirror.push(commit=commit, branch="main", expected=live)
    assert remote.head() == commit
    assert remote.head("other") == live
    assert (mirror.resolve("main"), mirror.head_of("main")) == (live, commit)
    mirror.fetch()
    assert mirror.resolve("main") == commit


def test_a_push_waits_for_nobody_who_fetches(remote: Remote, mirror: Mirror, live: str) -> None:
    commit = commit_on(mirror, live)
    with mirror._directory.locked(timeout=timedelta(0), check_cancelled=never_cancelled):
        mirror.push(commit=commit, branch="main", expected=live)
        assert remote.head() == mirror.head_of("main") == commit


def test_the_same_push_twice_succeeds(remote: Remote, mirror: Mirror, live: str) -> None:
    commit = commit_on(mirror, live)
    mirror.push(commit=commit, branch="main", expected=live)
    mirror.push(commit=commit, branch="main", expected=live)
    assert remote.head() == commit


def test_a_branch_that_moved_on_is_not_overwritten(remote: Remote, mirror: Mirror, live: str) -> None:
    commit = commit_on(mirror, live)
    moved = remote.commit({"b": "meanwhile"})
    with pytest.raises(PushRaced):
        mirror.push(commit=commit, branch="main", expected=live)
    assert remote.head() == moved


def test_a_branch_that_was_taken_back_or_removed_is_not_overwritten(
    remote: Remote, mirror: Mirror, live: str
) -> None:
    # A plain push would be a fast-forward here, or make the branch again; only the lease says no.
    commit = commit_on(mirror, live)
    remote.git("push", "--quiet", "--force", "origin", f"{live}~1:refs/heads/main")
    with pytest.raises(PushRaced):
        mirror.push(commit=commit, branch="main", expected=live)
    git("update-ref", "-d", "refs/heads/main", cwd=remote.path)
    with pytest.raises(PushRaced):
        mirror.push(commit=commit, branch="main", expected=live)


def test_a_branch_that_moves_while_the_push_is_under_way_is_not_overwritten(
    remote: Remote, mirror: Mirror, live: str
) -> None:
    commit = commit_on(mirror, live)
    remote.hook("pre-receive", f"unset GIT_QUARANTINE_PATH; git update-ref refs/heads/main {live}~1")
    with pytest.raises(PushRaced):
        mirror.push(commit=commit, branch="main", expected=live)
    assert remote.head() != commit


def test_it_pushes_nothing_that_does_not_descend_from_what_is_live(
    remote: Remote, mirror: Mirror, live: str
) -> None:
    sibling = commit_on(mirror, remote.git("rev-parse", f"{live}~1"))
    with pytest.raises(ValueError, match="descend"):
        mirror.push(commit=sibling, branch="main", expected=live)
    with pytest.raises(RefNotFound):
        mirror.push(commit="1" * 40, branch="main", expected=live)
    assert remote.head() == live


@pytest.mark.parametrize(
    "branch", ["--delete", "refs/heads/main", "main:refs/heads/other", "+main", "a b", ""]
)
def test_it_pushes_to_no_branch_that_is_an_option_or_a_refspec(
    remote: Remote, mirror: Mirror, live: str, branch: str
) -> None:
    commit = commit_on(mirror, live)
    with pytest.raises((InvalidInput, PushRaced)):
        mirror.push(commit=commit, branch=branch, expected=live)
    assert remote.head() == live


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_a_hook_of_the_remote_may_refuse(remote: Remote, mirror: Mirror, live: str, hook: str) -> None:
    remote.hook(hook, "echo 'changes need a ticket, token=hunter2' >&2; exit 1")
    with pytest.raises(PushRefused, match="hook declined") as refused:
        mirror.push(commit=commit_on(mirror, live), branch="main", expected=live)
    assert "changes need a ticket" in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert remote.head() == live


def test_a_protected_branch_refuses(remote: Remote, mirror: Mirror, live: str, store: MirrorStore) -> None:
    checked_out = store.open(uuid.uuid4(), str(remote.path))
    checked_out.fetch()
    config = remote.path / "config"
    config.write_text(config.read_text().replace("bare = true", f"bare = false\n\tworktree = {remote.work}"))
    with pytest.raises(PushRefused, match="checked out"):
        mirror.push(commit=commit_on(mirror, live), branch="main", expected=live)


def test_a_hook_gets_nothing_of_the_workers_own_settings(
    remote: Remote, mirror: Mirror, live: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPERATIONRUN_DATABASE_URL", "postgresql://person:hunter2@localhost/x")
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    remote.hook("post-receive", f"env > {tmp_path}/environment")
    mirror.push(commit=commit_on(mirror, live), branch="main", expected=live)
    seen = (tmp_path / "environment").read_text()
    assert "PATH=" in seen
    assert "hunter2" not in seen


def test_what_the_user_configured_for_pushes_does_not_widen_ours(
    remote: Remote, mirror: Mirror, live: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gitconfig").write_text(
        "[push]\n\tfollowTags = true\n\tgpgSign = true\n\tdefault = matching\n\tpushOption = x\n"
        "[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = false\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    git("tag", "-m", "not to be pushed", "mine", live, cwd=mirror.path)
    commit = commit_on(mirror, live)
    mirror.push(commit=commit, branch="main", expected=live)
    assert remote.head() == commit
    assert not list((remote.path / "refs" / "tags").iterdir())


def test_a_remote_that_hangs_is_left_after_the_limit_and_no_process_stays(
    remote: Remote, live: str, mirror: Mirror, tmp_path: Path
) -> None:
    remote.hook(
        "pre-receive",
        f"ps -o pgid= -p $$ > {tmp_path}/group.new; mv {tmp_path}/group.new {tmp_path}/group; sleep 600",
    )
    limits = GitLimits(push_timeout=timedelta(seconds=2))
    hasty = MirrorStore(mirror.path.parent, allowed_file_roots=[remote.path.parent], limits=limits).open(
        uuid.UUID(mirror.path.stem), str(remote.path)
    )
    beats: list[int] = []
    with pytest.raises(EnvironmentUnreachable, match="did not answer the push"):
        hasty.push(
            commit=commit_on(mirror, live),
            branch="main",
            expected=live,
            check_cancelled=lambda: beats.append(1),
        )
    group = int((tmp_path / "group").read_text())
    wait_until(lambda: not has_group(group))
    assert beats
    assert remote.head() == live


def test_a_push_ends_when_the_beat_says_so(remote: Remote, live: str, mirror: Mirror, tmp_path: Path) -> None:
    remote.hook(
        "pre-receive",
        f"ps -o pgid= -p $$ > {tmp_path}/group.new; mv {tmp_path}/group.new {tmp_path}/group; sleep 600",
    )

    def cancelled() -> None:
        if (tmp_path / "group").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mirror.push(commit=commit_on(mirror, live), branch="main", expected=live, check_cancelled=cancelled)
    group = int((tmp_path / "group").read_text())
    wait_until(lambda: not has_group(group))


def test_a_repository_that_went_away_is_unreachable(remote: Remote, mirror: Mirror, live: str) -> None:
    commit = commit_on(mirror, live)
    remote.move_to(remote.path.with_name("elsewhere.git"))
    with pytest.raises(EnvironmentUnreachable):
        mirror.push(commit=commit, branch="main", expected=live)


REPORT = "To https://git.example.org/x\n{}\nDone\n"
LINE = "!\tabc:refs/heads/main\t[{}] ({})"


@pytest.mark.parametrize(
    ("stdout", "stderr", "error"),
    [
        (LINE.format("rejected", "stale info"), "", PushRaced),
        (LINE.format("rejected", "fetch first"), "", PushRaced),
        (
            LINE.format("remote rejected", "cannot lock ref 'refs/heads/main': is at 1 but expected 2"),
            "",
            PushRaced,
        ),
        (LINE.format("remote rejected", "failed to update ref"), "", PushRaced),
        (LINE.format("remote rejected", "incorrect old value provided"), "", PushRaced),
        (LINE.format("remote rejected", "protected branch hook declined"), "", PushRefused),
        (LINE.format("remote rejected", "cannot lock ref 'x': Permission denied"), "", PushRefused),
        (
            LINE.format("remote rejected", "TF402455: Pushes to this branch are not permitted (really)"),
            "",
            PushRefused,
        ),
        (LINE.format("remote rejected", "unpacker error"), "insufficient permission", PushRefused),
        (LINE.format("remote failure", "remote failed to report status"), "", EnvironmentUnreachable),
        (
            "",
            "remote: Permission to x denied to y.\nfatal: The requested URL returned error: 403",
            PushRefused,
        ),
        ("", "fatal: Authentication failed for 'https://git.example.org/x'", PushRefused),
        ("", "fatal: could not read Username for 'https://x': terminal prompts disabled", PushRefused),
        (
            "",
            "ERROR: Permission to x.git denied to deploy key\nfatal: Could not read from remote",
            PushRefused,
        ),
        ("", "ssh: Could not resolve hostname x: Name or service not known", EnvironmentUnreachable),
        (
            "",
            "fatal: unable to access 'https://x/': The requested URL returned error: 503",
            EnvironmentUnreachable,
        ),
        ("", "", EnvironmentUnreachable),
    ],
)
def test_each_answer_means_one_thing(stdout: str, stderr: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        judge_push(GitResult(exit_code=1, stdout=REPORT.format(stdout).encode(), stderr=stderr))


@pytest.mark.parametrize("line", [" \tabc:refs/heads/main\t1..2", "=\tabc:refs/heads/main\t[up to date]"])
def test_a_push_that_the_remote_took_stands_whatever_else_git_says(line: str) -> None:
    judge_push(
        GitResult(exit_code=1, stdout=REPORT.format(line).encode(), stderr="fatal: something afterwards")
    )
