"""Every error this project raises on purpose; a class's code is its name in snake_case.

OperationRunError
├── InvalidInput                  a field of a request is wrong; names the field and the way out
│   └── UnknownOperationType
├── NotFound                      does not exist, or not for this workspace; the two look alike
├── Unauthenticated               no credential, or one that is not valid
│   ├── TokenExpired              a whole token, once valid
│   ├── IdentityRefused           the identity provider confirms no identity, or cannot be trusted
│   ├── UnknownPerson             the identity provider confirms a person who has no account here
│   └── SubjectRefused            the account is bound to another of the provider's subjects
├── IdentityProviderUnreachable
├── Forbidden                     may be seen, may not be done
├── Conflict                      right, but not now
│   ├── IdempotencyKeyReused
│   ├── RestoreInProgress
│   ├── AlreadyCompleted
│   └── ReviewBaseMoved
├── RunRefused                    a worker may not act for this run (fail closed, law L6)
├── RepositoryError               the environment's repository refused or failed
│   ├── EnvironmentUnreachable
│   ├── RepositoryNotCovered
│   ├── EncryptionKeyMissing
│   ├── RefNotFound
│   ├── PushRefused
│   ├── PushRaced
│   ├── RepositoryTooLarge
│   ├── RepositoryDamaged         it holds objects that do not parse
│   └── PathPrefixEmpty
├── OperationStopped              a business rule stops the operation; the reconciler decides how it ends
│   ├── EnvironmentChanged
│   └── ItemsRefused
├── Cancelled                     cancellation was requested, and the run stops at a safe point
├── NoDecision                    the facts decide nothing yet; look again
├── DispatchFailed                Temporal refused the start for good
├── ReportTooLarge                a report or pack takes more memory, time or room than one may
├── ReportFailed                  a report or pack could not be rendered
├── TooManyFetches                the slots for slow repositories are taken
├── TooManyRequests               one token, or one address, is over its limit
├── StartUnconfirmed              Temporal's answer to the start never came
├── TablesLocked                  another session holds what has to be locked
├── LifecycleWriteError           code other than OperationRunService wrote a run (law L2)
└── SettingsError                 the process was started with a setting it cannot use
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar


def code_of(name: str) -> str:
    """Return the code of an error class of that name."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class OperationRunError(Exception):
    """Something went wrong that this project foresaw."""

    code: ClassVar[str] = "operation_run_error"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # A class that one border adds for itself answers with its family's code.
        if cls.__module__ == __name__:
            cls.code = code_of(cls.__name__)

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).default_message())

    @classmethod
    def default_message(cls) -> str:
        """Return the first line of the class's docstring."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0]


class InvalidInput(OperationRunError):
    """A field of the request is not valid."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class UnknownOperationType(InvalidInput):
    """There is no such operation type."""

    def __init__(self, given: str, *, known: Sequence[str]) -> None:
        super().__init__("type", f"There is no operation type {given!r}. Use one of: {', '.join(known)}.")
        self.given = given


class NotFound(OperationRunError):
    """There is nothing here."""


class Unauthenticated(OperationRunError):
    """Sign in, or send a valid bearer token."""


class TokenExpired(Unauthenticated):
    """This token has expired; create another."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"This token expired on {at:%Y-%m-%d at %H:%M} UTC. Create another.")


class IdentityRefused(Unauthenticated):
    """The identity provider's answer does not say who you are."""


class UnknownPerson(Unauthenticated):
    """Nobody here goes by that e-mail address."""


class SubjectRefused(Unauthenticated):
    """Whoever goes by that e-mail address here is somebody else to the identity provider."""


class IdentityProviderUnreachable(OperationRunError):
    """The identity provider does not answer."""


class Forbidden(OperationRunError):
    """Your role does not allow this."""


class Conflict(OperationRunError):
    """This cannot be done as things stand now."""


class IdempotencyKeyReused(Conflict):
    """This Idempotency-Key was used before, with another body."""

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__(
            f"This Idempotency-Key was used before with another body; these fields differ: "
            f"{', '.join(fields)}. Send the same body, or a new key."
        )
        self.fields = tuple(fields)


class RestoreInProgress(Conflict):
    """Another restore of this environment is under way."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"Another restore of this environment is under way (run {run_id}). "
            "Wait for it to end, or cancel it, then ask again."
        )
        self.run_id = run_id


class AlreadyCompleted(Conflict):
    """This run has already ended."""


class ReviewBaseMoved(Conflict):
    """Another review was published since this one was composed; compose a new one."""


class RunRefused(OperationRunError):
    """This workflow may not act for the run it names."""


class RepositoryError(OperationRunError):
    """The environment's repository did not do what was asked."""


class EnvironmentUnreachable(RepositoryError):
    """The environment's repository could not be reached."""


class RepositoryNotCovered(RepositoryError):
    """No connection of the workspace covers the environment's repository; choose one that does."""


class EncryptionKeyMissing(RepositoryError):
    """OPERATIONRUN_ENCRYPTION_KEY is not set, and the secret of a connection needs it."""


class RefNotFound(RepositoryError):
    """The repository has no such branch, tag or commit."""

    def __init__(self, ref: str) -> None:
        super().__init__(f"The repository has no branch, tag or commit named {ref!r}.")
        self.ref = ref


class PushRefused(RepositoryError):
    """The repository refused the push (a hook, a protected branch, or missing permission)."""


class PushRaced(RepositoryError):
    """The branch moved while the push was under way."""


class RepositoryTooLarge(RepositoryError):
    """The repository, or a file in it, is larger than the limit."""


class RepositoryDamaged(RepositoryError):
    """The repository holds objects that Git cannot parse."""


class PathPrefixEmpty(RepositoryError):
    """There is nothing under the environment's path prefix at this commit."""


class OperationStopped(OperationRunError):
    """A business rule stops the operation here."""


class EnvironmentChanged(OperationStopped):
    """Planned items changed on the live branch since the plan was made."""

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(f"Planned items changed since the plan: {', '.join(paths[:10])}.")
        self.paths = tuple(paths)


class ItemsRefused(OperationStopped):
    """Items of the restore point may not be written as they are."""

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(f"Items that may not be written as they are: {', '.join(paths[:10])}.")
        self.paths = tuple(paths)


class Cancelled(OperationRunError):
    """The cancellation of this run was asked for; it stops before it has done anything."""


class NoDecision(OperationRunError):
    """How this run ended cannot be told yet."""


class DispatchFailed(OperationRunError):
    """Temporal refused the start for good."""


class ReportTooLarge(OperationRunError):
    """This file takes more memory or time than one may. Use the changes in the API or another format."""


class ReportFailed(OperationRunError):
    """This file could not be rendered; it is tried again a quarter of an hour after the last try."""


class TooManyFetches(OperationRunError):
    """Too many repositories are being asked at this moment; nothing was changed, try again shortly."""


class TooManyRequests(OperationRunError):
    """Too many requests came from here; wait a little, then ask again."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__()
        self.retry_after = retry_after


class StartUnconfirmed(OperationRunError):
    """Temporal did not confirm the start in time."""


class TablesLocked(OperationRunError):
    """Somebody else holds the tables, such as a migration; try again later."""


class LifecycleWriteError(OperationRunError):
    """Only OperationRunService writes a run's lifecycle; call its method for the transition instead."""


class SettingsError(OperationRunError):
    """A setting cannot be used."""
