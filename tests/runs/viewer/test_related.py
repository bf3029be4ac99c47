"""What a run is shown to have led to: the reconciliation's word, else its own result, never both."""

from uuid import UUID, uuid4

import pytest

from models.base import Json
from models.operation_run import OperationRun
from models.reconciliation import Related
from services.runs.links import Links

LINKS = Links(public_url="http://localhost", temporal_ui_url=None, namespace="default")
OWN = Related(type="environment_review", id=uuid4())
FOUND = Related(type="environment_review", id=uuid4())


def shown(reconciliation: Json | None, own: Related | None) -> UUID | None:
    context = {} if reconciliation is None else {"reconciliation": reconciliation}
    link = LINKS.related(OperationRun(id=uuid4(), context=context), own)
    return link.id if link else None


@pytest.mark.parametrize(
    ("reconciliation", "own", "related"),
    [
        pytest.param(None, None, None, id="nothing made"),
        pytest.param(None, OWN, OWN.id, id="never reconciled, own result"),
        pytest.param({"related": FOUND.model_dump(mode="json")}, None, FOUND.id, id="reconciled"),
        pytest.param({"related": FOUND.model_dump(mode="json")}, OWN, FOUND.id, id="reconciled before own"),
        pytest.param({"related": None}, OWN, None, id="reconciled to nothing, own result not behind it"),
    ],
)
def test_the_reconciliation_speaks_where_there_is_one(
    reconciliation: Json | None, own: Related | None, related: UUID | None
) -> None:
    assert shown(reconciliation, own) == related
