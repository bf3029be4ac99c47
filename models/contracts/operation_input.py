from collections.abc import Mapping
from typing import Final

from models.catalog import OperationType
from models.contracts.restore_execute import RestoreExecuteInput
from models.contracts.review_compose import ReviewComposeInput

OperationInput = ReviewComposeInput | RestoreExecuteInput

INPUTS: Final[Mapping[OperationType, type[ReviewComposeInput] | type[RestoreExecuteInput]]] = {
    OperationType.ENVIRONMENT_REVIEW_COMPOSE: ReviewComposeInput,
    OperationType.RESTORE_EXECUTE: RestoreExecuteInput,
}
