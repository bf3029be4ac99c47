"""Operations of fresh environments, ready to be disturbed."""

from models.catalog import OperationType
from tests.git_repository import GitRepository
from tests.system import Json, System

RELEASE = "release-1"
Files = dict[str, str | bytes | None]
FILES: Files = {"a.conf": "1", "b.conf": "1"}


def restorable(system: System, mode: str = "exact", files: Files = FILES) -> tuple[GitRepository, Json, Json]:
    """Return an environment that has moved on from its tag, and the plan to restore it."""
    repository = system.repository(files)
    repository.tag(RELEASE)
    repository.commit({"a.conf": "2"})
    environment = system.environment(repository.url)
    return repository, environment, system.plan(environment, RELEASE, mode, ["a.conf"])


def begin(system: System, operation_type: str, files: Files = FILES) -> Json:
    """Start an operation of a fresh environment."""
    _, environment, plan = restorable(system, files=files)
    if operation_type == OperationType.RESTORE_EXECUTE:
        return system.restore(environment, plan)
    return system.compose(environment)


def workflow_id_of(run: Json) -> str:
    return f"operation-run.v1.{run['type']}.{run['id']}"
