import itertools
import random
from collections import Counter
from pathlib import Path

import pytest

from models.errors import RefNotFound
from services.repositories.diff import EMPTY_TREE, Change, TreeChange, diff_trees
from services.repositories.mirror import Mirror
from services.repositories.objects import tree_of
from tests.git_repository import git, git_bytes
from tests.repositories.remote import Remote

BODY = "".join(f'{{"setting-{number}": {number}}}\n' for number in range(60))
_LETTERS = {"added": "A", "removed": "D", "renamed": "R", "changed": "MT"}


def name_status(
    repository: Path, before: str, after: str, prefix: str = ""
) -> list[tuple[str, str, str | None]]:
    """Return (letter, path, previous path) as `git diff -M --name-status` says."""
    arguments = ["--literal-pathspecs", "diff", "-M", "--name-status", "-z", before, after, "--"]
    output = git_bytes(*arguments, *([prefix] if prefix else []), cwd=repository)
    fields = iter(output.decode("utf-8", "surrogateescape").split("\0"))
    found = []
    for status in fields:
        if status:
            first = next(fields)
            renamed = status.startswith("R")
            found.append((status[0], next(fields) if renamed else first, first if renamed else None))
    return sorted(found, key=lambda row: row[1])


def assert_same(changes: list[TreeChange], expected: list[tuple[str, str, str | None]]) -> None:
    assert [(change.path, change.previous_path) for change in changes] == [row[1:] for row in expected]
    assert all(row[0] in _LETTERS[change.change] for change, row in zip(changes, expected, strict=True))


def test_it_counts_a_generated_history_as_git_diff_does(remote: Remote, mirror: Mirror) -> None:
    chance = random.Random(20)  # noqa: S311 - the same history every time
    commits = [remote.commit({f"f{n % 7}/item-{n}.json": BODY + str(n) for n in range(60)})]
    for step in range(8):
        _mutate(remote, chance, step)
        commits.append(remote.commit_work())
    mirror.fetch()
    seen: Counter[Change] = Counter()
    for before, after in [
        *itertools.pairwise(commits),
        (commits[0], commits[-1]),
        (commits[-1], commits[0]),
    ]:
        for prefix in ("", "f3"):
            changes = diff_trees(mirror, before, after, prefix)
            assert_same(changes, name_status(remote.path, before, after, prefix))
            seen.update(change.change for change in changes)
    assert set(seen) == set(Change)


def _mutate(remote: Remote, chance: random.Random, step: int) -> None:
    files = sorted(
        place for place in remote.work.rglob("*.json") if ".git" not in place.parts and not place.is_symlink()
    )
    chance.shuffle(files)
    for place in files[:4]:
        place.write_text(place.read_text() + f"more {step}\n")
    for place in files[4:8]:
        place.rename(place.with_name(f"moved-{step}-{place.name}"))
    for place in files[8:11]:
        place.write_text(place.read_text().replace("setting-1", f"edited-{step}"))
        place.rename(remote.work / f"f{chance.randrange(7)}" / f"edited-{step}-{place.name}")
    files[11].unlink()
    files[12].unlink()
    files[12].symlink_to("elsewhere")
    files[13].chmod(0o755)
    (remote.work / "f1" / f"new-{step}.json").write_text(f"new {step}" * 40)


def test_a_file_renamed_and_edited_is_renamed_alone(remote: Remote, mirror: Mirror) -> None:
    before = remote.commit({"old name.json": BODY})
    after = remote.commit({"old name.json": None, "new [name].json": BODY + "more\n"})
    mirror.fetch()
    (change,) = diff_trees(mirror, before, after)
    assert change == TreeChange(
        change=Change.RENAMED,
        path="new [name].json",
        previous_path="old name.json",
        before=git("rev-parse", f"{before}:old name.json", cwd=remote.path),
        after=git("rev-parse", f"{after}:new [name].json", cwd=remote.path),
        mode_before=0o100644,
        mode_after=0o100644,
    )


def test_a_type_change_is_a_change(remote: Remote, mirror: Mirror) -> None:
    before = remote.commit({"item": "elsewhere"})
    (remote.work / "item").unlink()
    (remote.work / "item").symlink_to("elsewhere")
    after = remote.commit_work()
    mirror.fetch()
    (change,) = diff_trees(mirror, before, after)
    assert (change.change, change.mode_before, change.mode_after) == (Change.CHANGED, 0o100644, 0o120000)
    assert change.before == change.after


def test_names_of_every_kind_survive(remote: Remote, mirror: Mirror) -> None:
    names = [
        "with space",
        "[brackets]*?",
        "tab\there",
        "new\nline",
        "bytes\udcff\udcfe",
        "ünï",
        '"quotes"',
        "-option",
    ]
    before = remote.commit({f"in/{name}": "x" for name in names})
    after = remote.commit({f"in/{name}": f"y {name}" for name in names})
    mirror.fetch()
    changes = diff_trees(mirror, before, after, "in")
    assert {change.path for change in changes} == {f"in/{name}" for name in names}
    assert_same(changes, name_status(remote.path, before, after, "in"))


@pytest.mark.parametrize("prefix", ["in/[a]", "in/*", "in/-x", ":(top)in", "in/[a]/file"])
def test_a_prefix_is_taken_literally(remote: Remote, mirror: Mirror, prefix: str) -> None:
    names = ["in/[a]/file", "in/a/file", "in/*/file", "in/-x/file", ":(top)in/file"]
    before = remote.commit(dict.fromkeys(names, "1"))
    after = remote.commit(dict.fromkeys(names, "2"))
    mirror.fetch()
    (change,) = diff_trees(mirror, before, after, prefix)
    assert change.path == f"{prefix.removesuffix('/file')}/file"


def test_a_rename_across_the_prefix_is_added_or_removed(remote: Remote, mirror: Mirror) -> None:
    before = remote.commit({"in/a.json": BODY, "b.json": BODY + "b"})
    after = remote.commit({"in/a.json": None, "a.json": BODY, "b.json": None, "in/b.json": BODY + "b"})
    mirror.fetch()
    changes = diff_trees(mirror, before, after, "in")
    assert_same(changes, name_status(remote.path, before, after, "in"))


def test_submodules_are_changes_too(remote: Remote, mirror: Mirror) -> None:
    before = remote.commit({"a": "1"})
    remote.git("update-index", "--add", "--cacheinfo", f"160000,{before},module")
    after = remote.commit_index()
    mirror.fetch()
    (change,) = diff_trees(mirror, before, after)
    assert (change.change, change.path, change.after, change.mode_after) == (
        Change.ADDED,
        "module",
        before,
        0o160000,
    )


def test_the_empty_tree_has_nothing(remote: Remote, mirror: Mirror) -> None:
    commit = remote.commit({"b": "1", "a/c": "2"})
    mirror.fetch()
    tree = tree_of(mirror.repository, commit)
    assert [(c.change, c.path) for c in diff_trees(mirror, EMPTY_TREE, tree)] == [
        (Change.ADDED, "a/c"),
        (Change.ADDED, "b"),
    ]
    assert [(c.change, c.after) for c in diff_trees(mirror, tree, EMPTY_TREE, "b")] == [
        (Change.REMOVED, None)
    ]
    assert diff_trees(mirror, commit, tree) == []
    assert diff_trees(mirror, EMPTY_TREE, EMPTY_TREE) == []


def test_counts_do_not_depend_on_the_users_configuration(
    remote: Remote, mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = [BODY.replace("setting", f"setting-{n}") for n in range(5)]
    before = remote.commit({f"{n}": body for n, body in enumerate(bodies)})
    gone = {f"{n}": None for n in range(5)}
    after = remote.commit(gone | {f"m{n}": f"{body}more\n" for n, body in enumerate(bodies)})
    mirror.fetch()
    configuration = tmp_path / "gitconfig"
    configuration.write_text("[diff]\n\trenameLimit = 1\n\trenames = copies\n\torderFile = /nowhere\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    changes = diff_trees(mirror, before, after)
    assert_same(changes, name_status(remote.path, before, after))
    assert {change.change for change in changes} == {Change.RENAMED}


def test_gits_own_rename_limit_holds(remote: Remote, mirror: Mirror) -> None:
    # Past 1,000 x 1,000 candidates git looks for edited renames no more; the exact ones it still finds.
    chance = random.Random(7)  # noqa: S311 - the same bodies every time
    bodies = ["".join(f"{chance.random()}\n" for _ in range(6)) for _ in range(1010)]
    before = remote.commit_only({f"old/{n}-x": body for n, body in enumerate(bodies)} | {"exact": BODY})
    after = remote.commit_only({f"new/y{n}": f"{b}edit\n" for n, b in enumerate(bodies)} | {"exactly": BODY})
    mirror.fetch()
    changes = diff_trees(mirror, before, after)
    assert_same(changes, name_status(remote.path, before, after))
    assert Counter(change.change for change in changes) == {
        Change.REMOVED: 1010,
        Change.ADDED: 1010,
        Change.RENAMED: 1,
    }


def test_it_says_which_tree_is_not_there(remote: Remote, mirror: Mirror) -> None:
    commit = remote.commit({"a": "1"})
    mirror.fetch()
    with pytest.raises(RefNotFound):
        diff_trees(mirror, commit, "1" * 40)
