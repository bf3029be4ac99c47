import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_KIND_KEYS = ("kind", "@odata.type")


@dataclass(frozen=True, kw_only=True)
class Document:
    """What is known of one file's content.

    `kind` is the file's own word for what it is, None where it has none. `error` says why it does not
    parse, None where it does or where its format has no grammar to hold it to.
    """

    encoding: str = "utf-8"
    kind: str | None = None
    error: str | None = None


def read_document(path: str, content: bytes) -> Document:
    """Read a configuration file by its ending; content that does not parse is told, never raised.

    JSON is read as UTF-8, UTF-8 with a byte-order mark, or UTF-16 (section 6). YAML is checked as YAML is
    written: tags are left alone and aliases are not expanded.
    """
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    reader = _READERS.get(path.rpartition(".")[2].lower())
    if reader is None:
        return Document(encoding=encoding)
    try:
        return Document(encoding=encoding, kind=reader(content.decode(encoding)))
    except UnicodeDecodeError as error:
        return Document(encoding=encoding, error=f"not {encoding} text (byte {error.start})")
    except json.JSONDecodeError as error:
        return Document(encoding=encoding, error=f"{error.msg} (line {error.lineno}, column {error.colno})")
    except yaml.MarkedYAMLError as error:
        line = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        return Document(encoding=encoding, error=f"{error.problem or 'not YAML'}{line}")
    except (yaml.YAMLError, ValueError) as error:
        return Document(encoding=encoding, error=str(error).splitlines()[0])
    except RecursionError:
        return Document(encoding=encoding, error="nested too deeply")


def _json_kind(text: str) -> str | None:
    value = json.loads(text)
    if not isinstance(value, dict):
        return None
    return next((value[key] for key in _KIND_KEYS if isinstance(value.get(key), str)), None)


def _yaml_kind(text: str) -> str | None:
    # Every document is parsed, so that a broken second one is found; the first that has a kind names it.
    kinds = [_node_kind(node) for node in _yaml_nodes(text)]
    return next((kind for kind in kinds if kind), None)


def _yaml_nodes(text: str) -> Iterator[yaml.Node | None]:
    loader = yaml.CSafeLoader(text)
    try:
        while loader.check_node():
            yield loader.get_node()
    finally:
        loader.dispose()


def _node_kind(node: yaml.Node | None) -> str | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    own = {key.value: value.value for key, value in node.value if isinstance(value, yaml.ScalarNode)}
    return next((own[key] for key in _KIND_KEYS if own.get(key)), None)


_READERS = {"json": _json_kind, "yaml": _yaml_kind, "yml": _yaml_kind}
