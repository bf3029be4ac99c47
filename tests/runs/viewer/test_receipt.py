"""The receipt of a run's settlement names the workflow whose end settled it (law L6)."""

from models.access import Role
from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from services.runs.links import workflow_id_of
from services.runs.service import OperationRunService
from tests.factories import EXECUTION
from tests.page import page_of
from tests.world import World


def test_the_receipt_names_the_workflow_among_the_technical_details(world: World) -> None:
    run = world.running()
    with world.database.transaction() as session:
        OperationRunService(session, clock=world.clock).record_workflow(run.id, EXECUTION)
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED, cause="terminated")
    browser = world.browser(Role.READER)

    text = browser.read(f"/operations/{run.id}")

    details = page_of(text).facts("details#technical-details")
    assert details["Workflow"].startswith(workflow_id_of(run))
    assert details["Temporal run"] == EXECUTION
    assert EXECUTION not in text.split('<details id="technical-details"', maxsplit=1)[0]
    bundle = browser.get(f"/operations/{run.id}/evidence.json").get_json()
    evidence = bundle["reconciliation"]["evidence"]
    assert (evidence["workflow_id"], evidence["workflow_run_id"]) == (workflow_id_of(run), EXECUTION)
