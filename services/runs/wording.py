"""What operators read: the one place that puts codes into words (law L10).

The reader knows configuration, not how it is stored or applied. Each wording says what happened (title),
what it means for the configuration (body), what was done about it (done), and what to do (next).
"""

from collections.abc import Mapping
from typing import Final

from models.contracts import Contract
from models.lifecycle import Outcome, Status
from models.reason_codes import ReasonCode


class Wording(Contract):
    """The four texts of a code, none of them empty."""

    title: str
    body: str
    done: str
    next: str


class CauseWording(Contract):
    """How a workflow ended, and what was done about it."""

    happened: str
    done: str


def _say(title: str, body: str, done: str, next_: str) -> Wording:
    return Wording(title=title, body=body, done=done, next=next_)


def _because(happened: str, done: str) -> CauseWording:
    return CauseWording(happened=happened, done=done)


_TWICE: Final = "If it ends like this twice, hand the technical details to support."
_STOPPED_EARLY: Final = "The work stopped before it changed anything."
_HELD_BACK: Final = "The restore stopped before it wrote anything."

REASONS: Final[Mapping[str, Wording]] = {
    ReasonCode.REQUESTED: _say(
        "The operation was asked for.",
        "Nothing has been changed yet.",
        "The request is recorded and waits for its turn.",
        "Nothing to do. This page follows it.",
    ),
    ReasonCode.STARTED: _say(
        "The operation has started.",
        "Work is under way.",
        "Its start is recorded.",
        "Nothing to do. This page follows it.",
    ),
    ReasonCode.CANCELLATION_REQUESTED: _say(
        "Somebody asked to cancel this.",
        "The work stops at the next place where it is safe to stop, and it reads cancelled only then.",
        "The wish is recorded and handed on to the work.",
        "Nothing to do. This page follows it.",
    ),
    ReasonCode.PUSH_UNANSWERED: _say(
        "The repository has not confirmed the change.",
        "The restore sent its change to the repository, which has not answered: the change may be there, may "
        "still arrive, or may not.",
        "The run stays open until that is certain. The regular check asks the repository every few seconds.",
        "Check that the repository answers and accepts changes. After 15 minutes the run ends as needing "
        "attention.",
    ),
    ReasonCode.ALREADY_IN_PROGRESS: _say(
        "The same work is under way already.",
        "This request came while another operation was doing exactly this.",
        "It was not begun twice; this request was recorded and ended at once.",
        "Open the other operation and follow that one.",
    ),
    ReasonCode.REVIEW_COMPOSED: _say(
        "The review is ready.",
        "A new review of this environment was composed. It is a draft until somebody publishes it.",
        "The review was recorded together with this operation's end.",
        "Read the review, then publish it when it is right.",
    ),
    ReasonCode.REVIEW_ALREADY_COMPOSED: _say(
        "This review exists already.",
        "Another operation had reviewed exactly the same configuration.",
        "No second review was made; this operation points to the one that is there.",
        "Open the review that is there.",
    ),
    ReasonCode.REVIEW_OUT_OF_SCOPE: _say(
        "The result could not be confirmed.",
        "What was found does not belong to this environment. The environment itself was not touched.",
        "It is neither used nor shown, and the operation was marked for a person to look at.",
        "Ask an owner of the workspace to look into it. Do not rely on a review from this operation.",
    ),
    ReasonCode.REVIEW_LINEAGE_AMBIGUOUS: _say(
        "It is not clear which review belongs here.",
        "More than one review could be the result of this operation. The environment was not touched.",
        "None was chosen for you, and the operation was marked for a person to look at.",
        "Look through the reviews of this environment, archive what is wrong, then compose a new one.",
    ),
    ReasonCode.REVIEW_SUPERSEDED: _say(
        "A newer review took this one's place.",
        "The same configuration had been reviewed, and that review was replaced while this operation ran.",
        "No second review was made; this operation points to the newer one.",
        "Open the newer review.",
    ),
    ReasonCode.REVIEW_NOT_COMPOSED: _say(
        "No review was made.",
        "The environment itself was not touched, and earlier reviews stand as they were.",
        "It was made sure that no review came of this, and that was recorded.",
        f"Compose the review again. {_TWICE}",
    ),
    ReasonCode.RESTORE_APPLIED: _say(
        "The restore is done.",
        "Every planned item is back as the restore point has it.",
        "The items were read again after they were written, and agree with the plan.",
        "Nothing to do. Compose a review to record the new state.",
    ),
    ReasonCode.RESTORE_PARTLY_APPLIED: _say(
        "The restore is done, except for the items it refused.",
        "Items that are not valid configuration were left as they are; all others were put back.",
        "The items that were written were read again, and agree with the plan.",
        "Look at the refused items, mend them in the restore point, and plan another restore for them.",
    ),
    ReasonCode.RESTORE_NOT_NEEDED: _say(
        "Everything was as planned already.",
        "Every selected item was the same as in the restore point.",
        "Nothing was written.",
        "Nothing to do.",
    ),
    ReasonCode.RESTORE_OVERWRITTEN: _say(
        "The restore was made, and items changed again afterwards.",
        "The items were put back, but some of them have since been changed by somebody else.",
        "Those later changes were left as they are, and the operation was marked for a person to look at.",
        "Compare the environment with the restore point. If the changes are unwanted, plan another restore.",
    ),
    ReasonCode.RESTORE_APPLIED_TWICE: _say(
        "The restore seems to have been made more than once.",
        "More than one change in the environment names this operation.",
        "Nothing was undone, and the operation was marked for a person to look at.",
        "Check the restored items, and ask an owner of the workspace where the second change came from.",
    ),
    ReasonCode.RESTORE_NOT_APPLIED: _say(
        "The restore was not made.",
        "Nothing in the environment was changed.",
        "The environment was looked at for changes of this operation, and it has none.",
        f"Make a new plan and execute it. {_TWICE}",
    ),
    ReasonCode.ENVIRONMENT_CHANGED: _say(
        "The restore was held back, because the environment changed.",
        "Items in the plan were changed after the plan was made. Nothing was written over them.",
        _HELD_BACK,
        "Make a new plan, look at what changed, and execute that one.",
    ),
    ReasonCode.PUSH_REFUSED: _say(
        "The repository did not accept the restore.",
        "A rule of the repository, or a missing permission, refused the change. Nothing was changed.",
        "It was offered once and not tried again, because the answer would be the same.",
        "Ask whoever looks after the repository to allow it, then make a new plan.",
    ),
    ReasonCode.ITEMS_REFUSED: _say(
        "The restore was held back, because its items cannot be written.",
        "Each selected item is refused in the plan, with its reason there. Nothing was changed.",
        _HELD_BACK,
        "Choose another restore point, or leave those items out of the selection.",
    ),
    ReasonCode.ENVIRONMENT_UNREACHABLE: _say(
        "The environment's repository could not be reached.",
        "It did not answer, so the configuration could not be worked on. Nothing was changed.",
        "It was tried as long as that could help, then given up.",
        "Check the repository's address and access, then try again.",
    ),
    ReasonCode.REPOSITORY_NOT_COVERED: _say(
        "No connection covers the environment's repository.",
        "A workspace works only with repositories that one of its connections covers. Nothing was changed.",
        _STOPPED_EARLY,
        "An owner of the workspace adds a connection for the repository, or chooses another for the "
        "environment. Then try again.",
    ),
    ReasonCode.ENCRYPTION_KEY_MISSING: _say(
        "The connection's secret could not be decrypted.",
        "This process lacks the installation's encryption key, so it could not sign in to the repository. "
        "Nothing was changed.",
        _STOPPED_EARLY,
        "Whoever runs this installation sets OPERATIONRUN_ENCRYPTION_KEY for every worker and web server. "
        "Then try again.",
    ),
    ReasonCode.DISPATCH_FAILED: _say(
        "The operation could not be started.",
        "The system that carries operations out would not take it. Nothing was changed.",
        "The request was recorded and ended at once; no work began.",
        "Ask whoever runs this installation to look at the technical details, then try again.",
    ),
    ReasonCode.REF_NOT_FOUND: _say(
        "The version to work from does not exist.",
        "The environment's repository has nothing by that name, or no longer. Nothing was changed.",
        _STOPPED_EARLY,
        "Check the name of the version, or the environment's settings, then try again.",
    ),
    ReasonCode.PATH_PREFIX_EMPTY: _say(
        "There is no configuration in the environment's folder.",
        "The repository was read, but the folder that the environment names is empty. Nothing was changed.",
        _STOPPED_EARLY,
        "Check the folder in the environment's settings, then try again.",
    ),
    ReasonCode.REPOSITORY_TOO_LARGE: _say(
        "The environment is larger than the limit.",
        "The repository, or one file in it, is too large to be read here. Nothing was changed.",
        _STOPPED_EARLY,
        "Take large files out of the environment's folder, or ask whoever runs this installation.",
    ),
    ReasonCode.REPOSITORY_DAMAGED: _say(
        "The environment's repository holds damaged objects.",
        "Some of its objects cannot be parsed, so none of them were read. Nothing was changed.",
        _STOPPED_EARLY,
        "Ask whoever looks after the repository to check and repair it, then try again.",
    ),
    ReasonCode.INPUT_REFUSED: _say(
        "The request does not fit the operation.",
        "Nothing was changed.",
        "It was refused before any work began.",
        "Start the operation again from the environment's page.",
    ),
    ReasonCode.ACTIVITY_TIMED_OUT: _say(
        "The work took too long and was given up.",
        "A step did not answer in the time it has.",
        "The step was tried as long as there was time, then given up.",
        f"Try again. {_TWICE}",
    ),
    ReasonCode.DEADLINE: _say(
        "The operation ran out of time.",
        "It did not finish within its time limit.",
        "The work was stopped at a safe place, and what came of it was looked up and recorded.",
        f"Try again. {_TWICE}",
    ),
    ReasonCode.CANCELLED: _say(
        "The operation was cancelled.",
        "It stopped before it changed anything.",
        "The work was stopped at a safe place, and only then recorded as cancelled.",
        "Nothing to do. Start it again whenever you like.",
    ),
    ReasonCode.UNEXPECTED_ERROR: _say(
        "Something went wrong that we did not foresee.",
        "We do not know the reason yet, and say so rather than guess.",
        "The operation stopped, and what came of it was looked up and recorded.",
        f"Try again. {_TWICE}",
    ),
}

# Codes that mean something else with this outcome.
VARIANTS: Final[Mapping[tuple[str, str], Wording]] = {
    (ReasonCode.ENVIRONMENT_UNREACHABLE, Outcome.ATTENTION_REQUIRED): _say(
        "The environment's repository could not be reached.",
        "Whether the restore was made could not be confirmed, so it is not claimed either way.",
        "It was asked again for a quarter of an hour, then marked for a person to look at.",
        "Check the repository's address and access, then compare the environment with the restore point.",
    ),
}

# By status for an active run, by outcome for a completed one whose code has no wording.
ENDINGS: Final[Mapping[str, Wording]] = {
    Status.QUEUED: _say(
        "Waiting to start.",
        "Nothing has been changed yet.",
        "The request is recorded.",
        "Nothing to do. This page follows it.",
    ),
    Status.RUNNING: _say(
        "Under way.",
        "The work has started and the result will be recorded here.",
        "The start is recorded.",
        "Nothing to do. This page follows it.",
    ),
    Outcome.SUCCEEDED: _say(
        "The operation succeeded.",
        "It did all that was asked.",
        "The result was recorded.",
        "Nothing to do.",
    ),
    Outcome.PARTIALLY_SUCCEEDED: _say(
        "The operation did a part of what was asked.",
        "Some items were refused and left as they are.",
        "The rest was done and recorded.",
        "Look at the refused items, then ask for them again.",
    ),
    Outcome.BLOCKED: _say(
        "The operation was held back.",
        "Something stood in its way. Nothing was changed.",
        "It was stopped and recorded.",
        "Look at the environment's other operations, then try again.",
    ),
    Outcome.ATTENTION_REQUIRED: _say(
        "This needs a person to look at it.",
        "The result could not be confirmed by itself.",
        "Nothing was claimed that is not known.",
        "Compare the environment with what was asked, and hand the technical details to support.",
    ),
    Outcome.FAILED: _say(
        "The operation failed.",
        "It did not do what was asked.",
        "It was stopped and recorded.",
        f"Try again. {_TWICE}",
    ),
    Outcome.CANCELLED: REASONS[ReasonCode.CANCELLED],
}

# An active run whose cancellation was requested after its point of no return.
TOO_LATE: Final = _say(
    "Somebody asked to cancel this, too late to stop it.",
    "The change is on its way or was made already. The work goes on to its end, and tells what is true then.",
    "The wish is recorded and handed on to the work.",
    "Nothing to do. This page follows it.",
)

UNKNOWN: Final = _say(
    "The state of this operation is not known.",
    "What is recorded here is not something this version can put into words.",
    "Nothing was concluded from it.",
    "Hand the technical details to support.",
)

# How the workflow ended, for reasons that say only that it made nothing.
CAUSES: Final[Mapping[str, CauseWording]] = {
    "activity_failed": _because(
        "A step of the work could not be done.",
        "The step was tried as long as that could help.",
    ),
    "activity_timed_out": _because(
        "A step of the work did not answer in time.",
        "The step was tried as long as there was time.",
    ),
    "deadline": _because(
        "The work did not finish within its time limit.",
        "The work was stopped at a safe place.",
    ),
    "cancelled": _because(
        "The work was cancelled.",
        "The work was stopped at a safe place.",
    ),
    "terminated": _because(
        "Somebody stopped the work from outside before it was done.",
        "It was noticed, and nothing of the work can act any more.",
    ),
    "timed_out": _because(
        "The work did not finish within the longest time allowed.",
        "The work was ended, and nothing of it can act any more.",
    ),
    "task_failing": _because(
        "The work met a fault in this system again and again.",
        "The work was ended, so that it cannot act any more.",
    ),
    "never_started": _because(
        "The work never started.",
        "It was handed over again for a while, then given up.",
    ),
    "history_gone": _because(
        "The record of how the work went is no longer kept.",
        "It was looked for, and there is no trace of work that could still act.",
    ),
}
