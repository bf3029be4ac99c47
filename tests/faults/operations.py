"""Operations of fresh environments, ready to be disturbed."""

from collections.abc import Mapping

from models.catalog import OperationType
from services.review_composition import ITEMS_AT_ONCE
from tests.git_repository import GitRepository
from tests.system import Json, System

RELEASE = "release-1"
FILES: dict[str, str | bytes | None] = {"a.conf": "1", "b.conf": "1"}
# Too many for a review in one step.
MANY = FILES | {f"{number}.conf": "1" for number in range(ITEMS_AT_ONCE)}


def restorable(
    system: System, mode: str = "exact", files: Mapping[str, str | bytes | None] = FILES
) -> tuple[GitRepository, Json, Json]:
    """Return an environment that has moved on from its tag, and the plan to restore it."""
    repository = system.repository(dict(files))
    repository.tag(RELEASE)
    repository.commit({"a.conf": "2"})
    environment = system.environment(repository.url)
    return repository, environment, system.plan(environment, RELEASE, mode, ["a.conf"])


def begin(system: System, operation_type: str, files: Mapping[str, str | bytes | None] = FILES) -> Json:
    """Start an operation of a fresh environment."""
    _, environment, plan = restorable(system, files=files)
    if operation_type == OperationType.RESTORE_EXECUTE:
        return system.restore(environment, plan)
    return system.compose(environment)


def workflow_id_of(run: Json) -> str:
    return f"operation-run.v1.{run['type']}.{run['id']}"
