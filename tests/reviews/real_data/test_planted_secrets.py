"""Secrets planted in every form, and everything searched for them that anybody could ever read."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from tests.reviews.real_data import everything_shown
from tests.reviews.real_data.conftest import all_changes, compose_and_publish
from tests.reviews.real_data.planted_secrets import SHOWN, commit_releases, leaks_in
from tests.reviews.real_data.setting_replay import MASK
from tests.system import Json, System

CHANGED = f"{MASK} (changed)"


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A system that has composed, published, planned and restored what holds secrets."""

    system: System
    environment: Json
    reviews: list[Json]
    runs: list[Json]
    plan: Json

    def settings(self, path: str) -> dict[str, tuple[str, object, object]]:
        """Return what the second review tells of one item: by setting what changed, before and after."""
        changes = all_changes(self.system, self.reviews[1]["id"])
        (change,) = (change for change in changes if change["path"] == path)
        return {
            setting["path"]: (setting["change"], setting["before"], setting["after"])
            for setting in change["settings"]
        }


@pytest.fixture(scope="module")
def planted(system: System) -> Planted:
    repository = system.repository({"first.txt": "nothing yet\n"})
    planter = commit_releases(repository)
    assert len(planter.planted) > 300
    environment = system.environment(repository.url, baseline_ref="baseline")
    reviews = [compose_and_publish(system, environment, ref) for ref in ("release-1", "release-2")]
    refused = {
        "workspace": "default", "slug": "refused", "name": "Refused", "branch": "main",
        "repository_url": f"https://robot:{planter.plain()}@git.example.org/x.git",
    }  # fmt: skip
    system.post("/environments", refused, expect=422)
    plan = system.plan(environment, "release-1")
    runs = [system.settled(system.restore(environment, plan))]
    assert runs[0]["outcome"] == "partially_succeeded"
    runs.append(system.settled(system.compose(environment)))
    reviews.append(system.get(f"/reviews/{runs[-1]['links']['related']['id']}"))
    return Planted(system=system, environment=environment, reviews=reviews, runs=runs, plan=plan)


def assert_no_secret(shown: Iterable[tuple[str, bytes]], *, says: str | None = SHOWN) -> None:
    """See that no secret stands anywhere, and that the words beside them do: else nothing was read."""
    leaks: list[str] = []
    has_been_read = says is None
    for name, content in shown:
        leaks += [f"{name}: {leak!r}" for leak in leaks_in(content)]
        has_been_read = has_been_read or (says or "").encode() in content
    assert not leaks, "\n".join(leaks[:40])
    assert has_been_read


def test_reports_and_packs_hold_none(planted: Planted) -> None:
    for review in planted.reviews[1:]:
        assert_no_secret(everything_shown.reports_and_packs(planted.system, review["id"]))


def test_the_api_answers_with_none(planted: Planted) -> None:
    environment, plan = planted.environment["id"], planted.plan["id"]
    reviews = [f"/reviews/{review['id']}{part}" for review in planted.reviews for part in ("", "/changes")]
    runs = [f"/operations/{run['id']}" for run in planted.runs]
    paths = ["/workspaces", "/environments", f"/environments/{environment}", "/reviews", "/operations"]
    paths += [f"/environments/{environment}/restore-points", f"/restore-plans/{plan}", *reviews, *runs]
    assert_no_secret(everything_shown.api_answers(planted.system, paths))


def test_the_pages_show_none(planted: Planted) -> None:
    known = [*planted.reviews, *planted.runs, planted.plan, planted.environment]
    before, after = (review["id"] for review in planted.reviews[:2])
    compared = f"/reviews/compare?from={before}&to={after}"
    shown = dict(everything_shown.pages(planted.system, {each["id"] for each in known}, compared))
    assert_no_secret(shown.items())
    assert MASK in shown[compared].decode()
    assert any(path.startswith("/reviews/compare/item?") for path in shown)


def test_the_database_keeps_none(planted: Planted) -> None:
    assert planted.reviews
    assert_no_secret(everything_shown.rows(planted.system))


def test_the_logs_and_the_files_beside_the_mirrors_keep_none(planted: Planted) -> None:
    assert_no_secret(everything_shown.kept_files(planted.system), says="ready")


def test_the_workflow_histories_keep_none(planted: Planted) -> None:
    assert_no_secret(everything_shown.histories(planted.system), says=planted.runs[0]["id"])


def test_that_a_secret_changed_came_or_went_is_told(planted: Planted) -> None:
    found = planted.settings("json/policy.json")
    for path in ("password", "clientSecret", "credentials.apiKey", "token", "pin", "secrets[0]"):
        assert found[path] == ("changed", MASK, CHANGED)
    assert found["secretThatVanishes"] == ("removed", MASK, None)
    assert found["tokenThatAppears"] == ("added", None, MASK)
    assert found["vanishing"] == ("removed", {"password": MASK, "level": SHOWN}, None)
    assert found["appearing"] == ("added", None, {"password": MASK, "level": SHOWN})
    assert found["displayName"] == ("changed", f"{SHOWN} 1", f"{SHOWN} 2")
    assert not [path for path in found if path.startswith("kept")]


@pytest.mark.parametrize(
    "path", ["json/policy-bom.json", "json/policy-utf16.json", "json/policy-utf16be.json", "moved/new.json"]
)
def test_other_encodings_and_other_names_change_nothing_of_it(planted: Planted, path: str) -> None:
    found = planted.settings(path)
    assert found["password"] == ("changed", MASK, CHANGED)
    assert found["displayName"] == ("changed", f"{SHOWN} 1", f"{SHOWN} 2")


def test_all_data_of_a_kubernetes_secret_is_hidden(planted: Planted) -> None:
    found = planted.settings("yaml/manifests.yaml")
    secret = "[kind=Secret, metadata.name=db]"
    assert found[f"{secret}.data.user"] == ("changed", MASK, CHANGED)
    assert found[f"{secret}.stringData.count"] == ("changed", MASK, CHANGED)
    assert found["[kind=ConfigMap, metadata.name=web].data.level"][1:] == (f"{SHOWN}1", f"{SHOWN}2")


@pytest.mark.parametrize(
    "path", ["text/app.toml", "text/app.ini", "text/.env", "text/app.xml", "text/notes.txt"]
)
def test_lines_of_text_tell_that_their_secret_changed(planted: Planted, path: str) -> None:
    found = planted.settings(path).values()
    assert any(MASK in str(before) and str(after).endswith("(changed)") for _, before, after in found)
    assert any(f"{SHOWN}" in str(before) or "level" in str(before) for _, before, _ in found)


def test_the_subjects_of_commits_are_told_without_their_secrets(planted: Planted) -> None:
    changes = all_changes(planted.system, planted.reviews[1]["id"])
    subjects = {commit["subject"] for change in changes for commit in change["commits"]}
    assert f"Rotate {SHOWN} with token: {MASK}" in subjects
    assert f"Set {SHOWN} client_secret = '{MASK}' for good" in subjects
    assert f"Pull {SHOWN} from https://{MASK}@git.example.org/x.git" in subjects
    assert f"Use --password {MASK}" in subjects
