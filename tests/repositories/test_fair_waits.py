"""One workspace's silent repositories take none of another's turns (law L13)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from models.errors import TooManyFetches
from services.repositories.git import never_cancelled
from services.repositories.mirror import MirrorStore
from services.repositories.slots import FairWaits, WorkspaceSlots, working_for
from services.repositories.transport import GitLimits
from tests.git_repository import GitRepository
from tests.mirrors import access_to
from tests.slow_remotes import silence, speak

EACH, THREADS = 2, 8


@pytest.fixture
def store(tmp_path: Path) -> MirrorStore:
    return MirrorStore(
        tmp_path / "mirrors",
        allowed_file_roots=[tmp_path / "served"],
        limits=GitLimits(fetch_timeout=timedelta(minutes=2)),
        waits=FairWaits(each=EACH, patience=timedelta(milliseconds=100)),
    )


@pytest.fixture
def served(tmp_path: Path) -> Callable[[], GitRepository]:
    (tmp_path / "served").mkdir()

    def serve() -> GitRepository:
        repository = GitRepository(tmp_path / "served", uuid4().hex)
        repository.commit({"a": "1"})
        return repository

    return serve


@pytest.fixture
def silent(served: Callable[[], GitRepository]) -> Iterator[list[GitRepository]]:
    repositories = [served() for _ in range(THREADS)]
    for repository in repositories:
        silence(repository)
    yield repositories
    for repository in repositories:
        if (repository.path / "HEAD.kept").exists():
            speak(repository)


@pytest.mark.parametrize("of_one_environment", [False, True])
def test_others_fetch_while_one_workspaces_repositories_are_silent(
    store: MirrorStore,
    served: Callable[[], GitRepository],
    silent: list[GitRepository],
    of_one_environment: bool,  # noqa: FBT001 # a case
) -> None:
    one = uuid4()
    slow, other = uuid4(), uuid4()

    def fetch(repository: GitRepository, workspace_id: UUID, environment_id: UUID) -> str:
        with working_for(workspace_id):
            mirror = store.open(environment_id, repository.url, access_to(repository.url))
            mirror.fetch()
            return mirror.resolve("main")

    healthy = served()
    with ThreadPoolExecutor(THREADS) as pool:
        hanging = [
            pool.submit(fetch, silent[0], slow, one)
            if of_one_environment
            else pool.submit(fetch, repository, slow, uuid4())
            for repository in silent
        ]
        # Every thread is taken before this one's turn comes.
        assert pool.submit(fetch, healthy, other, uuid4()).result(60) == healthy.read("rev-parse", "main")
        again = pool.submit(fetch, silent[0], slow, uuid4())
        assert isinstance(again.exception(60), TooManyFetches)
        assert sum(not each.done() for each in hanging) == EACH
        for repository in silent:
            speak(repository)
        ended = [type(each.exception(60)) for each in hanging]
    assert ended.count(TooManyFetches) == THREADS - EACH


def test_while_its_slots_are_taken_a_workspace_tries_as_many_again() -> None:
    waits, slow = FairWaits(each=1, patience=timedelta(0)), uuid4()
    with working_for(slow), waits.waiting(never_cancelled) as long:
        long()
        with waits.waiting(never_cancelled) as trial:
            with pytest.raises(TooManyFetches):
                trial()
            with pytest.raises(TooManyFetches), waits.waiting(never_cancelled):
                raise AssertionError
        with working_for(uuid4()), waits.waiting(never_cancelled) as others:
            others()
    with working_for(slow), waits.waiting(never_cancelled) as long:
        long()


def test_work_for_no_workspace_is_not_counted() -> None:
    waits = FairWaits(each=0, patience=timedelta(0))
    with waits.waiting(never_cancelled) as check:
        check()


def test_slots_come_back_and_have_a_total() -> None:
    slots, one = WorkspaceSlots(each=2, total=3), uuid4()
    with slots.hold(one), slots.hold(one):
        with pytest.raises(TooManyFetches):
            slots.take(one)
        with slots.hold(uuid4()), pytest.raises(TooManyFetches):
            slots.take(uuid4())
    slots.take(one)
