import re
from typing import Annotated, Any, Final, TypeVar

from flask import current_app, request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from models.access import AuditAction
from models.catalog import OperationType
from models.errors import InvalidInput
from models.lifecycle import Outcome, Status
from models.review import ReviewStatus
from services.database.paging import LARGEST_PAGE, PAGE_SIZE
from services.reviews.readiness import Profile
from services.validation import sentence_of
from web.api.openapi.spec import spec_of
from web.problems import FieldError, InvalidFields

LONGEST_WAIT: Final = 30

_VISIBLE_ASCII = re.compile(r"[!-~]{1,255}")

IDEMPOTENCY_KEY: Final = {
    "Idempotency-Key": {
        "description": "The same key and body give the same run, for as long as it is kept.",
        "schema": {"type": "string", "pattern": f"^{_VISIBLE_ASCII.pattern}$"},
    }
}


def _digits(given: object) -> object:
    # Python takes more for a number than digits.
    if isinstance(given, str) and not re.fullmatch(r"[0-9]{1,9}", given, re.ASCII):
        raise ValueError("must be a whole number")
    return given


_DIGITS = BeforeValidator(_digits)
_Moment = Annotated[
    str, WithJsonSchema({"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]})
]
Query = TypeVar("Query", bound=BaseModel)


class Parameters(BaseModel):
    """What a query string may hold; a parameter without a value counts as absent."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PageQuery(Parameters):
    """A page of a list: where it begins, and how many items it has."""

    after: Annotated[str | None, Field(description="The `next` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE), _DIGITS] = PAGE_SIZE


class ShortListQuery(PageQuery):
    """A page of a list that is seldom long."""

    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE), _DIGITS] = LARGEST_PAGE


class EnvironmentQuery(ShortListQuery):
    """The environments of a workspace."""

    workspace: Annotated[str | None, Field(description="A workspace's slug or id.")] = None


class RunQuery(PageQuery):
    """The filters of runs, validated by `RunFilters`; one that names nothing matches no run."""

    workspace: Annotated[str | None, Field(description="A workspace's slug or id.")] = None
    environment: Annotated[str | None, Field(description="An environment's slug or id.")] = None
    type: Annotated[str | None, Field(json_schema_extra={"enum": [*OperationType]})] = None
    status: Annotated[str | None, Field(json_schema_extra={"enum": [*Status]})] = None
    outcome: Annotated[str | None, Field(json_schema_extra={"enum": [*Outcome]})] = None
    initiator: Annotated[str | None, Field(description="The name of who asked, whole.")] = None
    created_after: Annotated[_Moment | None, Field(description="Created at this moment or later.")] = None
    created_before: Annotated[_Moment | None, Field(description="Created before this moment.")] = None
    q: Annotated[str | None, Field(description="Part of an initiator's or environment's name or an id.")] = (
        None
    )


class RunWait(Parameters):
    """How long to wait for a run to be completed."""

    wait: Annotated[
        int,
        Field(
            ge=0,
            le=LONGEST_WAIT,
            description="Seconds to wait for the run to be completed; the answer is the run as it then is.",
        ),
        _DIGITS,
    ] = 0


class ReviewQuery(PageQuery):
    """The filters of reviews."""

    environment: Annotated[str | None, Field(description="An environment's slug or id.")] = None
    status: ReviewStatus | None = None


class AuditQuery(PageQuery):
    """The filters of the audit."""

    workspace: Annotated[str | None, Field(description="A workspace's slug or id.")] = None
    actor: Annotated[str | None, Field(description="The name of who acted, whole.")] = None
    act: AuditAction | None = None


class PackQuery(Parameters):
    """Whose reports a pack holds."""

    profile: Annotated[Profile | None, Field(description="With this profile's reports alone.")] = None


def refuse_unknown_parameters() -> None:
    """Raise InvalidInput for a parameter that the endpoint does not take, or that is given twice."""
    spec = spec_of(current_app.view_functions[request.endpoint or ""])
    known = spec.parameters if spec else frozenset()
    for name, values in request.args.lists():
        if name not in known:
            names = f"Known are: {', '.join(sorted(known))}." if known else "Here are none."
            raise InvalidInput(name, f"{name}: there is no such parameter. {names}")
        if len(values) > 1:
            raise InvalidInput(name, f"{name}: is given more than once; give it once.")


def read_query(model: type[Query]) -> Query:
    """Return the query string as its model; raise InvalidFields naming every wrong parameter."""
    given = {name: value for name, value in request.args.items() if value}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise InvalidFields([_wrong(detail) for detail in error.errors(include_url=False)]) from None


def idempotency_key() -> str | None:
    """Return the request's Idempotency-Key; None without one. Raises InvalidInput for a malformed one."""
    given = request.headers.get("Idempotency-Key")
    if given is not None and not _VISIBLE_ASCII.fullmatch(given):
        raise InvalidInput(
            "Idempotency-Key", "Idempotency-Key: 1 to 255 visible ASCII characters, without spaces."
        )
    return given


def _wrong(detail: Any) -> FieldError:
    field = str(detail["loc"][0])
    return FieldError(field=field, message=sentence_of(detail, field))
