from datetime import datetime, timedelta

from sqlalchemy.exc import InterfaceError, OperationalError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from models.errors import (
    EnvironmentUnreachable,
    InvalidInput,
    NoDecision,
    OperationRunError,
    PushRaced,
    RepositoryError,
    TooManyFetches,
)
from models.reason_codes import ReasonCode
from services.engine.port import EngineUnreachable

# A remote that fails fast may be back in a moment; one that hangs has used up its time at the first try,
# so that a run with a wrong URL still ends within a minute.
REMOTE_PATIENCE = timedelta(seconds=15)

# The workspace's slow repositories hold its slots for longer than this; the thread is free meanwhile.
NEXT_TURN = timedelta(seconds=5)

# An unforeseen error is likely a bug; retrying it for ever would keep the run open.
UNFORESEEN_ATTEMPTS = 5


def to_application_error(error: Exception, *, now: datetime) -> ApplicationError:
    """Translate an error at the border to Temporal: its code becomes the type, and says if a retry helps.

    The first detail is the number of attempts made.
    """
    info = activity.info()
    if isinstance(error, EnvironmentUnreachable):
        retryable = now - info.scheduled_time < REMOTE_PATIENCE
    elif isinstance(error, OperationRunError):
        # A plain RepositoryError is a damaged mirror: the next fetch rebuilds it.
        passes = isinstance(error, PushRaced | NoDecision | TooManyFetches)
        retryable = passes or type(error) is RepositoryError
    elif isinstance(error, OperationalError | InterfaceError | EngineUnreachable):
        # The database or Temporal is away; it comes back, and the guarded updates make a repeat harmless.
        retryable = True
    else:
        retryable = info.attempt < UNFORESEEN_ATTEMPTS
    if isinstance(error, InvalidInput):
        message, code = str(error), ReasonCode.INPUT_REFUSED.value
    elif isinstance(error, OperationRunError):
        message, code = str(error), error.code
    else:
        message, code = f"{type(error).__name__}: {error}", ReasonCode.UNEXPECTED_ERROR
    return ApplicationError(
        message,
        info.attempt,
        type=code,
        non_retryable=not retryable,
        next_retry_delay=NEXT_TURN if isinstance(error, TooManyFetches) else None,
    )
