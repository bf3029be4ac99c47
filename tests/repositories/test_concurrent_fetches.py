import multiprocessing
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from models.errors import (
    EnvironmentUnreachable,
)
from services.repositories.mirror import Mirror, MirrorStore
from services.repositories.transport import GitLimits
from tests.mirrors import FILES
from tests.repositories.remote import Remote


def test_concurrent_fetches_of_one_mirror_take_turns(remote: Remote, store: MirrorStore) -> None:
    commit = remote.commit({"a": "1"})
    environment = uuid.uuid4()

    def fetch(_: int) -> str:
        mirror = store.open(environment, str(remote.path), FILES)
        mirror.fetch()
        return mirror.resolve("main")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(fetch, range(24))) == {commit}


def test_two_mirrors_are_fetched_at_the_same_time(remote: Remote, store: MirrorStore) -> None:
    commit = remote.commit({f"{n}": str(n) for n in range(200)})
    mirrors = [store.open(uuid.uuid4(), str(remote.path), FILES) for _ in range(2)]
    # Each fetch stands at this barrier with its lock held: one lock for both would break it.
    barrier = threading.Barrier(2, timeout=10)

    def fetch(mirror: Mirror) -> str:
        with mirror._directory.locked(timeout=timedelta(seconds=10), check_cancelled=lambda: None):
            barrier.wait()
        mirror.fetch()
        return mirror.resolve("main")

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(fetch, mirrors)) == [commit, commit]


def _fetch_in_a_process(root: Path, served: Path, environment: uuid.UUID, url: str) -> str:
    mirror = MirrorStore(root, allowed_file_roots=[served]).open(environment, url, FILES)
    mirror.fetch()
    return mirror.resolve("main")


def test_processes_take_turns_too(remote: Remote, tmp_path: Path) -> None:
    commit = remote.commit({"a": "1"})
    task = (tmp_path / "mirrors", remote.path.parent, uuid.uuid4(), str(remote.path))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.starmap(_fetch_in_a_process, [task] * 4) == [commit] * 4


def test_those_who_waited_for_a_fetch_that_began_after_they_asked_do_not_fetch(
    remote: Remote, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.commit({"a": "1"})
    mirror.fetch()
    fetched: list[int] = []
    fetch_all = mirror._fetch_all
    asked = threading.Semaphore(0)
    begun = mirror._directory.fetches_begun

    def count(*arguments: object) -> object:
        fetched.append(1)
        return fetch_all(*arguments)  # type: ignore[arg-type] # passed on as they came

    def ask() -> int:
        number = begun()
        asked.release()
        return number

    monkeypatch.setattr(mirror, "_fetch_all", count)
    monkeypatch.setattr(mirror._directory, "fetches_begun", ask)
    commit = remote.commit({"a": "2"})
    with ThreadPoolExecutor(6) as pool:
        # All six ask before any fetch can begin: the first fetches for all.
        with mirror._directory.locked(timeout=timedelta(seconds=10), check_cancelled=lambda: None):
            waiting = [pool.submit(mirror.fetch) for _ in range(6)]
            for _ in waiting:
                assert asked.acquire(timeout=10)
        for fetch in waiting:
            fetch.result(20)
    assert len(fetched) == 1
    assert mirror.resolve("main") == commit
    mirror.fetch()
    assert len(fetched) == 2


def test_a_mirror_somebody_holds_for_too_long_is_reported(remote: Remote, tmp_path: Path) -> None:
    limits = GitLimits(fetch_timeout=timedelta(milliseconds=50))
    store = MirrorStore(tmp_path / "mirrors", allowed_file_roots=[remote.path.parent], limits=limits)
    mirror = store.open(uuid.uuid4(), str(remote.path), FILES)
    with (
        mirror._directory.locked(timeout=timedelta(seconds=1), check_cancelled=lambda: None),
        pytest.raises(EnvironmentUnreachable, match="Another fetch"),
    ):
        mirror.fetch()
