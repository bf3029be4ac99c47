"""Repositories made to harm, on the real servers: a named reason, and the next sane commit composes."""

import pygit2
from pygit2.enums import ObjectType

from tests.git_repository import GitRepository
from tests.repositories.hostile import tree_bomb
from tests.system import Json, System

ODD = "author \x01\ncommitter Mallory <m> 9405234000000 +0000\n\n\x01\x1b[31m\n"


def commit(repository: GitRepository, tree: str) -> str:
    """Commit a tree to main as it is."""
    commit = repository.read("commit-tree", "-m", "change", "-p", "main", tree)
    repository.read("update-ref", "refs/heads/main", commit)
    return commit


def published(system: System, environment: Json) -> Json:
    run = system.settled(system.compose(environment))
    assert run["outcome"] == "succeeded", run
    review: Json = run["links"]["related"]
    system.post(f"/reviews/{review['id']}/publish", {}, expect=200)
    return review


def test_a_tree_bomb_ends_its_run_alone(system: System) -> None:
    repository = system.repository({"a.json": "1"})
    environment = system.environment(repository.url)
    sane = repository.read("rev-parse", "main^{tree}")
    published(system, environment)

    commit(repository, str(tree_bomb(pygit2.Repository(repository.path))))
    run = system.settled(system.compose(environment))
    assert (run["outcome"], run["message"]["code"]) == ("failed", "repository_too_large")
    assert "A tree of the repository has more than 250,000 entries." in run["message"]["body"]
    assert [failure["attempts"] for failure in run["failures"]] == [1]

    commit(repository, sane)
    repository.commit({"a.json": "2"})
    review = published(system, environment)
    (change,) = system.get(f"/reviews/{review['id']}/changes")["items"]
    # The bomb took the file away, its revert brought it back, and then it was changed.
    assert (change["path"], len(change["commits"])) == ("a.json", 3)


def test_an_odd_commit_at_the_head_is_reviewed_and_shown_as_such(system: System) -> None:
    repository = system.repository({"a.json": "1"})
    environment = system.environment(repository.url)
    published(system, environment)
    repository.commit({"a.json": "2"})
    tree, parent = repository.read("rev-parse", "main^{tree}", "main^").split()
    data = f"tree {tree}\nparent {parent}\n{ODD}".encode()
    odd = str(pygit2.Repository(repository.path).odb.write(ObjectType.COMMIT, data))
    repository.read("update-ref", "refs/heads/main", odd)
    review = published(system, environment)
    (change,) = system.get(f"/reviews/{review['id']}/changes")["items"]
    (shown,) = change["commits"]
    assert (shown["id"], shown["author"], shown["at"]) == (odd, "\x01", None)
    assert (shown["subject"], shown["odd"]) == ("\x01\x1b[31m", ["author", "at", "subject"])
    for profile in ("executive", "technical", "audit"):
        answer = system.client.get(f"/reviews/{review['id']}/report/{profile}.pdf")
        assert (answer.status_code, answer.content[:4]) == (200, b"%PDF"), profile


def test_a_path_that_git_refuses_is_a_finding(system: System) -> None:
    repository = system.repository({"a.json": "1", "..\\up.json": "1"})
    review = published(system, system.environment(repository.url))
    findings = {finding["code"]: finding for finding in system.get(f"/reviews/{review['id']}")["findings"]}
    assert findings["unsafe_path"]["items"] == ["..\\up.json"]
    assert findings["unsafe_path"]["severity"] == "critical"
