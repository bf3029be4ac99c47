"""One setting in every format that configuration is written in: the file's name, and its text."""

import json
import re
from collections.abc import Callable, Mapping

import yaml


def _json(key: str, value: str) -> str:
    return json.dumps({"a": {"list": [{"level": 3, key: value}]}}, indent=1)


def _yaml(key: str, value: str) -> str:
    return yaml.safe_dump({"a": [{"level": 3, key: value}]}, width=10_000)


def _yaml_as_lines(key: str, value: str) -> str:
    return "{{ .Values.head }}\n" + _yaml(key, value)


def _toml(key: str, value: str) -> str:
    return f"[a]\nlevel = 3\n{json.dumps(key)} = {json.dumps(value)}\n"


def _properties(key: str, value: str) -> str:
    return f"# a\n[a]\nlevel = 3\n{key} = {value}\n"


def _environment(key: str, value: str) -> str:
    return f"LEVEL=3\n{key}={value}\n"


def _shell(key: str, value: str) -> str:
    return f"#!/bin/sh\nset -e\nexport {key}='{value}'  # of a\n"


def _powershell(key: str, value: str) -> str:
    return f'$level = 3\n${key} = "{value}"\n'


def _xml(key: str, value: str) -> str:
    return f"<a>\n  <level>3</level>\n  <{key}>{_escaped(value)}</{key}>\n</a>\n"


def _xml_attribute(key: str, value: str) -> str:
    return f'<a>\n  <add key="{key}" value="{_escaped(value)}"/>\n</a>\n'


def _xml_cdata(key: str, value: str) -> str:
    return f"<a><{key}><![CDATA[{value}]]></{key}></a>\n"


def _plist(key: str, value: str) -> str:
    return f"<dict>\n  <key>{key}</key>\n  <string>{_escaped(value)}</string>\n</dict>\n"


def _hcl(key: str, value: str) -> str:
    return f'resource "a" "b" {{\n  level = 3\n  {key} = {json.dumps(value)}\n}}\n'


def _hcl_heredoc(key: str, value: str) -> str:
    return f'resource "a" "b" {{\n  {key} = <<-EOT\n    {value}\n  EOT\n  level = 3\n}}\n'


def _csharp(key: str, value: str) -> str:
    return f'var level = 3;\nvar {key} = "{value}";\n'


def _escaped(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


FORMATS: Mapping[str, tuple[str, Callable[[str, str], str]]] = {
    "json": ("a.json", _json),
    "yaml": ("a.yaml", _yaml),
    "template": ("a.tpl", _yaml_as_lines),
    "toml": ("a.toml", _toml),
    "properties": ("a.properties", _properties),
    "env": (".env", _environment),
    "shell": ("a.sh", _shell),
    "powershell": ("a.ps1", _powershell),
    "xml": ("a.xml", _xml),
    "xml attribute": ("web.config", _xml_attribute),
    "xml cdata": ("b.xml", _xml_cdata),
    "plist": ("a.mobileconfig", _plist),
    "hcl": ("a.tf", _hcl),
    "heredoc": ("b.tf", _hcl_heredoc),
    "code": ("a.cs", _csharp),
}
OVER_LINES = {"plist", "heredoc"}
_IN_A_WORD = re.compile(r"[A-Za-z][\w.-]*")
_NEEDS_A_WORD = {"env", "shell", "powershell", "xml", "xml cdata", "hcl", "heredoc", "code"}


def formats_of(key: str) -> list[str]:
    """Return the names of the formats in which a key makes sense."""
    return [name for name in FORMATS if name not in _NEEDS_A_WORD or _IN_A_WORD.fullmatch(key)]


def as_lines_of(text: str) -> dict[str, tuple[str, str]]:
    """Return lines as a file of their own, and as a text inside other files."""
    return {
        "text": ("running-config", f"! a\n{text}\n! b\n"),
        "windows text": ("a.cfg", f"! a\r\n{text}\r\n"),
        "in json": ("a.json", json.dumps({"lines": f"! a\n{text}\n! b"})),
        "in yaml": ("a.yaml", yaml.safe_dump({"lines": f"! a\n{text}\n"}, default_style="|")),
        "list in json": ("b.json", json.dumps({"lines": ["! a", *text.split("\n"), "! b"]})),
    }
