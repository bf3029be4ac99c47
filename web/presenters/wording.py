"""What operators read: the one place where codes become words (law L10).

The reader knows configuration, not how it is stored or carried out. Each wording says what happened
(title), what it means for the configuration (body), and what to do next.
"""

from collections.abc import Mapping
from typing import Final

from models.catalog import OperationType
from models.contracts import Contract
from models.lifecycle import Outcome, Status
from models.reasons import ReasonCode

COMPOSE: Final = OperationType.ENVIRONMENT_REVIEW_COMPOSE
RESTORE: Final = OperationType.RESTORE_EXECUTE


class Wording(Contract):
    """A title, what it means, and what to do next."""

    title: str
    body: str
    next: str


def _say(title: str, body: str, next_: str) -> Wording:
    return Wording(title=title, body=body, next=next_)


REASONS: Final[Mapping[str, Wording]] = {
    ReasonCode.REQUESTED: _say(
        "The operation was asked for.",
        "It is recorded and waits for its turn.",
        "Nothing to do. This page follows it.",
    ),
    ReasonCode.STARTED: _say(
        "The operation has started.",
        "Work is under way.",
        "Nothing to do. This page follows it.",
    ),
    ReasonCode.CANCELLATION_REQUESTED: _say(
        "Somebody asked to cancel this.",
        "The work stops at the next place where it is safe to stop.",
        "Nothing to do. This page follows it.",
    ),
    ReasonCode.ALREADY_IN_PROGRESS: _say(
        "The same work is under way already.",
        "This request came while another operation was doing exactly this, so it was not begun twice.",
        "Open the other operation and follow that one.",
    ),
    ReasonCode.REVIEW_COMPOSED: _say(
        "The review is ready.",
        "A new review of this environment was composed. It is a draft until somebody publishes it.",
        "Read the review, then publish it when it is right.",
    ),
    ReasonCode.REVIEW_ALREADY_COMPOSED: _say(
        "This review exists already.",
        "Another operation had reviewed exactly the same configuration, so no second review was made.",
        "Open the review that is there.",
    ),
    ReasonCode.REVIEW_OUT_OF_SCOPE: _say(
        "The result could not be confirmed.",
        "What was found does not belong to this environment, so it is neither used nor shown.",
        "Ask an owner of the workspace to look into it. Do not rely on a review from this operation.",
    ),
    ReasonCode.REVIEW_LINEAGE_AMBIGUOUS: _say(
        "It is not clear which review belongs here.",
        "More than one review could be the result of this operation, and none was chosen for you.",
        "Look through the reviews of this environment, archive what is wrong, then compose a new one.",
    ),
    ReasonCode.REVIEW_SUPERSEDED: _say(
        "A newer review took this one's place.",
        "The same configuration had been reviewed, and that review was replaced while this operation ran.",
        "Open the newer review.",
    ),
    ReasonCode.REVIEW_NOT_COMPOSED: _say(
        "No review was made.",
        "The environment itself was not touched, and earlier reviews stand as they were.",
        "Compose the review again. If it ends like this twice, hand the technical details to support.",
    ),
    ReasonCode.RESTORE_APPLIED: _say(
        "The restore is done.",
        "Every planned item is back as the restore point has it, and was read again to make sure.",
        "Nothing to do. Compose a review to record the new state.",
    ),
    ReasonCode.RESTORE_PARTLY_APPLIED: _say(
        "The restore is done, except for the items it refused.",
        "Items that are not valid configuration were left as they are; all others were put back.",
        "Look at the refused items, mend them in the restore point, and plan another restore for them.",
    ),
    ReasonCode.RESTORE_NOT_NEEDED: _say(
        "Everything was as planned already.",
        "Every selected item was the same as in the restore point, so nothing was written.",
        "Nothing to do.",
    ),
    ReasonCode.RESTORE_OVERWRITTEN: _say(
        "The restore was made, and items changed again afterwards.",
        "The items were put back, but some of them have since been changed by somebody else.",
        "Compare the environment with the restore point. If the changes are unwanted, plan another restore.",
    ),
    ReasonCode.RESTORE_APPLIED_TWICE: _say(
        "The restore seems to have been made more than once.",
        "More than one change in the environment names this operation.",
        "Check the restored items, and ask an owner of the workspace where the second change came from.",
    ),
    ReasonCode.RESTORE_NOT_APPLIED: _say(
        "The restore was not made.",
        "Nothing in the environment was changed.",
        "Make a new plan and execute it. If it ends like this twice, hand the technical details to support.",
    ),
    ReasonCode.ENVIRONMENT_CHANGED: _say(
        "The restore was held back, because the environment changed.",
        "Items in the plan were changed after the plan was made. Nothing was written over them.",
        "Make a new plan, look at what changed, and execute that one.",
    ),
    ReasonCode.PUSH_REFUSED: _say(
        "The repository did not accept the restore.",
        "A rule of the repository, or a missing permission, refused the change. Nothing was changed.",
        "Ask whoever looks after the repository to allow it, then make a new plan.",
    ),
    ReasonCode.ITEMS_REFUSED: _say(
        "The restore was held back, because items are not valid.",
        "None of the selected items could be read as valid configuration, so nothing was written.",
        "Choose another restore point, or leave those items out of the selection.",
    ),
    ReasonCode.ENVIRONMENT_UNREACHABLE: _say(
        "The environment's repository could not be reached.",
        "The configuration could not be read. Nothing was changed.",
        "Check the repository's address and access, then try again.",
    ),
    ReasonCode.DISPATCH_FAILED: _say(
        "The operation could not be started.",
        "It was recorded, but the system that carries operations out would not take it. Nothing was changed.",
        "Ask whoever runs this installation to look at the technical details, then try again.",
    ),
    ReasonCode.REF_NOT_FOUND: _say(
        "The version that was asked for does not exist.",
        "The environment's repository has nothing by that name, or no longer. Nothing was changed.",
        "Check the name of the version, or the environment's settings, then try again.",
    ),
    ReasonCode.PATH_PREFIX_EMPTY: _say(
        "There is no configuration in the environment's folder.",
        "The repository was read, but the folder that the environment names is empty. Nothing was changed.",
        "Check the folder in the environment's settings, then try again.",
    ),
    ReasonCode.REPOSITORY_TOO_LARGE: _say(
        "The environment is larger than the limit.",
        "The repository, or one file in it, is too large to be read here. Nothing was changed.",
        "Take large files out of the environment's folder, or ask whoever runs this installation.",
    ),
    ReasonCode.INPUT_REFUSED: _say(
        "The request does not fit the operation.",
        "It was refused before any work began. Nothing was changed.",
        "Start the operation again from the environment's page.",
    ),
    ReasonCode.ACTIVITY_TIMED_OUT: _say(
        "The work took too long and was given up.",
        "A step did not answer in the time it has, also after it was tried again.",
        "Try again. If it ends like this twice, hand the technical details to support.",
    ),
    ReasonCode.DEADLINE: _say(
        "The operation ran out of time.",
        "It did not finish within its time limit and was stopped safely.",
        "Try again. If it ends like this twice, hand the technical details to support.",
    ),
    ReasonCode.CANCELLED: _say(
        "The operation was cancelled.",
        "It stopped before it changed anything.",
        "Nothing to do. Start it again whenever you like.",
    ),
    ReasonCode.UNEXPECTED_ERROR: _say(
        "Something went wrong that we did not foresee.",
        "The operation stopped. We do not know the reason yet, and say so rather than guess.",
        "Try again. If it ends like this twice, hand the technical details to support.",
    ),
}

# Where one code means something else for another operation.
VARIANTS: Final[Mapping[tuple[str, str], Wording]] = {
    (ReasonCode.ENVIRONMENT_UNREACHABLE, RESTORE): _say(
        "The environment's repository could not be reached.",
        "Whether the restore was made could not be confirmed, so it is not claimed either way.",
        "Check the repository's address and access, then compare the environment with the restore point.",
    ),
}

# What an active run is told by, and a finished one whose code has no wording of its own.
ENDINGS: Final[Mapping[str, Wording]] = {
    Status.QUEUED: _say(
        "Waiting to start.",
        "The request is recorded and nothing has been changed yet.",
        "Nothing to do. This page follows it.",
    ),
    Status.RUNNING: _say(
        "Under way.",
        "The work has started and the result will be recorded here.",
        "Nothing to do. This page follows it.",
    ),
    Outcome.SUCCEEDED: _say(
        "The operation succeeded.",
        "It did all that was asked.",
        "Nothing to do.",
    ),
    Outcome.PARTIALLY_SUCCEEDED: _say(
        "The operation did a part of what was asked.",
        "Some items were refused and left as they are.",
        "Look at the refused items, then ask for them again.",
    ),
    Outcome.BLOCKED: _say(
        "The operation was held back.",
        "Something stood in its way. Nothing was changed.",
        "Look at the environment's other operations, then try again.",
    ),
    Outcome.ATTENTION_REQUIRED: _say(
        "This needs a person to look at it.",
        "The result could not be confirmed by itself.",
        "Compare the environment with what was asked, and hand the technical details to support.",
    ),
    Outcome.FAILED: _say(
        "The operation failed.",
        "It did not do what was asked.",
        "Try again. If it ends like this twice, hand the technical details to support.",
    ),
    Outcome.CANCELLED: REASONS[ReasonCode.CANCELLED],
}

UNKNOWN: Final = _say(
    "The state of this operation is not known.",
    "What is recorded here is not something this version can put into words.",
    "Hand the technical details to support.",
)

# How the work came to its end, where all that is known besides is that nothing came of it.
CAUSES: Final[Mapping[str, str]] = {
    "activity_failed": "A step of the work failed, also after it was tried again.",
    "activity_timed_out": "A step of the work did not answer in time.",
    "deadline": "The work did not finish within its time limit.",
    "cancelled": "The work was cancelled.",
    "terminated": "Somebody stopped the work from outside before it was done.",
    "timed_out": "The work did not finish within the longest time allowed.",
    "task_failing": "The work met a fault in this system again and again, and was stopped.",
    "never_started": "The work never started.",
    "history_gone": "The record of how the work went is no longer kept.",
}
