import click

from runtime.cli.output import json_option, show
from runtime.local.doctor import examine
from runtime.local.finding import Finding
from runtime.settings import Settings


@click.command("doctor")
@json_option
def command(*, as_json: bool) -> int:
    """Say what is missing on this machine, and how to fix it; exit code 1 if it is needed."""
    findings = examine(Settings.from_environment())
    rows = [
        {
            "state": each.state,
            "check": each.check,
            "found": each.found,
            "mend": each.fix or "" if not each.ok else "",
        }
        for each in findings
    ]
    if as_json:
        show(rows, as_json=True)
    else:
        for each in findings:
            click.echo(_line(each))
    return int(any(each.state == "missing" for each in findings))


def _line(finding: Finding) -> str:
    fix = f"\n{'':9}{finding.fix}" if not finding.ok and finding.fix else ""
    return f"{finding.state:<8} {finding.check}: {finding.found}{fix}"
