from pathlib import Path

import click

from runtime.cli.output import json_option, show
from services.reports.packs.verification import Verified, verified_json, verify_pack
from services.text import visible


@click.command("verify-pack")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def command(*, file: Path, as_json: bool) -> int:
    """Tell whether a review pack is whole and unchanged, without a network; exit code 1 if it is not."""
    verified = verify_pack(file)
    if as_json:
        show(verified_json(verified), as_json=True)
    else:
        click.echo(visible("\n".join(_lines(verified))))
    return int(not verified.is_intact)


def _lines(verified: Verified) -> list[str]:
    if not verified.is_intact or verified.manifest is None:
        return [
            "This pack is not as it was written:",
            *(
                f"  {each.path}: {each.message}" if each.path else f"  {each.message}"
                for each in verified.defects
            ),
        ]
    provenance = verified.manifest.provenance
    return [
        f"Intact: all {len(verified.manifest.files)} files are there and unchanged, and nothing else.",
        f"  review       {provenance.review_id}",
        f"  environment  {provenance.environment.name or provenance.environment.id}",
        f"  composed     {provenance.composed_at.isoformat()}",
        f"  commit       {provenance.commit}",
        f"  fingerprint  {provenance.fingerprint}",
        f"  sha256       {verified.sha256}",
    ]
