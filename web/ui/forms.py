from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from models.errors import (
    EnvironmentUnreachable,
    InvalidInput,
    OperationRunError,
    RefNotFound,
    RestoreInProgress,
)
from models.reason_codes import ReasonCode
from services.runs.wording import REASONS


@dataclass(frozen=True, kw_only=True)
class SentForm:
    """A form as it was sent and why it was refused: keeps what was typed; `errors` are by field.

    `problem` is an error of no single field; `run_id` names the run that blocks the request.
    """

    name: str
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None
    run_id: str | None = None

    @classmethod
    def refused(
        cls, name: str, values: Mapping[str, str], error: OperationRunError, *, fields: Collection[str]
    ) -> "SentForm":
        """Return the form with `error` at its field, or as `problem` where it is of none of `fields`."""
        refused_field = _field_of(error)
        message = _sentence(error)
        if refused_field in fields:
            return cls(name=name, values=values, errors={refused_field: message})
        return cls(name=name, values=values, problem=message, run_id=_run_of(error))


# A page that was opened, not sent.
NO_FORM: Final = SentForm(name="none")


def _field_of(error: OperationRunError) -> str:
    if isinstance(error, RefNotFound):
        return "ref"
    return error.field.removeprefix("input.") if isinstance(error, InvalidInput) else ""


def _run_of(error: OperationRunError) -> str | None:
    return error.run_id if isinstance(error, RestoreInProgress) else None


def _sentence(error: OperationRunError) -> str:
    if isinstance(error, EnvironmentUnreachable):
        wording = REASONS[ReasonCode.ENVIRONMENT_UNREACHABLE]
        return f"{wording.title} {wording.next}"
    return str(error)
