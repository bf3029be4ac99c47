"""Executing restores on the real servers, over HTTP."""

import psycopg

from tests.git_repository import GitRepository
from tests.system import Json, System, wait_for

FIRST: dict[str, str | bytes | None] = {
    "policies/Password [v1].json": '{"length": 12}',
    "policies/firewall.yaml": "enabled: true\n",
    "apps/portal.json": '{"idle": 30}',
}
SECOND: dict[str, str | bytes | None] = {
    "policies/Password [v1].json": '{"length": 8}',
    "policies/firewall.yaml": None,
    "apps/new.json": "{}",
}


def released(system: System) -> tuple[GitRepository, Json]:
    """Return an environment whose live state has moved on from its tag `release-1`."""
    repository = system.repository(FIRST)
    repository.tag("release-1")
    repository.commit(SECOND, "Second release")
    return repository, system.environment(repository.url)


def changes_of(plan: Json) -> dict[str, str]:
    return {change["path"]: change["change"] for change in plan["changes"]}


def trailers(repository: GitRepository) -> list[str]:
    """Return the run ids in the trailers of the branch's commits, newest first."""
    return repository.read(
        "log", "--format=%(trailers:key=Operation-Run,valueonly,separator=)", "main"
    ).split()


def items_of(system: System, run: Json) -> list[tuple[str, str, str]]:
    """Return what the restore of a run did, item by item as it is kept."""
    with psycopg.connect(system.ready["database_url"]) as connection:
        found = connection.execute("SELECT items FROM restore_results WHERE run_id = %s", [run["id"]])
        ((items,),) = found.fetchall()
    return [(item["path"], item["change"], item["result"]) for item in items]


def test_an_exact_restore_gives_the_tags_tree_in_one_commit(system: System) -> None:
    repository, environment = released(system)
    before = repository.read("rev-parse", "main")
    plan = system.plan(environment, "release-1")
    assert changes_of(plan) == {
        "apps/new.json": "delete",
        "apps/portal.json": "unchanged",
        "policies/Password [v1].json": "update",
        "policies/firewall.yaml": "create",
    }

    run = system.settled(system.restore(environment, plan))

    assert (run["outcome"], run["message"]["code"]) == ("succeeded", "restore_applied")
    assert run["links"]["related"]["type"] == "restore_result"
    assert run["summary_counts"] == {"written": 2, "removed": 1, "unchanged": 1, "refused": 0}
    assert "reconciliation" not in run["context"]
    assert repository.read("rev-parse", "main^{tree}") == repository.read("rev-parse", "release-1^{tree}")
    assert repository.read("rev-parse", "main^") == before
    assert trailers(repository) == [run["id"]]
    assert items_of(system, run) == [
        ("apps/new.json", "delete", "removed"),
        ("apps/portal.json", "unchanged", "unchanged"),
        ("policies/Password [v1].json", "update", "written"),
        ("policies/firewall.yaml", "create", "written"),
    ]


def test_an_exact_restore_of_a_folder_leaves_what_is_beside_it(system: System) -> None:
    repository = system.repository({"here/a.json": "1", "here/b.json": "1", "there/c.json": "1"})
    repository.tag("release-1")
    repository.commit({"here/a.json": "2", "here/b.json": None, "here/new.json": "2", "there/c.json": "2"})
    environment = system.environment(repository.url, path_prefix="here")
    plan = system.plan(environment, "release-1")
    repository.commit({"there/c.json": "3"})

    run = system.settled(system.restore(environment, plan))

    assert run["summary_counts"] == {"written": 2, "removed": 1, "unchanged": 0, "refused": 0}
    assert repository.read("rev-parse", "main:here") == repository.read("rev-parse", "release-1:here")
    assert repository.read("show", "main:there/c.json") == "3"


def test_an_overlay_writes_the_selected_items_alone(system: System) -> None:
    repository, environment = released(system)
    plan = system.plan(environment, "release-1", "overlay", ["policies/Password [v1].json"])
    assert changes_of(plan) == {"policies/Password [v1].json": "update"}

    run = system.settled(system.restore(environment, plan))

    assert run["outcome"] == "succeeded"
    names = repository.read("ls-tree", "-r", "-z", "--name-only", "main").rstrip("\0").split("\0")
    assert names == ["apps/new.json", "apps/portal.json", "policies/Password [v1].json"]
    assert repository.read("show", "main:policies/Password [v1].json") == '{"length": 12}'


def test_a_restore_of_what_is_there_needs_no_commit(system: System) -> None:
    repository, environment = released(system)
    plan = system.plan(environment, "main")

    run = system.settled(system.restore(environment, plan))

    assert (run["outcome"], run["message"]["code"]) == ("succeeded", "restore_not_needed")
    assert trailers(repository) == []


def test_a_branch_that_moved_elsewhere_is_restored_on_its_new_head(system: System) -> None:
    repository, environment = released(system)
    plan = system.plan(environment, "release-1", "overlay", ["policies"])
    moved = repository.commit({"apps/portal.json": '{"idle": 60}'}, "Somebody else's change")

    run = system.settled(system.restore(environment, plan))

    assert run["outcome"] == "succeeded"
    assert repository.read("rev-parse", "main^") == moved
    assert repository.read("show", "main:apps/portal.json") == '{"idle": 60}'
    assert repository.read("show", "main:policies/firewall.yaml") == "enabled: true"


def test_a_planned_item_that_changed_blocks_the_restore(system: System) -> None:
    repository, environment = released(system)
    plan = system.plan(environment, "release-1")
    head = repository.commit({"policies/Password [v1].json": '{"length": 20}'}, "Somebody else's change")

    run = system.settled(system.restore(environment, plan))

    assert (run["outcome"], run["message"]["code"]) == ("blocked", "environment_changed")
    assert run["context"]["reconciliation"]["evidence"]["changed_items"] == ["policies/Password [v1].json"]
    assert repository.read("rev-parse", "main") == head


def test_a_new_selected_file_blocks_an_exact_restore(system: System) -> None:
    repository, environment = released(system)
    plan = system.plan(environment, "release-1")
    head = repository.commit({"apps/another.json": "{}"}, "Somebody else's file")

    run = system.settled(system.restore(environment, plan))

    assert (run["outcome"], run["message"]["code"]) == ("blocked", "environment_changed")
    assert run["context"]["reconciliation"]["evidence"]["changed_items"] == ["apps/another.json"]
    assert repository.read("rev-parse", "main") == head


def test_a_refused_push_blocks_the_restore(system: System) -> None:
    repository, environment = released(system)
    plan = system.plan(environment, "release-1")
    repository.hook("pre-receive", "echo 'This branch is protected.' >&2; exit 1")
    head = repository.read("rev-parse", "main")

    run = system.settled(system.restore(environment, plan))

    assert (run["outcome"], run["message"]["code"]) == ("blocked", "push_refused")
    assert [failure["code"] for failure in run["failures"]] == ["push_refused"]
    assert repository.read("rev-parse", "main") == head


def test_an_item_that_does_not_parse_is_refused_by_name(system: System) -> None:
    repository = system.repository({"a.json": "{broken", "b.json": '{"old": true}'})
    repository.tag("release-1")
    repository.commit({"a.json": "{}", "b.json": "{}"})
    environment = system.environment(repository.url)
    plan = system.plan(environment, "release-1")
    refused = {
        change["path"]: change["reason"] for change in plan["changes"] if change["change"] == "refused"
    }
    assert list(refused) == ["a.json"]
    assert "cannot be read" in refused["a.json"]

    run = system.settled(system.restore(environment, plan))

    assert (run["outcome"], run["message"]["code"]) == ("partially_succeeded", "restore_partly_applied")
    assert repository.read("show", "main:a.json") == "{}"
    assert repository.read("show", "main:b.json") == '{"old": true}'
    assert items_of(system, run) == [("a.json", "refused", "refused"), ("b.json", "update", "written")]


def test_a_plan_of_nothing_but_refused_items_writes_nothing(system: System) -> None:
    repository = system.repository({"a.json": "{broken", "b.json": "1"})
    repository.tag("release-1")
    repository.commit({"a.json": "{}"})
    head = repository.read("rev-parse", "main")
    environment = system.environment(repository.url)

    run = system.settled(system.restore(environment, system.plan(environment, "release-1")))

    assert (run["outcome"], run["message"]["code"]) == ("blocked", "items_refused")
    assert "a.json" in run["failures"][0]["detail"]
    assert repository.read("rev-parse", "main") == head


def test_a_second_restore_while_one_is_active_is_refused(idle_system: System) -> None:
    _, environment = released(idle_system)
    plan = idle_system.plan(environment, "release-1")
    run = idle_system.restore(environment, plan)
    again = idle_system.restore(environment, plan, expect=200)
    assert (again["id"], again["deduplicated"]) == (run["id"], True)

    other = idle_system.plan(environment, "release-1", "overlay")
    problem = idle_system.restore(environment, other, expect=409)

    assert problem["code"] == "restore_in_progress"
    assert run["id"] in problem["detail"]


def test_a_worker_killed_in_mid_restore_leaves_one_commit(system: System) -> None:
    repository, environment = released(system)
    plan = system.plan(environment, "release-1")
    gate, marker = (
        system.repositories / f"gate-{environment['id']}",
        system.repositories / f"in-{environment['id']}",
    )
    # The push has reached the remote and waits there while the worker dies.
    repository.hook("pre-receive", f"touch {marker}; while [ ! -e {gate} ]; do sleep 0.05; done")
    run = system.restore(environment, plan)
    wait_for(marker.exists, what="the push to be under way")

    killed = system.kill_worker()
    gate.touch()
    system.next_worker(killed)

    run = system.settled(run)
    assert (run["outcome"], run["message"]["code"]) == ("succeeded", "restore_applied")
    assert repository.read("rev-parse", "main^{tree}") == repository.read("rev-parse", "release-1^{tree}")
    assert trailers(repository) == [run["id"]]
