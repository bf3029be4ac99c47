"""Composed reviews of configuration that nobody here wrote, held against git itself."""

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from services.configuration.exporter_noise import is_exporter_noise
from tests.reviews.real_data.conftest import VERSIONS, Releases, Tell
from tests.reviews.real_data.setting_replay import Replay, agrees
from tests.system import Json

pytestmark = [pytest.mark.feature, pytest.mark.shared_data]

STEPS = [*pairwise(VERSIONS)]
WORDS = {"A": "added", "D": "removed", "R": "renamed", "M": "changed", "T": "changed"}


def git_changes(releases: Releases, before: str, after: str) -> list[tuple[str, str, str | None]]:
    """Ask git itself which files changed, and how."""
    fields = releases.git("diff", "-M", "--raw", "-z", before, after).split("\0")
    found: list[tuple[str, str, str | None]] = []
    while len(fields) > 1:
        letter = fields.pop(0).split()[-1][0]
        previous = fields.pop(0) if letter == "R" else None
        found.append((WORDS[letter], fields.pop(0), previous))
    return sorted(found, key=lambda change: change[1])


def items_at(releases: Releases, version: str) -> list[str]:
    return releases.git("ls-tree", "-r", "-z", "--name-only", version).rstrip("\0").split("\0")


def content(releases: Releases, version: str, path: str) -> Json:
    found: Json = json.loads(releases.git_bytes("show", f"{version}:{path}"))
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_the_items_are_the_entries_of_the_tree(releases: Releases, version: str) -> None:
    review = releases.reviews[version]
    assert review["commit"] == releases.git("rev-parse", f"{version}^{{commit}}").strip()
    assert review["summary"]["items"] == len(items_at(releases, version)) > 60
    assert review["summary"]["unparsed"] == 0


@pytest.mark.parametrize(("before", "after"), STEPS)
def test_the_changed_files_are_those_that_git_tells(releases: Releases, before: str, after: str) -> None:
    told = [(change["change"], change["path"], change["previous_path"]) for change in releases.changes(after)]
    expected = git_changes(releases, before, after)
    assert told == expected
    counts = Counter(change for change, _, _ in expected)
    summary = releases.reviews[after]["summary"]
    assert {name: summary[name] for name in WORDS.values()} == {name: counts[name] for name in WORDS.values()}


def test_the_first_review_tells_no_changes(releases: Releases) -> None:
    assert releases.changes(VERSIONS[0]) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_the_baseline_is_compared_as_git_compares(releases: Releases, version: str) -> None:
    expected = git_changes(releases, VERSIONS[0], version)
    findings = {finding["code"]: finding["items"] for finding in releases.reviews[version]["findings"]}
    gone = [path for change, path, _ in expected if change == "removed"]
    gone += [previous for _, _, previous in expected if previous]
    drifted = [path for change, path, _ in expected if change == "changed"]
    extra = [path for change, path, _ in expected if change in {"added", "renamed"}]
    assert sorted(findings.get("baseline_missing", [])) == sorted(gone)
    assert sorted(findings.get("baseline_drifted", [])) == sorted(drifted)
    assert sorted(findings.get("baseline_extra", [])) == sorted(extra)


@pytest.mark.parametrize(("before", "after"), STEPS)
def test_the_changed_settings_make_each_file_of_the_one_before(
    releases: Releases, before: str, after: str, tell: Tell
) -> None:
    replay, kinds, bookkept = Replay(), Counter[str](), 0
    for change in releases.changes(after):
        if change["change"] not in {"renamed", "changed"}:
            assert change["settings"] == []
            continue
        old = content(releases, before, change["previous_path"] or change["path"])
        true = content(releases, after, change["path"])
        assert agrees(replay.apply(old, change["settings"]), true), change["path"]
        assert not agrees(old, true)
        kinds.update(setting["change"] for setting in change["settings"])
        bookkept += sum(is_exporter_noise(setting["path"]) for setting in change["settings"])
    assert replay.applied == kinds.total() > 100
    assert replay.unknown <= 0.01 * replay.applied
    tell(
        f"{before} to {after}: {replay.applied} settings re-applied ({dict(kinds)}), {bookkept} of them "
        f"bookkeeping, {replay.unknown} masked or cut"
    )


@pytest.mark.parametrize(("before", "after"), STEPS)
def test_who_and_when_are_as_the_log_tells(releases: Releases, before: str, after: str) -> None:
    for change in releases.changes(after):
        names = [change["path"], *([change["previous_path"]] if change["previous_path"] else [])]
        log = ("log", "--format=%H%x00%an%x00%at%x00%s", f"{before}..{after}", "--", *names)
        told = [line.split("\0") for line in releases.git(*log).splitlines()]
        assert [
            (commit["id"], commit["author"], commit["at"], commit["subject"]) for commit in change["commits"]
        ] == [
            (oid, author, datetime.fromtimestamp(int(at), UTC).isoformat(), subject)
            for oid, author, at, subject in told
        ]
        assert told


def test_none_of_the_changed_settings_could_be_left_out(releases: Releases) -> None:
    before, after = STEPS[-1]
    changed = [change for change in releases.changes(after) if change["settings"]]
    for change in changed:
        old = content(releases, before, change["previous_path"] or change["path"])
        true = content(releases, after, change["path"])
        for place, left_out in enumerate(change["settings"]):
            if place % 10 and is_exporter_noise(left_out["path"]):
                continue
            others = [setting for setting in change["settings"] if setting is not left_out]
            assert not agrees(Replay().apply(old, others), true), left_out["path"]
    assert len(changed) > 5
