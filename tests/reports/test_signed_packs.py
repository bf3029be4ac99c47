"""Who wrote a pack: signatures are made once, checked offline, and say so where they are missing or wrong."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from models.errors import SettingsError
from runtime.cli.main import run_command
from runtime.container import build_services
from runtime.local.secret_file import new_signing_key
from runtime.settings import Settings
from services.reports.packs.signing import ENVELOPE, PackSigner, key_id, sign_pack
from services.reports.packs.verification import Signed, Verified, verify_pack
from services.reports.packs.writing import write_pack
from tests.reports.test_review_packs import Entries, archived, codes, entries_of
from tests.review_documents import make_source

OURS, OTHER = (PackSigner.from_pem(new_signing_key()) for _ in range(2))

Verify = Callable[..., Verified]


def signed_by(signer: PackSigner, content: bytes) -> bytes:
    file = io.BytesIO(content)
    sign_pack(file, signer)
    return file.getvalue()


def public(signer: PackSigner) -> Ed25519PublicKey:
    return signer.key.public_key()


def changed(pack: bytes, change: Callable[[bytes], bytes], name: str = ENVELOPE) -> bytes:
    entries: Entries = [
        (path, change(content) if path == name else content) for path, content in entries_of(pack)
    ]
    return archived(entries)


@pytest.fixture(scope="module")
def unsigned() -> bytes:
    out = io.BytesIO()
    write_pack(make_source(1), out)
    return out.getvalue()


@pytest.fixture(scope="module")
def pack(unsigned: bytes) -> bytes:
    return signed_by(OURS, unsigned)


@pytest.fixture
def verify(tmp_path: Path) -> Verify:
    def verify(content: bytes, *signers: PackSigner) -> Verified:
        path = tmp_path / "pack.zip"
        path.write_bytes(content)
        return verify_pack(path, keys=[public(signer) for signer in signers])

    return verify


def test_a_signed_pack_is_intact_and_says_whose_it_is(pack: bytes, verify: Verify) -> None:
    for signers, signed in (
        ((), Signed.UNCHECKED),
        ((OURS,), Signed.VERIFIED),
        ((OTHER,), Signed.WRONG_KEY),
        ((OTHER, OURS), Signed.VERIFIED),
    ):
        verified = verify(pack, *signers)
        assert (verified.is_intact, verified.signed) == (True, signed)
        assert verified.key_ids == [key_id(public(OURS))]


def test_signing_appends_a_file_and_changes_no_other(pack: bytes, unsigned: bytes) -> None:
    assert entries_of(pack)[:-1] == entries_of(unsigned)
    assert entries_of(pack)[-1][0] == ENVELOPE
    assert archived(entries_of(pack)) == pack


def test_a_pack_without_a_signature_says_so(unsigned: bytes, verify: Verify) -> None:
    verified = verify(unsigned, OURS)
    assert (verified.is_intact, verified.signed, verified.key_ids) == (True, Signed.UNSIGNED, ())


def test_a_forged_pack_does_not_verify(pack: bytes, verify: Verify) -> None:
    other = io.BytesIO()
    write_pack(make_source(2), other)
    forged = archived([*entries_of(other.getvalue()), entries_of(pack)[-1]])
    assert codes(verify(forged, OURS)) == {"envelope_malformed"}
    assert verify(signed_by(OTHER, other.getvalue()), OURS).signed is Signed.WRONG_KEY


def test_a_signature_of_other_bytes_is_wrong(pack: bytes, verify: Verify) -> None:
    def swap(content: bytes) -> bytes:
        envelope = json.loads(content)
        envelope["signatures"][0]["sig"] = json.loads(OTHER.envelope(b"").dumped())["signatures"][0]["sig"]
        return f"{json.dumps(envelope, indent=2, sort_keys=True)}\n".encode()

    assert verify(changed(pack, swap), OURS).signed is Signed.WRONG_KEY


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content + b" ",
        lambda content: content.replace(b"vnd.operationrun", b"vnd.someone"),
        lambda content: content[:-20],
        lambda _: b"",
        lambda _: b"[]",
        lambda _: b"x" * (3 * 1024 * 1024),
    ],
)
def test_an_envelope_that_is_not_as_written_is_a_defect(
    pack: bytes, verify: Verify, change: Callable[[bytes], bytes]
) -> None:
    assert codes(verify(changed(pack, change), OURS)) == {"envelope_malformed"}


def test_the_command_tells_each_case_apart(
    pack: bytes, unsigned: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in (("signed.zip", pack), ("unsigned.zip", unsigned)):
        (tmp_path / name).write_bytes(content)
    for name, signer in (("ours.pem", OURS), ("other.pem", OTHER)):
        pem = public(signer).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (tmp_path / name).write_bytes(pem)
    (tmp_path / "none.pem").write_text("no key")

    def run(file: str, *keys: str) -> tuple[int, str]:
        options = [each for key in keys for each in ("--key", str(tmp_path / key))]
        code = run_command(["verify-pack", str(tmp_path / file), *options, "--json"])
        said = capsys.readouterr().out
        return code, json.loads(said)["signature"] if code in {0, 1, 3, 4} else ""

    assert run("signed.zip") == (0, "unchecked")
    assert run("signed.zip", "ours.pem") == (0, "verified")
    assert run("signed.zip", "other.pem") == (4, "wrong_key")
    assert run("signed.zip", "other.pem", "ours.pem") == (0, "verified")
    assert run("unsigned.zip") == (0, "unsigned")
    assert run("unsigned.zip", "ours.pem") == (3, "unsigned")
    assert run("signed.zip", "none.pem")[0] == 2


def test_a_key_that_cannot_sign_is_refused_by_name() -> None:
    rsa = generate_private_key(public_exponent=65537, key_size=2048)
    locked = Ed25519PrivateKey.generate().private_bytes_raw().hex()
    for pem in (rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), locked, "x"):
        settings = Settings(database_url="postgresql://", temporal_address="nowhere:1", signing_key=pem)
        with pytest.raises(SettingsError, match="OPERATIONRUN_SIGNING_KEY is not"):
            build_services(settings)
