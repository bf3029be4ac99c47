import uuid
from pathlib import Path

import pytest

from services.repositories.mirror import Mirror, MirrorStore
from tests.mirrors import FILES
from tests.repositories.remote import Remote


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    return Remote.create(tmp_path / "served" / "remote.git")


@pytest.fixture
def store(tmp_path: Path, remote: Remote) -> MirrorStore:
    return MirrorStore(tmp_path / "mirrors", allowed_file_roots=[remote.path.parent])


@pytest.fixture
def mirror(store: MirrorStore, remote: Remote) -> Mirror:
    return store.open(uuid.uuid4(), str(remote.path), FILES)
