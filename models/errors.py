"""Every error this project raises on purpose.

OperationRunError
├── InvalidInput              a field of a request is wrong; names the field and the way out
│   └── UnknownOperationType
├── NotFound                  does not exist, or not for this workspace; the two look alike
├── Unauthenticated           no credential, or one that is not valid
│   ├── IdentityRefused       the identity provider vouches for nobody, or is not to be believed
│   └── UnknownPerson         it vouches for somebody who is not known here
├── IdentityProviderUnreachable
├── Forbidden                 may be seen, may not be done
├── Conflict                  right, but not now
│   ├── IdempotencyKeyReused
│   ├── RestoreInProgress
│   ├── AlreadyCompleted
│   └── ReviewBaseMoved
├── RunRefused                a worker may not act for this run (fail closed, law L6)
├── RepositoryError           the environment's repository did not do what was asked
│   ├── EnvironmentUnreachable
│   ├── RefNotFound
│   ├── PushRefused
│   ├── PushRaced
│   ├── RepositoryTooLarge
│   └── PathPrefixEmpty
├── OperationStopped          a business rule stops the operation; the reconciler says how it ends
│   ├── EnvironmentChanged
│   └── ItemsRefused
├── RunCancelled              somebody asked for the cancellation, and the run stops at a safe point
├── NoDecisionYet             the truth cannot be told yet; look again
├── StartRefused              Temporal refused the start for good
├── TooManyFetches            others wait for slow repositories already
├── TooManyRequests           one token, or one address, asks faster than the limit
├── TablesLocked              somebody else holds what has to be locked
├── StartUnconfirmed          Temporal's answer to the start never came
├── LifecycleWriteError       somebody other than OperationRunService wrote a run (law L2)
└── SettingsError             the process was started with a setting it cannot use
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar


class OperationRunError(Exception):
    """Something went wrong that this project foresaw."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).default_message())

    @classmethod
    def default_message(cls) -> str:
        """Return the first line of the class's docstring."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0]


class InvalidInput(OperationRunError):
    """A field of the request is not valid."""

    code = "invalid_input"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class UnknownOperationType(InvalidInput):
    """There is no such operation type."""

    code = "unknown_operation_type"

    def __init__(self, given: str, *, known: Sequence[str]) -> None:
        super().__init__("type", f"There is no operation type {given!r}. Use one of: {', '.join(known)}.")
        self.given = given


class NotFound(OperationRunError):
    """There is nothing here."""

    code = "not_found"


class Unauthenticated(OperationRunError):
    """Sign in, or send a valid bearer token."""

    code = "unauthenticated"


class IdentityRefused(Unauthenticated):
    """The identity provider's answer does not say who you are."""

    code = "identity_refused"


class UnknownPerson(Unauthenticated):
    """Nobody here goes by that e-mail address."""

    code = "unknown_person"


class SubjectRefused(Unauthenticated):
    """Whoever goes by that e-mail address here is somebody else to the identity provider."""

    code = "subject_refused"


class IdentityProviderUnreachable(OperationRunError):
    """The identity provider does not answer."""

    code = "identity_provider_unreachable"


class Forbidden(OperationRunError):
    """Your role does not allow this."""

    code = "forbidden"


class Conflict(OperationRunError):
    """This cannot be done as things stand now."""

    code = "conflict"


class IdempotencyKeyReused(Conflict):
    """This Idempotency-Key was used before, with another body."""

    code = "idempotency_key_reused"

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__(
            f"This Idempotency-Key was used before with another body; these fields differ: "
            f"{', '.join(fields)}. Send the same body, or a new key."
        )
        self.fields = tuple(fields)


class RestoreInProgress(Conflict):
    """Another restore of this environment is under way."""

    code = "restore_in_progress"

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"Another restore of this environment is under way (run {run_id}). "
            "Wait for it to end, or cancel it, then ask again."
        )
        self.run_id = run_id


class AlreadyCompleted(Conflict):
    """This run has already ended."""

    code = "already_completed"


class ReviewBaseMoved(Conflict):
    """Another review was published since this one was composed; compose a new one."""

    code = "review_base_moved"


class RunRefused(OperationRunError):
    """This workflow may not act for the run it names."""

    code = "run_refused"


class RepositoryError(OperationRunError):
    """The environment's repository did not do what was asked."""

    code = "repository_error"


class EnvironmentUnreachable(RepositoryError):
    """The environment's repository could not be reached."""

    code = "environment_unreachable"


class RefNotFound(RepositoryError):
    """The repository has no such branch, tag or commit."""

    code = "ref_not_found"

    def __init__(self, ref: str) -> None:
        super().__init__(f"The repository has no branch, tag or commit named {ref!r}.")
        self.ref = ref


class PushRefused(RepositoryError):
    """The repository refused the push (a hook, a protected branch, or missing permission)."""

    code = "push_refused"


class PushRaced(RepositoryError):
    """The branch moved while the push was under way."""

    code = "push_raced"


class RepositoryTooLarge(RepositoryError):
    """The repository, or a file in it, is larger than the limit."""

    code = "repository_too_large"


class PathPrefixEmpty(RepositoryError):
    """There is nothing under the environment's path prefix at this commit."""

    code = "path_prefix_empty"


class OperationStopped(OperationRunError):
    """A business rule stops the operation here."""

    code = "operation_stopped"


class EnvironmentChanged(OperationStopped):
    """Planned items changed on the live branch since the plan was made."""

    code = "environment_changed"

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(f"Planned items changed since the plan: {', '.join(paths[:10])}.")
        self.paths = tuple(paths)


class ItemsRefused(OperationStopped):
    """Items of the restore point may not be written as they are."""

    code = "items_refused"

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(f"Items that may not be written as they are: {', '.join(paths[:10])}.")
        self.paths = tuple(paths)


class RunCancelled(OperationRunError):
    """The cancellation of this run was asked for; it stops before it has done anything."""

    code = "cancelled"


class NoDecisionYet(OperationRunError):
    """How this run ended cannot be told yet."""

    code = "no_decision"


class StartRefused(OperationRunError):
    """Temporal refused the start for good."""

    code = "dispatch_failed"


class TooManyFetches(OperationRunError):
    """Too many repositories are being asked at this moment; nothing was changed, try again shortly."""

    code = "too_many_fetches"


class TooManyRequests(OperationRunError):
    """Too many requests came from here; wait a little, then ask again."""

    code = "too_many_requests"

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__()
        self.retry_after = retry_after


class StartUnconfirmed(OperationRunError):
    """Temporal did not confirm the start in time."""

    code = "start_unconfirmed"


class TablesLocked(OperationRunError):
    """Somebody else holds the tables, such as a migration; try again later."""

    code = "tables_locked"


class LifecycleWriteError(OperationRunError):
    """Only OperationRunService writes a run's lifecycle; call its method for the transition instead."""

    code = "lifecycle_write"


class SettingsError(OperationRunError):
    """A setting cannot be used."""

    code = "settings"
