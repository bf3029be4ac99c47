import json
import stat
import threading
from pathlib import Path

from runtime.local.ready_file import Pids, Ready, write_ready_file
from runtime.local.secret_file import stored_secret


def ready(worker: int | None) -> Ready:
    return Ready(
        web_url="http://127.0.0.1:8080",
        temporal_address="127.0.0.1:7233",
        temporal_ui_url=None,
        database_url="postgresql://operationrun:secret@127.0.0.1:5432/operationrun",
        api_token="token",
        pids=Pids(worker=worker, web=2, postgres=3, temporal=None),
    )


def test_it_has_the_keys_other_programs_read(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "ready.json"
    write_ready_file(path, ready(None))
    assert json.loads(path.read_text()) == {
        "web_url": "http://127.0.0.1:8080",
        "temporal_address": "127.0.0.1:7233",
        "temporal_ui_url": None,
        "database_url": "postgresql://operationrun:secret@127.0.0.1:5432/operationrun",
        "api_token": "token",
        "pids": {"worker": None, "web": 2, "postgres": 3, "temporal": None},
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_reader_never_meets_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    write_ready_file(path, ready(0))
    seen, done = set(), threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(json.loads(path.read_text())["pids"]["worker"])

    reader = threading.Thread(target=read)
    reader.start()
    for pid in range(1, 300):
        write_ready_file(path, ready(pid))
    done.set()
    reader.join()
    assert seen <= set(range(300))
    assert len(seen) > 1
    assert [each.name for each in tmp_path.iterdir()] == ["ready.json"]


def test_a_secret_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    secret = stored_secret(path)
    assert len(secret) >= 43
    assert stored_secret(path) == secret
    assert stored_secret(tmp_path / "other.key") != secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
