import shutil
import uuid
from pathlib import Path

import pytest

from models.errors import (
    EnvironmentUnreachable,
    InvalidInput,
    RefNotFound,
    RepositoryError,
    RepositoryTooLarge,
)
from services.repositories.git import CheckCancelled
from services.repositories.mirror import Mirror, MirrorStore
from services.repositories.objects import entries
from services.repositories.transport import GitLimits
from services.repositories.tree_objects import damaged
from tests.git_repository import git
from tests.mirrors import FILES, access_to
from tests.repositories.remote import Remote


def names(mirror: Mirror) -> set[str]:
    return set(mirror.repository.references)


def test_it_fetches_branches_and_tags(remote: Remote, mirror: Mirror) -> None:
    commit = remote.commit({"a": "1"})
    remote.git("tag", "-m", "a tag", "v1")
    remote.git("push", "--quiet", "origin", "v1", "main:refs/heads/feature/x", "main:refs/notes/hidden")
    mirror.fetch()
    assert names(mirror) == {"refs/heads/main", "refs/heads/feature/x", "refs/tags/v1"}
    assert mirror.resolve("main") == commit
    assert mirror.repository.is_bare


def test_it_follows_a_remote_that_moves_rewrites_and_removes(remote: Remote, mirror: Mirror) -> None:
    remote.commit({"a": "1"})
    remote.git("push", "--quiet", "origin", "main:refs/heads/x", "main:refs/tags/t")
    mirror.fetch()
    remote.git("commit", "--quiet", "--amend", "-m", "rewritten")
    remote.git("push", "--quiet", "--force", "origin", "main", "main:refs/tags/t", ":refs/heads/x")
    remote.git("push", "--quiet", "origin", "main:refs/heads/x/y")
    mirror.fetch()
    assert names(mirror) == {"refs/heads/main", "refs/heads/x/y", "refs/tags/t"}
    assert mirror.resolve("t") == mirror.resolve("main") == remote.head()


def test_an_empty_repository_is_fetched_and_has_no_branch(mirror: Mirror) -> None:
    mirror.fetch()
    with pytest.raises(RefNotFound):
        mirror.resolve("main")


def test_a_mirror_that_was_never_fetched_is_empty(mirror: Mirror) -> None:
    with pytest.raises(RepositoryError, match="nothing of the environment's repository yet"):
        mirror.resolve("main")
    assert names(mirror) == set()


def test_it_resolves_a_branch_before_a_tag_before_a_commit(remote: Remote, mirror: Mirror) -> None:
    first = remote.commit({"a": "1"})
    second = remote.commit({"a": "2"})
    third = remote.commit({"a": "3"})
    remote.git("tag", "-m", "annotated", "both", first)
    remote.git("push", "--quiet", "origin", "tag", "both", f"{second}:refs/heads/both")
    remote.git("push", "--quiet", "origin", f"{third}:refs/heads/{first[:8]}")
    mirror.fetch()
    assert mirror.resolve("both") == second
    assert mirror.resolve("refs/tags/both") == first
    assert mirror.resolve("refs/heads/both") == second
    assert mirror.resolve(first[:8]) == third
    assert mirror.resolve(first[:9]) == mirror.resolve(first) == first
    assert mirror.resolve(remote.git("rev-parse", "both^{tag}")) == first


def test_it_does_not_resolve_what_is_no_commit(remote: Remote, mirror: Mirror) -> None:
    commit = remote.commit({"a": "1"})
    tree = remote.git("rev-parse", f"{commit}^{{tree}}")
    remote.git("tag", "a-tree", tree)
    remote.git("push", "--quiet", "origin", "a-tree")
    mirror.fetch()
    for ref in (
        "a-tree",
        tree,
        tree[:10],
        "1" * 40,
        "f" * 64,
        "12345678",
        "nothing",
        "refs/heads/nothing",
        "abcd",
    ):
        with pytest.raises(RefNotFound) as missing:
            mirror.resolve(ref)
        assert missing.value.ref == ref
    for ref in ("HEAD", "main^", "--all", "main:a"):
        with pytest.raises(InvalidInput):
            mirror.resolve(ref)


def test_ensure_fetches_only_what_is_missing(remote: Remote, mirror: Mirror) -> None:
    first = remote.commit({"a": "1"})
    mirror.ensure([first])
    second = remote.commit({"a": "2"})
    mirror.ensure([first])
    assert mirror.resolve("main") == first
    mirror.ensure([first, second])
    assert mirror.resolve("main") == second


@pytest.mark.parametrize("commit", ["1" * 40, "abcdef", "main", "--all", ""])
def test_ensure_names_the_commit_that_is_not_to_be_had(remote: Remote, mirror: Mirror, commit: str) -> None:
    remote.commit({"a": "1"})
    with pytest.raises(RefNotFound) as missing:
        mirror.ensure([remote.head(), commit])
    assert missing.value.ref == commit


def test_a_pinned_commit_outlives_a_rewritten_branch(remote: Remote, mirror: Mirror) -> None:
    pinned = remote.commit({"a": "1"})
    mirror.fetch()
    remote.git("commit", "--quiet", "--amend", "-m", "rewritten")
    remote.git("push", "--quiet", "--force", "origin", "main")
    mirror.fetch()
    mirror.ensure([pinned])
    shutil.rmtree(mirror.path.resolve())
    mirror.ensure([pinned])
    assert [entry.path for entry in entries(mirror.repository, pinned)] == ["a"]
    assert mirror.resolve("main") == remote.head()


def test_a_repository_that_is_not_there_is_unreachable(remote: Remote, mirror: Mirror) -> None:
    remote.move_to(remote.path.with_name("elsewhere.git"))
    with pytest.raises(EnvironmentUnreachable, match="could not be reached"):
        mirror.fetch()


def test_the_url_of_an_environment_may_change(remote: Remote, store: MirrorStore, tmp_path: Path) -> None:
    environment = uuid.uuid4()
    old = remote.commit({"a": "old"})
    store.open(environment, str(remote.path), FILES).fetch()
    other = Remote.create(tmp_path / "served" / "other.git")
    mirror = store.open(environment, f"file://{other.path}", FILES)
    with pytest.raises(RepositoryError, match="nothing of the environment's repository yet"):
        mirror.resolve("main")
    new = other.commit({"a": "new"})
    mirror.fetch()
    assert mirror.resolve("main") == new
    assert store.open(environment, str(other.path), FILES).resolve("main") == new
    mirror.ensure([old])


def test_it_opens_no_url_that_is_not_allowed(store: MirrorStore, tmp_path: Path) -> None:
    for url in ("ext::sh -c true", str(tmp_path / "outside.git"), "--upload-pack=true"):
        with pytest.raises(InvalidInput):
            store.open(uuid.uuid4(), url, access_to(url))


def test_a_repository_past_the_size_limit_is_refused(remote: Remote, tmp_path: Path) -> None:
    remote.commit({f"{n}": uuid.uuid4().bytes * 50 for n in range(40)})
    limits = GitLimits(max_repository_bytes=1000)
    store = MirrorStore(tmp_path / "small", allowed_file_roots=[remote.path.parent], limits=limits)
    with pytest.raises(RepositoryTooLarge):
        store.open(uuid.uuid4(), str(remote.path), FILES).fetch()


def test_many_fetches_leave_few_packs_and_lose_nothing(
    remote: Remote, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.repositories.mirror._MOST_PACKS", 3)
    noise = b"".join(uuid.uuid4().bytes for _ in range(4_000))
    commits = []
    for number in range(7):
        commits.append(remote.commit({"a": noise + b"%d" % number}))
        mirror.fetch()
        entries(mirror.repository, commits[0])
        if number == 2:
            remote.git("reset", "--quiet", "--hard", commits[0])
    assert len(list(mirror.path.glob("objects/pack/*.pack"))) <= 4
    assert sum(pack.stat().st_size for pack in mirror.path.glob("objects/pack/*")) < 3 * len(noise)
    for commit in commits:
        assert len(entries(mirror.repository, commit)) == 1
    git("fsck", "--full", cwd=mirror.path)


def test_what_a_fetched_repository_is_configured_for_does_not_run_here(
    remote: Remote, mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "ran"
    remote.commit(
        {
            ".gitattributes": "* filter=x diff=x\n",
            ".gitmodules": f"[submodule 'm']\n\tpath=m\n\turl=ext::touch% {marker}\n",
        }
    )
    configuration = remote.path / "config"
    evil = f"touch {marker}"
    configuration.write_text(
        configuration.read_text()
        + f'[core]\n\tfsmonitor = "{evil}"\n\tsshCommand = "{evil}"\n\tgitProxy = "{evil}"\n'
        + f'[uploadpack]\n\tpackObjectsHook = "{evil}"\n'
        + f'[filter "x"]\n\tclean = "{evil}"\n\tsmudge = "{evil}"\n'
        + f'[diff "x"]\n\ttextconv = "{evil}"\n\tcommand = "{evil}"\n'
    )
    for hook in ("post-checkout", "reference-transaction", "post-merge", "pre-push", "pre-auto-gc"):
        remote.hook(hook, evil)
    # A hooks directory that the user configured is not for our mirrors either.
    hooks = tmp_path / "hooks"
    shutil.copytree(remote.path / "hooks", hooks)
    (tmp_path / "gitconfig").write_text(f"[core]\n\thooksPath = {hooks}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    mirror.fetch()
    assert mirror.resolve("main") == remote.head()
    assert len(entries(mirror.repository, remote.head())) == 2
    assert not marker.exists()


def test_the_remote_is_asked_for_a_branch_and_fetched_from_only_for_what_is_new(
    remote: Remote, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[Mirror] = []
    fetch_all = Mirror.fetch

    def fetch(whole: Mirror, check_cancelled: CheckCancelled) -> None:
        fetched.append(whole)
        fetch_all(whole, check_cancelled)

    monkeypatch.setattr(Mirror, "fetch", fetch)
    first = remote.commit({"a": "1"})
    for change, fetches in ((None, 1), (None, 1), ({"a": "2"}, 2), ({"a": "3"}, 3)):
        head = remote.commit(change) if change else first
        assert mirror.head_of("main") == head
        assert (len(entries(mirror.repository, head)), len(fetched)) == (1, fetches)
    remote.git("push", "--quiet", "--force", "origin", f"{first}:refs/heads/main")
    assert (mirror.head_of("main"), len(fetched)) == (first, 3)

    git("update-ref", "-d", "refs/heads/main", cwd=remote.path)
    assert mirror.head_of("main") is None


def test_a_damaged_mirror_is_made_anew_before_a_branch_is_told(remote: Remote, mirror: Mirror) -> None:
    head = remote.commit({"a": "1"})
    mirror.fetch()
    damaged(mirror.repository, head)
    assert mirror.head_of("main") == head
    assert not mirror.is_damaged()


def test_a_broken_ref_is_mended_by_the_next_fetch(remote: Remote, mirror: Mirror) -> None:
    head = remote.commit({"a": "1"})
    mirror.fetch()
    (mirror.path / "refs/heads").mkdir(parents=True, exist_ok=True)
    (mirror.path / "refs/heads/main").write_text("")
    with pytest.raises(RepositoryError, match="makes it anew"):
        mirror.resolve("main")
    assert mirror.head_of("main") == head
    assert mirror.resolve("main") == head


def test_a_branch_of_a_remote_that_does_not_answer_is_no_missing_branch(
    remote: Remote, mirror: Mirror, tmp_path: Path
) -> None:
    remote.commit({"a": "1"})
    mirror.fetch()
    remote.move_to(tmp_path / "away.git")
    with pytest.raises(EnvironmentUnreachable, match="could not be reached"):
        mirror.head_of("main")


def test_a_branch_by_the_name_of_a_full_ref_is_not_taken_for_it(remote: Remote, mirror: Mirror) -> None:
    live = remote.commit({"a": "1"})
    other = remote.commit_only({"a": "2"})
    git("update-ref", "refs/heads/main", live, cwd=remote.path)
    git("update-ref", "refs/heads/refs/heads/main", other, cwd=remote.path)
    mirror.fetch()
    assert mirror.resolve("refs/heads/main") == mirror.resolve("main") == mirror.head_of("main") == live


def test_a_remote_that_names_too_much_at_once_is_told(remote: Remote, mirror: Mirror) -> None:
    head = remote.commit({"a": "1"})
    lines = (f"create refs/heads/{'x' * 100}{number}/refs/heads/main {head}\n" for number in range(500))
    git("update-ref", "--stdin", cwd=remote.path, stdin="".join(lines).encode())
    git("pack-refs", "--all", cwd=remote.path)
    with pytest.raises(EnvironmentUnreachable, match="too much"):
        mirror.head_of("main")
