from pathlib import Path

import pytest

from services.inventory.facts_cache import FACTS_FILE, ItemFacts
from services.inventory.inventory import Inventory, Note, take_inventory
from services.inventory.inventory_cache import INVENTORIES_FILE, KeptInventories
from services.inventory.reader import ItemReader
from services.repositories import objects
from services.repositories.diff import diff_trees
from services.repositories.mirror import Mirror
from services.repositories.objects import Entry, entry_at, entry_groups
from tests.repositories.remote import Remote

LIMIT = 200
BEFORE: dict[str, str | bytes | None] = {
    "in/a/one.json": '{"kind": "One"}',
    "in/a/two.json": '{"kind": "Two", "text": "long enough that it is found again under another name"}',
    "in/a/broken.json": "{",
    "in/ü.json": '{"kind": "One"}'.encode("utf-16"),
    "in/large.txt": "x" * (LIMIT + 1),
    "in/plain.txt": "x",
    "in/..\\up.txt": "x",
    "out/other.json": '{"kind": "Other"}',
}
AFTER: dict[str, str | bytes | None] = {
    "in/a/one.json": '{"kind": "Three"}',
    "in/a/two.json": None,
    "in/b/two.json": BEFORE["in/a/two.json"],
    "in/a/broken.json": "{}",
    "in/a/again.json": "[",
    "in/ü.json": None,
    "in/large.txt": "x",
    "in/z.json": '{"kind": "One"}'.encode("utf-16"),
    "in/large.json": f'"{"x" * LIMIT}"',
}


def reader_of(mirror: Mirror, prefix: str = "in") -> ItemReader:
    return ItemReader(mirror.repository, ItemFacts(mirror.path), prefix=prefix, limit=LIMIT)


def taken(mirror: Mirror, commit: str, reader: ItemReader) -> Inventory:
    return take_inventory(
        entry_groups(mirror.repository, commit, reader.prefix), reader, check_cancelled=lambda: None
    )


def test_an_inventory_tells_kinds_and_what_stands_out(remote: Remote, mirror: Mirror) -> None:
    (remote.work / "in").mkdir()
    (remote.work / "in" / "link").symlink_to("plain.txt")
    commit = remote.commit(BEFORE)
    mirror.fetch()
    inventory = taken(mirror, commit, reader_of(mirror))
    assert inventory.counts == {"One": 2, "Two": 1, "a": 1, "(top level)": 4}
    assert inventory.paths == {
        Note.UNPARSED: ["in/a/broken.json"],
        Note.OVERSIZED: ["in/large.txt"],
        Note.UTF16: ["in/ü.json"],
        Note.LINK: ["in/link"],
        Note.UNSAFE: ["in/..\\up.txt"],
    }


@pytest.mark.parametrize("prefix", ["", "in", "in/a", "in/a/one.json", "nothing"])
def test_what_follows_by_the_changes_is_what_a_look_at_every_item_tells(
    remote: Remote, mirror: Mirror, prefix: str
) -> None:
    commits = remote.commit(BEFORE), remote.commit(AFTER)
    mirror.fetch()
    for before, after in (commits, commits[::-1]):
        changes = diff_trees(mirror, before, after, prefix)
        reader = reader_of(mirror, prefix)
        found = taken(mirror, before, reader).changed(changes, reader)
        assert found == taken(mirror, after, reader_of(mirror, prefix))
        assert [*found.counts.values()] == [count for count in found.counts.values() if count > 0]


def test_a_kept_inventory_is_found_again_for_its_commit_prefix_and_limit(
    remote: Remote, mirror: Mirror
) -> None:
    commit = remote.commit(BEFORE)
    mirror.fetch()
    inventory = taken(mirror, commit, reader_of(mirror))
    KeptInventories(mirror.path, reader_of(mirror)).keep(commit, inventory)
    assert KeptInventories(mirror.path, reader_of(mirror)).get(commit) == inventory
    assert KeptInventories(mirror.path, reader_of(mirror, "")).get(commit) is None
    assert KeptInventories(mirror.path, reader_of(mirror)).get("1" * 40) is None


def test_what_is_known_of_a_content_is_not_read_again(
    remote: Remote, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = remote.commit({**BEFORE, "in/large.txt": ""})
    mirror.fetch()
    reader = reader_of(mirror)
    inventory = taken(mirror, commit, reader)
    reader.save(items=inventory.items)
    monkeypatch.setattr("services.inventory.reader.read_blob", None)
    assert taken(mirror, commit, reader_of(mirror)) == inventory


def test_a_content_whose_values_were_read_is_not_parsed_again(
    remote: Remote, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = remote.commit(BEFORE)
    mirror.fetch()
    reader = reader_of(mirror)
    paths = ("in/a/one.json", "in/a/two.json", "in/a/broken.json", "in/plain.txt")
    entries = [found for path in paths if (found := entry_at(mirror.repository, commit, path))]
    for entry in entries:
        reader.structure(entry)
    monkeypatch.setattr("services.inventory.reader.read_blob", None)
    assert [reader.kind(entry) for entry in entries] == ["One", "Two", "a", "(top level)"]
    moved = Entry("in/elsewhen.txt", entries[-1].mode, entries[-1].oid)
    assert reader.structure(moved) == reader.structure(entries[-1])


@pytest.mark.parametrize(
    "torn", [b"", b"[3, [", b"not json\n", b'\n[1, ["utf-8", "Old", null], "00"]\n', b"[]\n3\n"]
)
def test_a_torn_line_of_facts_is_passed_over_and_the_next_is_whole(
    remote: Remote, mirror: Mirror, torn: bytes
) -> None:
    commit = remote.commit({"in/a/one.json": BEFORE["in/a/one.json"]})
    mirror.fetch()
    reader = reader_of(mirror)
    inventory = taken(mirror, commit, reader)
    (mirror.path / FACTS_FILE).write_bytes(torn)
    reader.save(items=100)
    entry = entry_at(mirror.repository, commit, "in/a/one.json")
    assert entry is not None
    assert reader_of(mirror).kind(entry) == "One"
    assert taken(mirror, commit, reader_of(mirror)) == inventory


def test_facts_begin_anew_where_they_are_far_more_than_the_items(remote: Remote, mirror: Mirror) -> None:
    commit = remote.commit(BEFORE)
    mirror.fetch()
    facts: Path = mirror.path / FACTS_FILE
    facts.write_bytes(b"\n" * 100_000)
    reader = reader_of(mirror)
    reader.save(items=taken(mirror, commit, reader).items)
    assert 0 < facts.stat().st_size < 10_000


def test_damaged_keepsakes_are_as_none(remote: Remote, mirror: Mirror) -> None:
    commit = remote.commit(BEFORE)
    mirror.fetch()
    (mirror.path / INVENTORIES_FILE).write_bytes(b"\xff[")
    kept = KeptInventories(mirror.path, reader_of(mirror))
    assert kept.get(commit) is None
    inventory = taken(mirror, commit, reader_of(mirror))
    kept.keep(commit, inventory)
    assert kept.get(commit) == inventory


def test_runs_are_neighbours_of_one_folder_and_mode(remote: Remote, mirror: Mirror) -> None:
    commit = remote.commit({"a": "1", "b": "2", "c/d": "3", "e": "4"})
    mirror.fetch()
    found = [(run.folder, [name for name, _ in run.names]) for run in entry_groups(mirror.repository, commit)]
    assert found == [(b"", [b"a", b"b"]), (b"c/", [b"d"]), (b"", [b"e"])]
    assert [entry.path for entry in objects.entries(mirror.repository, commit)] == ["a", "b", "c/d", "e"]
