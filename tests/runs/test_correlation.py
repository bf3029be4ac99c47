from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.catalog import OperationType
from models.correlation import Correlation, parse_workflow_id, resolve

RUN = UUID("0199f2f0-0000-7000-8000-00000000000a")


@given(st.sampled_from(OperationType), st.uuids())
def test_an_id_that_was_built_parses_back(operation_type: OperationType, run_id: UUID) -> None:
    correlation = Correlation(operation_type=operation_type, run_id=run_id)
    assert parse_workflow_id(correlation.workflow_id) == correlation
    assert resolve(correlation.workflow_id, operation_type) == correlation


def test_the_id_is_what_other_programs_were_promised() -> None:
    correlation = Correlation(operation_type=OperationType.RESTORE_EXECUTE, run_id=RUN)
    assert correlation.workflow_id == f"operation-run.v1.restore.execute.{RUN}"


@pytest.mark.parametrize(
    "workflow_id",
    [
        "",
        str(RUN),
        f"operation-run.v2.restore.execute.{RUN}",
        f"operation-run.v1.restore.execute.{RUN}.x",
        f"x.operation-run.v1.restore.execute.{RUN}",
        f"operation-run.v1.restore.{RUN}",
        f"operation-run.v1.Restore.Execute.{RUN}",
        f"operation-run.v1.restore.execute.{str(RUN).upper()}",
        f"operation-run.v1.restore.execute.{RUN.hex}",
        f"operation-run.v1.restore.execute.{RUN}\n",
        f"operation-run.v1.backup.run.{RUN}",
    ],
)
def test_any_other_spelling_is_nobodys_run(workflow_id: str) -> None:
    assert parse_workflow_id(workflow_id) is None


@given(st.text())
def test_no_text_makes_it_crash(text: str) -> None:
    assert parse_workflow_id(text) is None


def test_a_workflow_of_another_type_is_refused() -> None:
    workflow_id = Correlation(operation_type=OperationType.RESTORE_EXECUTE, run_id=uuid4()).workflow_id
    assert resolve(workflow_id, OperationType.ENVIRONMENT_REVIEW_COMPOSE) is None
