"""What programs get, from the API and from the command line's `--json` alike."""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue


class ResponseModel(BaseModel):
    """What a program gets, read from the row of the same names."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


Item = TypeVar("Item", bound=ResponseModel)


class ListResponse(ResponseModel, Generic[Item]):
    """One page of a list; `next` is the cursor for `?after=`, null on the last page."""

    items: list[Item]
    next: str | None


Listed = TypeVar("Listed", bound=ListResponse[Any])


def list_response(model: type[Listed], rows: Iterable[object], *, following: str | None = None) -> Listed:
    """Return a page of rows as its model; `following` is the cursor of the next page."""
    return model.model_validate({"items": [*rows], "next": following})


class Shaped:
    """Documents a JSON value by a model, without validating the value."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    def __get_pydantic_json_schema__(self, _: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the model's schema in place of the value's own."""
        return handler(self._model.__pydantic_core_schema__)
