"""The steps of docs/upgrading.md: the release before goes on working on this one's schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from runtime.local.ports import free_ports
from tests.faults.operations import restorable
from tests.faults.settled import commits_of
from tests.left_out import leave_out
from tests.slow_remotes import silence, speak
from tests.system import System
from tests.topology.application import Application
from tests.topology.release_before import ReleaseBefore, newest_migration, release_before
from tests.topology.steps import Steps
from tests.topology.topology import Topology

pytestmark = pytest.mark.topology

NAME = "upgraded"
# In the order that docs/upgrading.md replaces them.
OURS = ("migrate", "setup-temporal", "worker", "web")


@pytest.fixture
def before() -> ReleaseBefore:
    found = release_before()
    if found is None:
        lacking = "The history here has none: is it a shallow clone? git fetch --unshallow --tags"
        leave_out("the upgrade from the version before", without=lacking)
    return found


@pytest.fixture
def old(topology: Topology, before: ReleaseBefore) -> Application:
    """The release before, to be run on a database and in a namespace of its own."""
    postgres, machine = topology.postgres, topology.machine
    postgres.create_database(NAME)
    assert topology.temporal.make_namespace(NAME)
    url = machine.keep_secret(f"{NAME}_database_url", postgres.url(NAME))
    web = urlsplit(machine.secret("web_database_url"))._replace(path=f"/{NAME}").geturl()
    web_url = machine.keep_secret(f"{NAME}_web_database_url", web)
    (port,) = free_ports(1)
    return Application(
        file=topology.file,
        machine=machine,
        web_port=port,
        tree=before.unpack(machine.folder / "release-before"),
        name="before-",
        settings={
            "OPERATIONRUN_DATABASE_URL_FILE": str(url),
            "OPERATIONRUN_WEB_DATABASE_URL_FILE": str(web_url),
            "OPERATIONRUN_TEMPORAL_NAMESPACE": NAME,
            "OPERATIONRUN_PUBLIC_URL": f"http://127.0.0.1:{port}",
        },
    )


@pytest.fixture
def new(old: Application) -> Application:
    """This tree's version, in the same place."""
    (port,) = free_ports(1)
    return Application(
        file=old.file, machine=old.machine, web_port=port, name="after-",
        settings={**old.settings, "OPERATIONRUN_PUBLIC_URL": f"http://127.0.0.1:{port}"},
    )  # fmt: skip


def test_the_release_before_works_until_it_is_replaced(
    topology: Topology, before: ReleaseBefore, old: Application, new: Application, steps: Steps
) -> None:
    with steps.step("upgrade", f"set up at {before.commit[:7]}: {before.why}"):
        running = [each for name in OURS for each in topology.begin(old, name)]
        token = first_token(old)
    assert newest_migration(old.tree) <= newest_migration()

    with spoken_to(topology, old, token) as system:
        with steps.step("upgrade", f"migrated to {newest_migration().removesuffix('.py')} under it"):
            topology.begin(new, "migrate")
        with steps.step("upgrade", "both operations by the release before on the new schema"):
            assert_both_operations(system)
        repository = system.repository({"a.conf": "1"})
        environment = system.environment(repository.url)
        silence(repository)
        compose = system.running(system.compose(environment))
        with steps.step("upgrade", "workers replaced under a review"):
            topology.begin(new, "setup-temporal")
            workers = topology.begin(new, "worker")
            topology.stop(running[:-1])
        speak(repository)
        assert system.settled(compose)["outcome"] == "succeeded"

    with steps.step("upgrade", "web server replaced, both operations by this release"):
        web = topology.begin(new, "web")
        new.connect()
        topology.stop(running[-1:])
        with spoken_to(topology, new, token) as system:
            assert_both_operations(system)
    topology.stop([*workers, *web])


def first_token(application: Application) -> str:
    application.run("workspace", "create", "default")
    made = application.run("token", "create", "--workspace", "default", "--role", "owner", "--name", "first")
    token: str = made["token"]
    return token


@contextmanager
def spoken_to(topology: Topology, application: Application, token: str) -> Iterator[System]:
    """Speak to one version over HTTP."""
    machine = topology.machine
    address, headers = f"http://127.0.0.1:{application.web_port}", {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{address}/readyz").status_code == 200
    with httpx.Client(base_url=f"{address}/api/v1", headers=headers, timeout=30) as client:
        ready_file = machine.folder / "ready.json"
        yield System(ready_file=ready_file, repositories=machine.repositories, client=client)


def assert_both_operations(system: System) -> None:
    repository, environment, plan = restorable(system)
    compose = system.settled(system.compose(environment))
    restore = system.settled(system.restore(environment, plan))
    assert [run["outcome"] for run in (compose, restore)] == ["succeeded", "succeeded"]
    assert list(commits_of(repository.path)) == [restore["id"]]
    review = system.get(f"/reviews/{compose['links']['related']['id']}")
    assert review["run_id"] == compose["id"]
