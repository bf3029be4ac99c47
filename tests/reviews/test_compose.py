"""Composing environment reviews on the real servers, over HTTP."""

import codecs
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.system import System

FILES: dict[str, str | bytes | None] = {
    "compliance/[OIB] Password.json": '{"@odata.type": "#compliance", "length": 12}',
    "compliance/Firewall rules.json": codecs.BOM_UTF16_LE + '{"enabled": true}'.encode("utf-16-le"),
    "kubernetes/web.yaml": "kind: Deployment\nspec:\n  replicas: 2\n---\nkind: Service\n",
    "kubernetes/broken.yaml": "kind: [unclosed\n",
    "notes.txt": "Nothing to parse here.\n",
}


def test_a_review_is_composed_and_related(system: System) -> None:
    repository = system.repository(FILES)
    repository.tag("baseline")
    live = repository.commit({"compliance/New.json": "{}", "notes.txt": None}, "Second release")
    environment = system.environment(repository.url, baseline_ref="baseline")

    run = system.settled(system.compose(environment))

    assert (run["outcome"], run["message"]["code"]) == ("succeeded", "review_composed")
    assert run["started_at"]
    assert run["context"]["dispatch"]["dispatched_at"]
    assert "reconciliation" not in run["context"]
    related = run["links"]["related"]
    assert related["type"] == "environment_review"
    review = system.get(f"/reviews/{related['id']}")
    assert (review["run_id"], review["commit"], review["status"]) == (run["id"], live, "draft")
    assert review["summary"] == {
        "items": 5, "added": 0, "removed": 0, "renamed": 0, "changed": 0, "unparsed": 1,
    }  # fmt: skip
    findings = {finding["code"]: finding["items"] for finding in review["findings"]}
    assert findings["item_unparsed"] == ["kubernetes/broken.yaml"]
    assert findings["item_utf16"] == ["compliance/Firewall rules.json"]
    assert findings["baseline_missing"] == ["notes.txt"]
    assert findings["baseline_extra"] == ["compliance/New.json"]


def test_changes_since_the_published_review_are_told(system: System) -> None:
    long = "\n".join(f"line {number}" for number in range(40))
    repository = system.repository(
        {"a/kept.txt": "same", "a/gone.txt": "x", "a/old.txt": long, "a/edited.json": "{}"}
    )
    environment = system.environment(repository.url)
    first = system.settled(system.compose(environment))["links"]["related"]
    system.post(f"/reviews/{first['id']}/publish", {}, expect=200)
    repository.commit(
        {
            "a/gone.txt": None,
            "a/old.txt": None,
            "b/new.txt": long + "\nmore",
            "a/edited.json": "[]",
            "a/added.json": "1",
        }
    )

    review_id = system.settled(system.compose(environment))["links"]["related"]["id"]

    review = system.get(f"/reviews/{review_id}")
    assert review["previous_review_id"] == first["id"]
    counts = {name: review["summary"][name] for name in ("added", "removed", "renamed", "changed")}
    assert counts == {"added": 1, "removed": 1, "renamed": 1, "changed": 1}
    changes = system.get(f"/reviews/{review_id}/changes")["items"]
    assert [(change["change"], change["path"], change["previous_path"]) for change in changes] == [
        ("added", "a/added.json", None),
        ("changed", "a/edited.json", None),
        ("removed", "a/gone.txt", None),
        ("renamed", "b/new.txt", "a/old.txt"),
    ]


def test_concurrent_equal_requests_give_one_run_and_one_review(system: System) -> None:
    environment = system.environment(system.repository(FILES).url)
    body = {"type": "environment.review.compose", "environment_id": environment["id"], "input": {}}

    def ask(_: int) -> tuple[int, Any]:
        answer = system.client.post("/operations", json=body)
        return answer.status_code, answer.json()

    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(ask, range(64)))

    # Callers that come after the run has ended rightly get a run of their own; it finds the review there.
    runs = {answer["id"]: answer for _, answer in answers}
    settled = [system.settled(run) for run in runs.values()]
    assert {run["outcome"] for run in settled} == {"succeeded"}
    assert len({run["links"]["related"]["id"] for run in settled}) == 1
    assert sorted(status for status, _ in answers) == [200] * (64 - len(runs)) + [202] * len(runs)
    assert len(system.get("/reviews", environment=environment["id"])["items"]) == 1


def test_the_same_evidence_leads_to_the_review_that_is_there(system: System) -> None:
    repository = system.repository(FILES)
    repository.tag("release-1")
    environment = system.environment(repository.url)
    first = system.settled(system.compose(environment))

    second = system.settled(system.compose(environment, "release-1"))

    assert (second["outcome"], second["message"]["code"]) == ("succeeded", "review_already_composed")
    assert second["links"]["related"]["id"] == first["links"]["related"]["id"]
    reconciliation = second["context"]["reconciliation"]
    assert reconciliation.pop("reconciled_at")
    assert reconciliation["evidence"].pop("workflow_id").endswith(second["id"])
    assert reconciliation["evidence"].pop("workflow_run_id")
    assert reconciliation == {
        "adapter": "environment.review.compose",
        "decision": "succeeded",
        "reason_code": "review_already_composed",
        "previous": {"status": "running", "outcome": "pending"},
        "related": {"type": "environment_review", "id": first["links"]["related"]["id"]},
        "source": "workflow",
        "evidence": {"cause": None, "matching_reviews": 1},
    }


@pytest.mark.parametrize(
    ("url", "fields", "ref", "code"),
    [
        pytest.param("missing.git", {}, None, "environment_unreachable", id="no repository there"),
        pytest.param(None, {}, "no-such-tag", "ref_not_found", id="no such ref"),
        pytest.param(None, {"branch": "no-such-branch"}, None, "ref_not_found", id="no such branch"),
        pytest.param(None, {"baseline_ref": "nowhere"}, None, "ref_not_found", id="no such baseline"),
        pytest.param(
            None, {"path_prefix": "empty"}, None, "path_prefix_empty", id="nothing under the prefix"
        ),
    ],
)
def test_what_cannot_be_read_ends_the_run_as_failed(
    system: System, url: str | None, fields: dict[str, str], ref: str | None, code: str
) -> None:
    repository_url = str(system.repositories / url) if url else system.repository(FILES).url
    environment = system.environment(repository_url, **fields)

    run = system.settled(system.compose(environment, ref))

    assert (run["status"], run["outcome"], run["message"]["code"]) == ("completed", "failed", code)
    assert [failure["code"] for failure in run["failures"]] == [code]
    reconciliation = run["context"]["reconciliation"]
    assert (reconciliation["reason_code"], reconciliation["evidence"]["cause"]) == (
        "review_not_composed",
        "activity_failed",
    )
    assert run["links"]["related"] is None
    assert system.get("/reviews", environment=environment["id"])["items"] == []
