"""Every command that changes something leaves an audit entry, or is listed here with the reason why not."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import click
import pytest
from sqlalchemy import func, select, text

from models.access import AuditEntry
from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from runtime.cli.main import operationrun, run_command
from services.database.session import Database
from tests.audit import verify_chains
from tests.fake_engine import FakeEngine
from tests.world import World

Run = Callable[..., Any]
Act = Callable[[World, Run], object]

READS = {
    "audit list",
    "audit verify",
    "connection list",
    "doctor",
    "environment list",
    "environment restore-plan show",
    "environment restore-point list",
    "runs",
    "show",
    "token list",
    "verify-pack",
    "workspace members",
}
WITHOUT = {
    "migrate": "alembic_version records it, and the audit may not be there before",
    "setup-temporal": "changes Temporal's namespace, and needs no database",
    "sweep": "tests/cli/test_sweep.py has its entry, beside a Temporal server",
    "up": "runs the others",
    "web": "serves; its requests are audited",
    "worker": "works; what it does is in the ledger's own transitions",
}


def at(world: World) -> tuple[str, ...]:
    return ("--workspace", world.workspace.slug)


def create_environment(world: World, run: Run) -> None:
    place = ("--repository-url", str(world.repository), "--branch", "main")
    run("environment", "create", "other", *at(world), *place)


def create_point(world: World, run: Run) -> str:
    arguments = (str(world.environment.id), "--label", "one", "--ref", "before")
    return str(run("environment", "restore-point", "create", *arguments)["id"])


def create_plan(world: World, run: Run) -> None:
    point = create_point(world, run)
    run("environment", "restore-plan", "create", str(world.environment.id), "--restore-point", point)


def create_user(world: World, run: Run) -> None:
    run("user", "create", "ada@example.org", *at(world), "--role", "reader")


def of_user(*arguments: str) -> Act:
    def act(world: World, run: Run) -> None:
        create_user(world, run)
        run("user", *arguments, "ada@example.org")

    return act


def remove_member(world: World, run: Run) -> None:
    create_user(world, run)
    run("workspace", "remove-member", world.workspace.slug, "ada@example.org")


def create_token(world: World, run: Run) -> None:
    run("token", "create", *at(world), "--role", "reader", "--name", "robot")


def revoke_token(world: World, run: Run) -> None:
    create_token(world, run)
    token = run("token", "list", *at(world))[0]
    run("token", "revoke", token["id"], *at(world))


def prune(world: World, run: Run) -> None:
    world.now -= timedelta(days=1000)
    old = world.running()
    world.settle(old, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED, cause="deadline")
    assert run("prune", "--keep", "failed=400d")["pruned"] == 1


def create_connection(world: World, run: Run) -> None:
    place = ("--kind", "file", "--url-prefix", str(world.repository.parent))
    run("connection", "create", *at(world), "--name", "Files", *place)


def of_connection(*arguments: str) -> Act:
    def act(world: World, run: Run) -> None:
        create_connection(world, run)
        run("connection", *arguments, "Files", *at(world))

    return act


ACTS: dict[str, Act] = {
    "connection check": lambda world, run: run("connection", "check", str(world.environment.connection_id)),
    "connection create": create_connection,
    "connection reencrypt": lambda _, run: run("connection", "reencrypt"),
    "connection remove": of_connection("remove"),
    "cancel": lambda world, run: run("cancel", str(world.running().id)),
    "environment create": create_environment,
    "environment restore-plan create": create_plan,
    "environment restore-point create": create_point,
    "prune": prune,
    "reconcile": lambda world, run: run("reconcile", str(world.running().id)),
    "start": lambda world, run: run(
        "start", "environment.review.compose", "--environment", str(world.environment.id)
    ),
    "token create": create_token,
    "token revoke": revoke_token,
    "user create": create_user,
    "user link": of_user("link"),
    "user release": of_user("release"),
    "user set-password": of_user("set-password"),
    "workspace create": lambda _, run: run("workspace", "create", "other"),
    "workspace remove-member": remove_member,
}


def leaves(group: click.Group, *above: str) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from leaves(command, *above, name)
        else:
            yield " ".join((*above, name))


def test_every_command_is_listed() -> None:
    unlisted = {*leaves(operationrun)} ^ {*ACTS, *READS, *WITHOUT}
    assert not unlisted, f"Say in this file what {sorted(unlisted)} leave in the audit, or why nothing."


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """An engine in place of a Temporal server, for the command line."""
    engine = FakeEngine()
    monkeypatch.setattr("runtime.container.TemporalEngine", lambda _: engine)
    monkeypatch.setattr("sys.stdin", io.StringIO("several words in a row\n"))
    return engine


def count(database: Database) -> int:
    with database.transaction() as session:
        return session.scalars(select(func.count()).select_from(AuditEntry)).one()


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("command", ACTS)
def test_it_leaves_an_entry_that_names_who_acted(api_world: World, run: Run, command: str) -> None:
    before = count(api_world.database)

    ACTS[command](api_world, run)

    assert count(api_world.database) > before
    with api_world.database.transaction() as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert entry.actor_name.endswith("(command line)")
    assert (entry.request_id, entry.address) == (None, None)
    assert {check.problem for check in verify_chains(api_world.database)} == {None}


def test_it_lists_by_workspace_actor_and_act(run: Run) -> None:
    run("workspace", "create", "own")
    run("workspace", "create", "other")
    run("token", "create", "--workspace", "own", "--role", "reader", "--name", "robot")
    everything = run("audit", "list", "--limit", "2")
    assert [each["act"] for each in everything["items"]] == ["token_created", "workspace_created"]
    assert len(run("audit", "list", "--after", everything["next"])["items"]) == 1
    assert len(run("audit", "list", "--workspace", "own")["items"]) == 2
    assert [each["subject"] for each in run("audit", "list", "--act", "token_created")["items"]] == ["robot"]
    assert run("audit", "list", "--actor", "nobody")["items"] == []


def test_verify_shows_each_chain_and_ends_with_1_where_one_is_broken(
    run: Run, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    run("workspace", "create", "own")
    run("workspace", "create", "other")
    (other, own) = run("audit", "verify")
    assert (own["chain"], own["count"], own["problem"]) == ("own", 1, None)
    assert run("audit", "verify", "--workspace", "other") == [other]
    with database.transaction() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text("DELETE FROM audit_entries WHERE subject = 'own'"))
    assert run_command(["audit", "verify", "--json"]) == 1
    problems = {each["chain"]: each["problem"] for each in json.loads(capsys.readouterr().out)}
    assert problems == {"other": None, "own": "The last 1 of 1 entries are missing."}


def test_verify_refuses_a_workspace_without_a_chain(refused: Run) -> None:
    assert "no audit of a workspace" in refused("audit", "verify", "--workspace", "own")
