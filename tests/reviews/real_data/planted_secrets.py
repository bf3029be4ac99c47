"""A repository in which every form of a secret is planted that the program promises to mask."""

import base64
import codecs
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.git_repository import GitRepository

SHOWN = "zqShown"
_CORE = "zqPlanted"
# Some of the planted are numbers, and have another mark that nothing else has.
_NUMBER = "9180273645"
_ESCAPED = "<&\"'\\>"

Files = dict[str, str | bytes | None]
Make = Callable[[], str]


def _base64_cores() -> list[str]:
    """Return how the mark reads inside base64, at each of the three places that it can begin."""
    cores = []
    for shift in range(3):
        spelled = base64.b64encode(b"\0" * shift + _CORE.encode()).decode()
        cores.append(spelled[(0, 2, 3)[shift] : 8 * (shift + len(_CORE)) // 6])
    return cores


MARKS = [_CORE, _NUMBER, *_base64_cores()]
_SMALL = [mark.lower() for mark in MARKS]
_FOUND = re.compile("|".join(map(re.escape, MARKS)), re.IGNORECASE)


def leaks_in(content: bytes) -> list[str]:
    """Return what of a secret stands in a text: in plain, in base64, as UTF-16, or bytes written in hex."""
    texts = [content.decode("utf-8", "replace"), content.decode("utf-16-le", "replace")]
    texts += [content[1:].decode("utf-16-le", "replace")]
    texts.append(_unhexed(texts[0]))
    suspects = [text for text in texts if any(mark in text.lower() for mark in _SMALL)]
    hits = [(text, hit) for text in suspects for hit in _FOUND.finditer(text)]
    return [text[max(0, hit.start() - 60) : hit.end() + 30] for text, hit in hits]


def _unhexed(text: str) -> str:
    spelled = re.findall(r"(?:[0-9a-f]{2}){7,}", text)
    return " ".join(bytes.fromhex(each).decode("utf-8", "replace") for each in spelled)


@dataclass
class Planter:
    """Makes secrets, each another one, and remembers them."""

    planted: list[str] = field(default_factory=list)

    def plain(self) -> str:
        """Make a secret of letters and digits; its mark stands at its beginning, middle and end."""
        number = len(self.planted)
        self.planted.append(f"{_CORE}{number:03}A-{_CORE}{number:03}B.{_CORE}{number:03}C")
        return self.planted[-1]

    def escaped(self) -> str:
        """Make a secret with characters that JSON, HTML and URLs spell in other ways."""
        secret = f"{self.plain()}{_ESCAPED}{_CORE}D"
        self.planted[-1] = secret
        return secret

    def number(self) -> int:
        number = int(f"{_NUMBER}{len(self.planted):03}")
        self.planted.append(str(number))
        return number

    def encoded(self) -> str:
        return base64.b64encode(self.plain().encode()).decode()

    def pem(self) -> str:
        body = "\n".join(self.encoded()[:64] for _ in range(3))
        return f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"


def commit_releases(repository: GitRepository) -> Planter:
    """Commit a baseline and two releases: secrets in them stand, change, appear and vanish."""
    planter = Planter()
    repository.commit(_release(planter, 0), f"Give {SHOWN} a baseline, password={planter.plain()}")
    repository.tag("baseline")
    repository.commit(_release(planter, 1), "First release")
    repository.tag("release-1")
    _say_secrets(repository, planter)
    repository.commit(_release(planter, 2) | _moved(planter), f"Rotate {SHOWN} with token: {planter.plain()}")
    repository.tag("release-2")
    return planter


def _say_secrets(repository: GitRepository, planter: Planter) -> None:
    """Make commits whose subjects hold secrets, and that touch an item which changes in the end."""
    subjects = (
        f"Set {SHOWN} client_secret = '{planter.plain()}' for good",
        f"Pull {SHOWN} from https://robot:{planter.plain()}@git.example.org/x.git",
        f"Use --password {planter.plain()} with {SHOWN}",
    )
    for number, subject in enumerate(subjects):
        repository.commit({"text/.env": f"LEVEL={number}\nDB_PASSWORD={planter.plain()}\n"}, subject)


def _release(planter: Planter, number: int) -> Files:
    return {
        "json/policy.json": _json(planter, number),
        "json/policy-bom.json": codecs.BOM_UTF8 + _json(planter, number).encode(),
        "json/policy-utf16.json": codecs.BOM_UTF16_LE + _json(planter, number).encode("utf-16-le"),
        "json/policy-utf16be.json": codecs.BOM_UTF16_BE + _json(planter, number).encode("utf-16-be"),
        "yaml/app.yaml": yaml.safe_dump(_values(planter, number), allow_unicode=True),
        "yaml/manifests.yaml": _manifests(planter, number),
        "kubernetes/secret.json": json.dumps(_secret(planter, number)),
        "text/app.toml": _toml(planter, number),
        "text/app.ini": _ini(planter, number),
        "text/.env": _env(planter, number),
        "text/app.xml": _xml(planter, number),
        "text/notes.txt": _notes(planter, number),
        "text/notes-utf16.txt": codecs.BOM_UTF16_LE + _notes(planter, number).encode("utf-16-le"),
        "text/key.pem": f"{SHOWN} {number}\n{planter.pem()}\n",
        "broken/policy.json": f'{{"level": {number}, "password": "{planter.plain()}"',
        "broken/app.yaml": f"level: {number}\npassword: *{planter.plain().replace('.', '-')}\n",
        "moved/old.json": _json(planter, 1) if number < 2 else None,
        "gone/vault.json": json.dumps(_values(planter, 0)) if number < 2 else None,
    }


def _moved(planter: Planter) -> Files:
    return {"moved/new.json": _json(planter, 2), "added/vault.yaml": yaml.safe_dump(_values(planter, 2))}


def _json(planter: Planter, number: int) -> str:
    return json.dumps(_values(planter, number), indent=1)


def _values(planter: Planter, number: int) -> dict[str, Any]:
    """Make one tree of values: what is named in `appears` and `vanishes` is there in one release alone."""
    plain = planter.plain
    values: dict[str, Any] = {
        "displayName": f"{SHOWN} {number}",
        "padding": [f"{SHOWN} line {line} that keeps a moved file alike" for line in range(200)],
        "password": planter.escaped(),
        "clientSecret": plain(),
        "adminPassword": plain(),
        "client_secret": plain(),
        "token": plain(),
        "pin": planter.number(),
        "connectionString": f"Server=db;User=app;Password={plain()}",
        "certificate": planter.pem(),
        "pem lines": planter.pem().split("\n"),
        "credentials": {"apiKey": plain(), "nested": {"private_key": planter.pem(), "level": number}},
        "secrets": [plain(), {"level": plain()}],
        "headers": {"Authorization": f"Bearer {plain().replace('.', '')}"},
        "endpoint": f"https://robot:{plain()}@api.example.org/{SHOWN}{number}",
        "arguments": ["--level", f"{SHOWN}{number}", "--password", plain(), f"--token={plain()}"],
        "environment": [
            {"name": "LOG_LEVEL", "value": f"{SHOWN}{number}"},
            {"name": "DB_PASSWORD", "value": plain()},
            {"key": "clientSecret", "value": plain()},
        ],
        "profile": f"<wlan><name>{SHOWN}{number}</name><keyMaterial>{plain()}</keyMaterial></wlan>",
        "omaSettings": [{"omaUri": "./Vendor/Accounts/Password", "value": plain(), "displayName": "x"}],
        "script": f"#!/bin/sh\nLEVEL={number}\nexport PASSWORD={plain()}\ncurl -H 'token: {plain()}'\n",
        "kept": {"password": f"{_CORE}-never-changes"},
    }
    if number == 1:
        values |= {"vanishing": {"password": plain(), "level": SHOWN}, "secretThatVanishes": plain()}
    if number == 2:
        values |= {"appearing": {"password": plain(), "level": SHOWN}, "tokenThatAppears": plain()}
        values["credentials"] |= {"turned": {"password": {"of": plain(), "and": [plain()]}}}
    return values


def _secret(planter: Planter, number: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "labels": {"level": f"{SHOWN}{number}"}},
        "data": {"user": planter.encoded(), f"file{number}.bin": planter.encoded()},
        "stringData": {"anything": planter.plain(), "count": planter.number()},
    }


def _manifests(planter: Planter, number: int) -> str:
    web = {"kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"level": f"{SHOWN}{number}"}}
    turned = {
        "kind": "Secret" if number == 2 else "ConfigMap",
        "metadata": {"name": "turns"},
        "data": {"anything": planter.plain() if number == 2 else SHOWN},
    }
    return yaml.safe_dump_all([web, _secret(planter, number), turned])


def _toml(planter: Planter, number: int) -> str:
    plain = planter.plain
    return (
        f'level = "{SHOWN}{number}"\npassword = "{plain()}"\n[client]\n'
        f'secret = """\n{plain()}\n{plain()}\n"""\n'
        f'tokens = [\n  "{plain()}",\n  "{plain()}",\n]\n'
        f"inline = {{ user = 'a', password = '{plain()}' }}\n"
    )


def _xml(planter: Planter, number: int) -> str:
    plain = planter.plain
    return (
        f"<configuration>\n  <level>{SHOWN}{number}</level>\n  <password>{plain()}</password>\n"
        f'  <add key="DbPassword" value="{plain()}"/>\n'
        f"  <token>\n    {plain()}\n  </token>\n</configuration>\n"
    )


def _ini(planter: Planter, number: int) -> str:
    plain = planter.plain
    return f"[{SHOWN}]\nlevel = {number}\npassword = {plain()}\n[db]\npwd: {plain()}\n"


def _env(planter: Planter, number: int) -> str:
    plain = planter.plain
    return f"LEVEL={SHOWN}{number}\nDB_PASSWORD={plain()}\nexport API_TOKEN='{plain()}'\n"


def _notes(planter: Planter, number: int) -> str:
    plain = planter.plain
    return (
        f"{SHOWN} release {number}\nThe password: {plain()}\nlogin --password {plain()} --level 1\n"
        f"see https://robot:{plain()}@host/{number}\n{planter.pem()}\nend of {SHOWN} {number}\n"
    )
