from collections.abc import Collection
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from web.openapi.promise import Promise
from web.problems import Problem

REF: Final = "#/components/schemas/{model}"

# Whether a model says what is sent or what is answered; what has a default is always in an answer.
_SENT: Final[JsonSchemaMode] = "validation"
_ANSWERED: Final[JsonSchemaMode] = "serialization"


class Components:
    """The schemas of every model that promises name, each once, under the name it goes by."""

    def __init__(self, promises: Collection[Promise]) -> None:
        named = [(model, _SENT) for promise in promises for model in (promise.body,) if model]
        named += [
            (content.model, _ANSWERED)
            for promise in promises
            for content in promise.answers.values()
            if content.model
        ]
        named.append((Problem, _ANSWERED))
        self._refs, found = models_json_schema([*dict.fromkeys(named)], ref_template=REF)
        self.schemas: dict[str, Any] = dict(sorted(found["$defs"].items()))

    def sent(self, model: type[BaseModel]) -> dict[str, Any]:
        """Return the reference to the schema of a body that is sent."""
        return self._refs[(model, _SENT)]

    def answered(self, model: type[BaseModel]) -> dict[str, Any]:
        """Return the reference to the schema of a body that is answered."""
        return self._refs[(model, _ANSWERED)]
