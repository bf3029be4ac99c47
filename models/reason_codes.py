from enum import StrEnum


class ReasonCode(StrEnum):
    """Why a run stands as it does: the closed catalogue, worded for operators in one place (law L10)."""

    # Transitions of an active run.
    REQUESTED = "requested"
    STARTED = "started"
    CANCELLATION_REQUESTED = "cancellation_requested"
    # A restore whose work has ended while its push may still land (law L11).
    PUSH_UNANSWERED = "push_unanswered"

    # Endings, by the run's own transaction or by reconciliation.
    REVIEW_COMPOSED = "review_composed"
    REVIEW_ALREADY_COMPOSED = "review_already_composed"
    REVIEW_OUT_OF_SCOPE = "review_out_of_scope"
    REVIEW_LINEAGE_AMBIGUOUS = "review_lineage_ambiguous"
    REVIEW_SUPERSEDED = "review_superseded"
    REVIEW_NOT_COMPOSED = "review_not_composed"
    RESTORE_APPLIED = "restore_applied"
    RESTORE_PARTLY_APPLIED = "restore_partly_applied"
    RESTORE_NOT_NEEDED = "restore_not_needed"
    RESTORE_OVERWRITTEN = "restore_overwritten"
    RESTORE_APPLIED_TWICE = "restore_applied_twice"
    RESTORE_NOT_APPLIED = "restore_not_applied"
    ENVIRONMENT_CHANGED = "environment_changed"
    PUSH_REFUSED = "push_refused"
    ITEMS_REFUSED = "items_refused"
    ENVIRONMENT_UNREACHABLE = "environment_unreachable"

    ALREADY_IN_PROGRESS = "already_in_progress"

    # Failures that say why the operation has no result.
    DISPATCH_FAILED = "dispatch_failed"
    REPOSITORY_NOT_COVERED = "repository_not_covered"
    ENCRYPTION_KEY_MISSING = "encryption_key_missing"
    REF_NOT_FOUND = "ref_not_found"
    PATH_PREFIX_EMPTY = "path_prefix_empty"
    REPOSITORY_TOO_LARGE = "repository_too_large"
    REPOSITORY_DAMAGED = "repository_damaged"
    INPUT_REFUSED = "input_refused"
    ACTIVITY_TIMED_OUT = "activity_timed_out"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    UNEXPECTED_ERROR = "unexpected_error"
