"""What a run is shown to have led to: the reconciliation's word, else its own result, never both."""

from types import EllipsisType
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.operation_run import OperationRun
from models.reconciliation import Related
from services.runs.links import Links
from tests.runs.contexts import stored_context, stored_reconciliation

LINKS = Links(public_url="http://localhost", temporal_ui_url=None, namespace="default")
OWN = Related(type="environment_review", id=uuid4())
FOUND = Related(type="environment_review", id=uuid4())


def shown(related: Related | EllipsisType | None, own: Related | None) -> UUID | None:
    parts: dict[str, Any] = {}
    if not isinstance(related, EllipsisType):
        reconciliation = stored_reconciliation()
        parts["reconciliation"] = {**reconciliation, "related": related and related.model_dump(mode="json")}
    run = OperationRun(id=uuid4(), type="environment.review.compose", context_json=stored_context(**parts))
    link = LINKS.related(run, own)
    return link.id if link else None


@pytest.mark.parametrize(
    ("reconciled", "own", "related"),
    [
        pytest.param(..., None, None, id="nothing made"),
        pytest.param(..., OWN, OWN.id, id="never reconciled, own result"),
        pytest.param(FOUND, None, FOUND.id, id="reconciled"),
        pytest.param(FOUND, OWN, FOUND.id, id="reconciled before own"),
        pytest.param(None, OWN, None, id="reconciled to nothing, own result not behind it"),
    ],
)
def test_the_reconciliation_speaks_where_there_is_one(
    reconciled: Related | EllipsisType | None, own: Related | None, related: UUID | None
) -> None:
    assert shown(reconciled, own) == related
