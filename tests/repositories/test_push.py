import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.errors import RefNotFound
from services.repositories.commits import commit_tree, write_tree
from services.repositories.git import GitResult, never_cancelled
from services.repositories.mirror import Mirror, MirrorStore
from services.repositories.objects import tree_of
from services.repositories.push_answer import PushAnswer, RefAnswer, read_answer
from services.repositories.remote import RefUpdate
from services.repositories.tickets import TicketState, ticket_object, ticket_ref
from services.repositories.transport import GitLimits
from tests.git_repository import git
from tests.mirrors import FILES
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


MAIN = "refs/heads/main"


def push(mirror: Mirror, commit: str, live: str) -> PushAnswer:
    return mirror.push([RefUpdate(ref=MAIN, expected=live, new=commit)])


def said(mirror: Mirror, commit: str, live: str) -> RefAnswer:
    return push(mirror, commit, live).of(MAIN)


def test_it_pushes_one_commit_to_one_branch(remote: Remote, mirror: Mirror, live: str) -> None:
    remote.git("push", "--quiet", "origin", "main:refs/heads/other")
    commit = commit_on(mirror, live)
    push(mirror, commit, live)
    assert remote.head() == commit
    assert remote.head("other") == live
    assert (mirror.resolve("main"), mirror.head_of("main")) == (live, commit)
    mirror.fetch()
    assert mirror.resolve("main") == commit


def test_a_push_waits_for_nobody_who_fetches(remote: Remote, mirror: Mirror, live: str) -> None:
    commit = commit_on(mirror, live)
    with mirror._directory.locked(timeout=timedelta(0), check_cancelled=never_cancelled):
        push(mirror, commit, live)
        assert remote.head() == mirror.head_of("main") == commit


def test_the_same_push_twice_succeeds(remote: Remote, mirror: Mirror, live: str) -> None:
    commit = commit_on(mirror, live)
    assert said(mirror, commit, live) is RefAnswer.ACCEPTED
    assert said(mirror, commit, live) is RefAnswer.UNCHANGED
    assert remote.head() == commit


def test_a_branch_that_moved_on_is_not_overwritten(remote: Remote, mirror: Mirror, live: str) -> None:
    commit = commit_on(mirror, live)
    moved = remote.commit({"b": "meanwhile"})
    assert said(mirror, commit, live) is RefAnswer.STALE
    assert remote.head() == moved


def test_a_branch_that_was_taken_back_or_removed_is_not_overwritten(
    remote: Remote, mirror: Mirror, live: str
) -> None:
    # A plain push would be a fast-forward here, or make the branch again; only the lease says no.
    commit = commit_on(mirror, live)
    remote.git("push", "--quiet", "--force", "origin", f"{live}~1:refs/heads/main")
    assert said(mirror, commit, live) is RefAnswer.STALE
    git("update-ref", "-d", "refs/heads/main", cwd=remote.path)
    assert said(mirror, commit, live) is RefAnswer.STALE


def test_a_branch_that_moves_while_the_push_is_under_way_is_not_overwritten(
    remote: Remote, mirror: Mirror, live: str
) -> None:
    commit = commit_on(mirror, live)
    remote.hook("pre-receive", f"unset GIT_QUARANTINE_PATH; git update-ref refs/heads/main {live}~1")
    assert said(mirror, commit, live) is RefAnswer.STALE
    assert remote.head() != commit


def test_it_pushes_nothing_that_does_not_descend_from_what_is_live(
    remote: Remote, mirror: Mirror, live: str
) -> None:
    sibling = commit_on(mirror, remote.git("rev-parse", f"{live}~1"))
    with pytest.raises(ValueError, match="descend"):
        push(mirror, sibling, live)
    with pytest.raises(RefNotFound):
        push(mirror, "1" * 40, live)
    assert remote.head() == live


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_a_hook_of_the_remote_may_refuse(remote: Remote, mirror: Mirror, live: str, hook: str) -> None:
    remote.hook(hook, "echo 'changes need a ticket, token=hunter2' >&2; exit 1")
    answer = push(mirror, commit_on(mirror, live), live)
    assert answer.of(MAIN) is RefAnswer.REFUSED
    assert "hook declined" in answer.words
    assert "changes need a ticket" in answer.words
    assert "hunter2" not in answer.words
    assert remote.head() == live


def test_a_protected_branch_refuses(remote: Remote, mirror: Mirror, live: str, store: MirrorStore) -> None:
    checked_out = store.open(uuid.uuid4(), str(remote.path), FILES)
    checked_out.fetch()
    config = remote.path / "config"
    config.write_text(config.read_text().replace("bare = true", f"bare = false\n\tworktree = {remote.work}"))
    answer = push(mirror, commit_on(mirror, live), live)
    assert answer.of(MAIN) is RefAnswer.REFUSED
    assert "checked out" in answer.words


def test_a_hook_gets_nothing_of_the_workers_own_settings(
    remote: Remote, mirror: Mirror, live: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPERATIONRUN_DATABASE_URL", "postgresql://person:hunter2@localhost/x")
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    remote.hook("post-receive", f"env > {tmp_path}/environment")
    push(mirror, commit_on(mirror, live), live)
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
    push(mirror, commit, live)
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
        uuid.UUID(mirror.path.stem), str(remote.path), FILES
    )
    beats: list[int] = []
    update = RefUpdate(ref=MAIN, expected=live, new=commit_on(mirror, live))
    answer = hasty.push([update], check_cancelled=lambda: beats.append(1))
    assert answer.of(MAIN) is RefAnswer.UNKNOWN
    assert not answer.heard
    assert "did not answer the push" in answer.words
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

    update = RefUpdate(ref=MAIN, expected=live, new=commit_on(mirror, live))
    with pytest.raises(KeyboardInterrupt):
        mirror.push([update], check_cancelled=cancelled)
    group = int((tmp_path / "group").read_text())
    wait_until(lambda: not has_group(group))


def test_a_repository_that_went_away_is_unreachable(remote: Remote, mirror: Mirror, live: str) -> None:
    commit = commit_on(mirror, live)
    remote.move_to(remote.path.with_name("elsewhere.git"))
    answer = push(mirror, commit, live)
    assert (answer.of(MAIN), answer.heard) == (RefAnswer.UNKNOWN, False)


TICKET = ticket_ref(uuid.UUID(int=1), 1)


def ticket(mirror: Mirror, state: TicketState) -> str:
    return ticket_object(mirror.repository, TICKET, state, at=AT)


def test_a_branch_and_a_ticket_move_together_or_not_at_all(mirror: Mirror, live: str) -> None:
    opened, done, fenced = (ticket(mirror, state) for state in TicketState)
    both = [
        RefUpdate(ref=MAIN, expected=live, new=commit_on(mirror, live)),
        RefUpdate(ref=TICKET, expected=opened, new=done),
    ]
    assert mirror.push([RefUpdate(ref=TICKET, expected=None, new=opened)]).of(TICKET) is RefAnswer.ACCEPTED
    assert mirror.push([RefUpdate(ref=TICKET, expected=opened, new=fenced)]).of(TICKET) is RefAnswer.ACCEPTED

    answer = mirror.push(both)

    assert (answer.of(MAIN), answer.of(TICKET)) == (RefAnswer.WITHHELD, RefAnswer.STALE)
    assert mirror.read_refs([MAIN, TICKET]) == {MAIN: live, TICKET: fenced}
    assert mirror.push([RefUpdate(ref=TICKET, expected=fenced, new=None)]).of(TICKET) is RefAnswer.ACCEPTED
    assert mirror.push([RefUpdate(ref=TICKET, expected=None, new=opened)]).of(TICKET) is RefAnswer.ACCEPTED
    answer = mirror.push(both)
    assert (answer.of(MAIN), answer.of(TICKET)) == (RefAnswer.ACCEPTED, RefAnswer.ACCEPTED)
    assert mirror.read_refs([MAIN, TICKET]) == {MAIN: both[0].new, TICKET: done}


def test_no_two_states_of_any_tickets_share_an_object(mirror: Mirror) -> None:
    refs = [ticket_ref(uuid.UUID(int=run), number) for run in (1, 2) for number in (1, 2)]
    objects = {ticket_object(mirror.repository, ref, state, at=AT) for ref in refs for state in TicketState}
    assert len(objects) == 12


def test_a_remote_without_atomic_pushes_moves_nothing_and_is_known_by_it(
    remote: Remote, mirror: Mirror, live: str
) -> None:
    git("config", "receive.advertiseAtomic", "false", cwd=remote.path)
    answer = mirror.push(
        [
            RefUpdate(ref=MAIN, expected=live, new=commit_on(mirror, live)),
            RefUpdate(ref=TICKET, expected=None, new=ticket(mirror, TicketState.OPEN)),
        ]
    )
    assert not answer.is_atomic
    assert mirror.read_refs([MAIN, TICKET]) == {MAIN: live}


REPORT = "To https://git.example.org/x\n{}\nDone\n"
LINE = "!\tabc:refs/heads/main\t[{}] ({})"


@pytest.mark.parametrize(
    ("stdout", "stderr", "said"),
    [
        (LINE.format("rejected", "stale info"), "", RefAnswer.STALE),
        (LINE.format("rejected", "fetch first"), "", RefAnswer.STALE),
        (LINE.format("rejected", "atomic push failed"), "", RefAnswer.WITHHELD),
        (LINE.format("remote rejected", "atomic push failure"), "", RefAnswer.WITHHELD),
        (
            LINE.format("remote rejected", "atomic transaction failed"),
            "is at 1a2b but expected 3c",
            RefAnswer.UNKNOWN,
        ),
        (
            LINE.format("remote rejected", "cannot lock ref 'refs/heads/main': is at 1abc but expected 2"),
            "",
            RefAnswer.STALE,
        ),
        (
            LINE.format("remote rejected", "failed to update ref"),
            "main is at 1abc but expected 2",
            RefAnswer.STALE,
        ),
        (
            LINE.format("remote rejected", "failed to update ref"),
            "Unable to create lock: exists",
            RefAnswer.UNKNOWN,
        ),
        (
            LINE.format("remote rejected", "failed to update ref"),
            "warning: Permission denied",
            RefAnswer.UNKNOWN,
        ),
        (LINE.format("remote rejected", "incorrect old value provided"), "", RefAnswer.STALE),
        (LINE.format("remote rejected", "protected branch hook declined"), "", RefAnswer.REFUSED),
        (LINE.format("remote rejected", "cannot lock ref 'x': Permission denied"), "", RefAnswer.REFUSED),
        (
            LINE.format("remote rejected", "TF402455: Pushes to this branch are not permitted (really)"),
            "",
            RefAnswer.REFUSED,
        ),
        (LINE.format("remote rejected", "unpacker error"), "insufficient permission", RefAnswer.REFUSED),
        (LINE.format("remote failure", "remote failed to report status"), "", None),
        (
            "",
            "remote: Permission to x denied to y.\nfatal: The requested URL returned error: 403",
            RefAnswer.REFUSED,
        ),
        ("", "fatal: Authentication failed for 'https://git.example.org/x'", RefAnswer.REFUSED),
        ("", "fatal: could not read Username for 'https://x': terminal prompts disabled", RefAnswer.REFUSED),
        (
            "",
            "ERROR: Permission to x.git denied to deploy key\nfatal: Could not read from remote",
            RefAnswer.REFUSED,
        ),
        # What a hook says is no answer: the push that it judges may still arrive.
        ("", "remote: main is protected\nfatal: the remote end hung up unexpectedly", None),
        ("", "remote: fatal: unable to access: permission denied\nerror: RPC failed; curl 56 reset", None),
        ("", "ssh: Could not resolve hostname x: Name or service not known", None),
        ("", "fatal: unable to access 'https://x/': The requested URL returned error: 503", None),
        ("", "", None),
    ],
)
def test_each_answer_means_one_thing(stdout: str, stderr: str, said: RefAnswer | None) -> None:
    result = GitResult(exit_code=1, stdout=REPORT.format(stdout).encode(), stderr=stderr)
    answer = read_answer(result, [MAIN])
    assert (answer.of(MAIN), answer.heard) == (said or RefAnswer.UNKNOWN, said is not None)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (" \tabc:refs/heads/main\t1..2", RefAnswer.ACCEPTED),
        ("=\tabc:refs/heads/main\t[up to date]", RefAnswer.UNCHANGED),
        ("-\t:refs/heads/main\t[deleted]", RefAnswer.ACCEPTED),
    ],
)
def test_a_push_that_the_remote_took_stands_whatever_else_git_says(line: str, said: RefAnswer) -> None:
    result = GitResult(exit_code=1, stdout=REPORT.format(line).encode(), stderr="fatal: something afterwards")
    assert read_answer(result, [MAIN]).of(MAIN) is said
