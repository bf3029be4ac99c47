from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, TypeVar

from pydantic import BaseModel

View = TypeVar("View", bound=Callable[..., Any])

JSON: Final = "application/json"

_ATTRIBUTE: Final = "__endpoint_spec__"


class Tag(StrEnum):
    """The heading under which the reference shows an endpoint."""

    OPERATIONS = "Operations"
    CONNECTIONS = "Connections"
    ENVIRONMENTS = "Environments"
    RESTORES = "Restores"
    REVIEWS = "Reviews"
    SYSTEM = "System"


@dataclass(frozen=True, kw_only=True)
class Content:
    """The content of one response: a model as JSON, or files of the named media types."""

    model: type[BaseModel] | None = None
    media_types: tuple[str, ...] = (JSON,)
    description: str = "Done."
    has_location: bool = False
    may_retry: bool = False


@dataclass(frozen=True, kw_only=True)
class EndpointSpec:
    """What the OpenAPI document says about a view beyond its route: its input and its responses.

    `answers` are the responses by status. `paths` are the choices of a path parameter that is not an id;
    `conflicts` describes 409, and `refusals` are statuses that no rule of `responses.py` gives. A view that
    `acts` has 403 for a role that may see and not act; an `open` one needs no token, and a `revalidated` one
    answers 304 to its own ETag.
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
        """The names that the query string may hold."""
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
    """Return the content of a 201: the new resource, with its Location."""
    return Content(model=model, description="Made, and found at `Location`.", has_location=True)


def removes(tag: Tag, *, conflicts: str) -> EndpointSpec:
    """Return the spec of a resource that is deleted; the answer has no body."""
    gone = Content(media_types=(), description="Removed.")
    return EndpointSpec(tag=tag, acts=True, conflicts=conflicts, answers={HTTPStatus.NO_CONTENT: gone})


def reads(
    tag: Tag, model: type[BaseModel], *, query: type[BaseModel] | None = None, may_retry: bool = False
) -> EndpointSpec:
    """Return the spec of a resource or list that is read as JSON and revalidated by its ETag."""
    content = Content(model=model, description="As it stands now.", may_retry=may_retry)
    return EndpointSpec(tag=tag, query=query, answers={HTTPStatus.OK: content}, revalidated=True)
