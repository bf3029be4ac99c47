"""Check the locked requirements for known vulnerabilities, with pip-audit and PyPI's records.

Usage: make audit
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).parent / "requirements-dev.txt"


def main() -> int:
    """Return 1 where a vulnerability is known; print which packages could not be checked."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(REQUIREMENTS)]
    options = ["--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    try:
        dependencies = json.loads(done.stdout)["dependencies"]
    except ValueError:
        print(f"NOT AUDITED: pip-audit told nothing.\n{done.stderr.strip()}")
        return 0
    print("\n".join(report(dependencies)))
    return int(any(each.get("vulns") for each in dependencies))


def report(dependencies: Sequence[dict[str, Any]]) -> list[str]:
    """Return lines about pip-audit's findings: each has `name`, and `version`, `vulns` or `skip_reason`."""
    unknown = [each["name"] for each in dependencies if "skip_reason" in each]
    known = len(dependencies) - len(unknown)
    lines = [
        f"{each['name']} {each['version']}: {found['id']}, mended in "
        f"{', '.join(found['fix_versions']) or 'no version yet'}. Raise it, then `make lock`."
        for each in dependencies
        for found in each.get("vulns", [])
    ]
    if unknown:
        lines.append(
            f"NOT AUDITED: {len(unknown)} of {len(dependencies)} packages, of which PyPI tells nothing here: "
            f"{', '.join(unknown[:5])}{' …' if unknown[5:] else ''}"
        )
    return [*lines, f"Packages audited: {known}. Vulnerabilities known: {len(lines) - bool(unknown)}."]


if __name__ == "__main__":
    sys.exit(main())
