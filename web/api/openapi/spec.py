from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, TypeVar

from pydantic import BaseModel

View = TypeVar("View", bound=Callable[..., Any])

JSON: Final = "application/json"

_ATTRIBUTE: Final = "__promise__"


class Tag(StrEnum):
    """Under which heading the reference shows an operation."""

    OPERATIONS = "Operations"
    ENVIRONMENTS = "Environments"
    RESTORES = "Restores"
    REVIEWS = "Reviews"
    SYSTEM = "System"


@dataclass(frozen=True, kw_only=True)
class Content:
    """What one answer carries: a model as JSON, or files of the media types named."""

    model: type[BaseModel] | None = None
    media_types: tuple[str, ...] = (JSON,)
    description: str = "Done."
    has_location: bool = False
    may_retry: bool = False


@dataclass(frozen=True, kw_only=True)
class EndpointSpec:
    """Describe a view for programs, beside what its route declares; the OpenAPI document comes from it alone.

    `paths` are the choices of a part of the address that is not an id; `conflicts` says when 409 is the
    answer, and `refusals` are others that no rule gives. A view that `acts` may be seen and not done; an
    `open` one asks for no token, and a `revalidated` one answers 304 to the tag it gave.
    """

    tag: Tag
    answers: Mapping[HTTPStatus, Content]
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    body_optional: bool = False
    headers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    paths: Mapping[str, type[StrEnum]] = field(default_factory=dict)
    conflicts: str | None = None
    refusals: Collection[HTTPStatus] = ()
    acts: bool = False
    open: bool = False
    revalidated: bool = False

    @property
    def parameters(self) -> frozenset[str]:
        """Return the names that the query string may hold."""
        return frozenset(self.query.model_fields) if self.query else frozenset()


def documented(spec: EndpointSpec) -> Callable[[View], View]:
    """Attach a spec to a view."""

    def mark(view: View) -> View:
        setattr(view, _ATTRIBUTE, spec)
        return view

    return mark


def spec_of(view: Callable[..., Any]) -> EndpointSpec | None:
    """Return a view's spec; None for a view that is not part of the API."""
    found: EndpointSpec | None = getattr(view, _ATTRIBUTE, None)
    return found


def created(model: type[BaseModel]) -> Content:
    """EndpointSpec a thing that was made, and where it is found."""
    return Content(model=model, description="Made, and found at `Location`.", has_location=True)


def reads(
    tag: Tag, model: type[BaseModel], *, query: type[BaseModel] | None = None, may_retry: bool = False
) -> EndpointSpec:
    """EndpointSpec a thing, or a list, that is read as JSON and may be asked for again by its tag."""
    content = Content(model=model, description="As it stands now.", may_retry=may_retry)
    return EndpointSpec(tag=tag, query=query, answers={HTTPStatus.OK: content}, revalidated=True)
