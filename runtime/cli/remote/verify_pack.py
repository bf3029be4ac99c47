from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from runtime.cli.output import json_option, show
from services.reports.packs.signing import public_key_of
from services.reports.packs.verification import Signed, Verified, verified_json, verify_pack
from services.text import visible

NOT_INTACT: Final = 1
UNSIGNED: Final = 3
WRONG_KEY: Final = 4

_READABLE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("verify-pack")
@click.argument("file", type=_READABLE)
@click.option(
    "--key", "key_files", type=_READABLE, multiple=True, help="A public key, in PEM; may be repeated."
)
@json_option
def command(*, file: Path, key_files: Sequence[Path], as_json: bool) -> int:
    """Check without a network that a review pack is whole, unchanged and, with --key, signed by that key.

    Exit codes: 0 it is; 1 it is not as it was written; 3 it is, without a signature to check; 4 it is, with
    a signature by another key.
    """
    verified = verify_pack(file, keys=[_key_in(path) for path in key_files])
    if as_json:
        show(verified_json(verified), as_json=True)
    else:
        click.echo(visible("\n".join(_lines(verified))))
    return _exit_code(verified, with_key=bool(key_files))


def _exit_code(verified: Verified, *, with_key: bool) -> int:
    if not verified.is_intact:
        return NOT_INTACT
    if verified.signed is Signed.UNSIGNED and with_key:
        return UNSIGNED
    return WRONG_KEY if verified.signed is Signed.WRONG_KEY else 0


def _key_in(path: Path) -> Ed25519PublicKey:
    try:
        return public_key_of(path.read_bytes())
    except ValueError as error:
        raise click.BadParameter(f"{path} {error}.", param_hint="--key") from None


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
        *_signature_lines(verified),
        f"  review       {provenance.review_id}",
        f"  environment  {provenance.environment.name or provenance.environment.id}",
        f"  composed     {provenance.composed_at.isoformat()}",
        f"  commit       {provenance.commit}",
        f"  fingerprint  {provenance.fingerprint}",
        f"  sha256       {verified.sha256}",
    ]


def _signature_lines(verified: Verified) -> Iterator[str]:
    match verified.signed:
        case Signed.VERIFIED:
            yield "Signed by the given key."
        case Signed.WRONG_KEY:
            yield "NOT signed by the given key: do not trust where this pack comes from."
        case Signed.UNCHECKED:
            yield "Signed; give the public key with --key to check by whom."
        case Signed.UNSIGNED:
            yield "Not signed: this says nothing about who wrote the pack."
    for key_id in verified.key_ids:
        yield f"  key          {key_id}"
