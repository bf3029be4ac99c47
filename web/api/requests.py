"""The shapes of the bodies that programs send."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, StrictBool

from models.base import SLUG_PATTERN
from models.catalog import OperationType
from models.connection import ApiType
from models.contracts import CanonicalId, PlainText
from models.restore import RestoreMode
from services.response_models import Shaped


class Request(BaseModel):
    """What a program sends; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NewEnvironment(Request):
    """An environment to register; `workspace` is a slug or an id."""

    workspace: PlainText
    slug: Annotated[PlainText, Field(json_schema_extra={"pattern": SLUG_PATTERN, "examples": ["production"]})]
    name: Annotated[PlainText, Field(json_schema_extra={"minLength": 1, "maxLength": 200})]
    repository_url: Annotated[
        PlainText, Field(json_schema_extra={"examples": ["https://git.example.org/configuration.git"]})
    ]
    branch: Annotated[PlainText, Field(json_schema_extra={"examples": ["main"]})]
    path_prefix: PlainText = ""
    baseline_ref: PlainText | None = None


class EnvironmentChange(Request):
    """What to change of an environment; what is left out stays."""

    connection_id: CanonicalId


class GivenApi(Request):
    """The API of a Git host that opens pull or merge requests, reached by the connection's secret."""

    type: ApiType
    url: Annotated[
        PlainText, Field(max_length=2048, json_schema_extra={"examples": ["https://api.github.com"]})
    ]


_Prefix = Annotated[
    PlainText, Field(max_length=2048, json_schema_extra={"examples": ["https://git.example.org/team"]})
]
_Secret = Annotated[
    PlainText, Field(description="A token, or a private key in OpenSSH's form; never shown again.")
]
_Hosts = Annotated[PlainText, Field(description="The host's keys, as ssh-keyscan prints them; for ssh.")]


class NewConnection(Request):
    """A workspace's way to its repositories, with credentials of its own; `workspace` is a slug or an id."""

    workspace: PlainText
    name: Annotated[PlainText, Field(json_schema_extra={"minLength": 1, "maxLength": 200})]
    kind: Literal["https", "ssh"]
    url_prefix: _Prefix
    username: PlainText | None = None
    secret: _Secret
    known_hosts: _Hosts | None = None
    api: GivenApi | None = None


class ConnectionChange(Request):
    """What to change of a connection; what is left out stays, and a secret is only ever replaced."""

    name: Annotated[PlainText, Field(json_schema_extra={"minLength": 1, "maxLength": 200})] | None = None
    url_prefix: _Prefix | None = None
    username: PlainText | None = None
    secret: _Secret | None = None
    known_hosts: _Hosts | None = None
    api: GivenApi | None = None


class ConnectionCheckRequest(Request):
    """A check of a connection: the repository to ask, else those of its environments."""

    repository_url: Annotated[PlainText, Field(max_length=2048)] | None = None


class NewRestorePoint(Request):
    """A commit to pin, by any ref that names it."""

    label: Annotated[PlainText, Field(json_schema_extra={"minLength": 1, "maxLength": 200})]
    ref: Annotated[PlainText, Field(json_schema_extra={"examples": ["main"]})]


class NewRestorePlan(Request):
    """A restore to preview; `items` are glob patterns, and leaving them out means every item."""

    restore_point_id: CanonicalId
    mode: RestoreMode
    items: list[PlainText] | None = None


class ComposeInput(Request):
    """The input of `environment.review.compose`; without a ref it is the environment's branch."""

    ref: Annotated[PlainText, Field(min_length=1, max_length=255)] | None = None


class RestoreInput(Request):
    """The input of `restore.execute`."""

    restore_plan_id: CanonicalId


class OperationInput(RootModel[ComposeInput | RestoreInput]):
    """What an operation works on, by its type."""


class NewOperation(Request):
    """An operation to start; what `input` holds is the type's own."""

    type: Annotated[str, Field(max_length=200, json_schema_extra={"enum": [*OperationType]})]
    environment_id: CanonicalId
    input: Annotated[dict[str, Any], Shaped(OperationInput)] = Field(default_factory=dict)


class CheckRequest(Request):
    """A check of a run; with `dry_run` it says what it would decide, and writes nothing."""

    dry_run: StrictBool = False


class Nothing(Request):
    """A body that says nothing: `{}`."""
