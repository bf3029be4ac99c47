"""Write the rules of gitleaks for services/masking/rule_files/, with their licence, from its Go module.

Usage: python -m tools.secret_rules [VERSION]
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

MODULE: Final = "github.com/zricethezav/gitleaks/v8"
VERSION: Final = "v8.30.1"
TARGET: Final = Path(__file__).parents[1] / "services/masking/rule_files"

# What names, structure and PEM say better, over lines and in all formats; and a rule for files' names alone.
LEFT_OUT: Final = frozenset(
    {
        *("generic-api-key", "private-key", "kubernetes-secret-yaml", "pkcs12-file"),
        *("nuget-config-password", "hashicorp-tf-password", "freemius-secret-key"),
    }
)
# Of the exceptions only those that keep words apart from tokens: an example of a token is masked too.
EXCEPTIONS_KEPT: Final = frozenset({"vault-service-token"})
# Where a keyword is in the secret alone: the maker's names, which are in the key of a value that is parsed.
MAKERS: Final = {
    **{f"lob-{kind}": ["lob"] for kind in ("api-key", "pub-api-key")},
    **{
        f"new-relic-{kind}": ["new-relic", "newrelic", "new_relic"]
        for kind in ("browser-api-token", "insert-key", "user-api-key")
    },
    "typeform-api-token": ["typeform"],
}
# gitleaks looks at source code. Here a token also ends at a tag, a comma or a bracket, and a name
# and its value may be attributes of markup, or inside a text in which quotes are escaped.
WIDER: Final = (
    (r"""(?:[\x60'"\s;]|\\[nr]|$)""", r"""(?:[^\w+/=~-]|$)"""),
    (r"""[\x60'"\s=]{0,5}""", r"""[\x60'"\s=\\]{0,8}(?:<!\[CDATA\[)?"""),
    (r"""[\s'"]{0,3})(?:=|>""", r"""[\s'"\\]{0,5}(?:value\s{0,3})?)(?:=|>"""),
    (r"""[\s'"]{0,3}(?:=|>""", r"""[\s'"\\]{0,5}(?:value\s{0,3})?(?:=|>"""),
)


def downloaded(version: str) -> Path:
    """Return the folder of the module, as the Go module proxy has it."""
    command = ["go", "mod", "download", "-json", f"{MODULE}@{version}"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    return Path(json.loads(found.stdout)["Dir"])


def kept_rules(rules: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rules as services/masking/rules.py reads them, in gitleaks' order."""
    return [_kept(rule) for rule in rules if rule["id"] not in LEFT_OUT]


def _kept(rule: Mapping[str, Any]) -> dict[str, Any]:
    regex = rule["regex"]
    for narrow, wide in WIDER:
        regex = regex.replace(narrow, wide)
    # Its named groups tell the parts of one secret apart.
    regex = re.sub(r"\(\?P<\w+>", "(?:", regex)
    kept = {"id": rule["id"], "keywords": rule["keywords"] + MAKERS.get(rule["id"], []), "regex": regex}
    if "entropy" in rule:
        kept["entropy"] = rule["entropy"]
    if rule["id"] in EXCEPTIONS_KEPT:
        kept["except"] = [each for allowed in rule["allowlists"] for each in allowed["regexes"]]
    return kept


def main(version: str = VERSION) -> None:
    """Download the module and write its rules, a line each, and its licence."""
    folder = downloaded(version)
    rules = kept_rules(tomllib.loads((folder / "config/gitleaks.toml").read_text())["rules"])
    lines = ",\n  ".join(json.dumps(rule) for rule in rules)
    source = json.dumps(f"{MODULE} {version}, config/gitleaks.toml, by tools/secret_rules.py")
    text = f'{{"source": {source}, "rules": [\n  {lines}\n]}}\n'
    (TARGET / "gitleaks.json").write_text(text)
    (TARGET / "gitleaks.LICENSE").write_text((folder / "LICENSE").read_text())


if __name__ == "__main__":
    main(*sys.argv[1:])
