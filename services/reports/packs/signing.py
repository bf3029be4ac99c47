"""Signatures of packs: a DSSE envelope over the manifest (https://github.com/secure-systems-lab/dsse)."""

import base64
import hashlib
import json
import zipfile
from dataclasses import dataclass
from typing import Annotated, BinaryIO, Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from pydantic import Field

from models.contracts import Contract
from services.reports.packs.archive import append_file
from services.reports.packs.manifest import NAME, Manifest

ENVELOPE: Final = "manifest.dsse.json"
PAYLOAD_TYPE: Final = "application/vnd.operationrun.review-pack.v1+json"

Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$")]


class Signature(Contract):
    """One signature: the id of its key, and its bytes."""

    keyid: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    sig: Base64


class Envelope(Contract):
    """A DSSE envelope; its payload is the pack's manifest, byte for byte."""

    payload: Base64
    payloadType: str  # noqa: N815 # the name that DSSE gives it
    signatures: tuple[Signature, ...]

    def dumped(self) -> bytes:
        """Return the envelope's one spelling as JSON."""
        return f"{json.dumps(self.model_dump(mode='json'), indent=2, sort_keys=True)}\n".encode()


@dataclass(frozen=True, kw_only=True)
class PackSigner:
    """Signs manifests with one Ed25519 key."""

    key: Ed25519PrivateKey

    @classmethod
    def from_pem(cls, pem: str) -> Self:
        """Read the private key from PEM; raise ValueError for anything but an unencrypted Ed25519 key."""
        try:
            key = load_pem_private_key(pem.encode(), password=None)
        except (ValueError, TypeError):
            raise ValueError("is not an unencrypted private key in PEM") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("is not an Ed25519 key; `openssl genpkey -algorithm ed25519` makes one")  # noqa: TRY004 # a value of the setting
        return cls(key=key)

    def envelope(self, manifest: bytes) -> Envelope:
        """Return the envelope over a manifest; Ed25519 gives the same one each time."""
        signature = self.key.sign(_signed_text(manifest))
        return Envelope(
            payload=_base64(manifest),
            payloadType=PAYLOAD_TYPE,
            signatures=(Signature(keyid=key_id(self.key.public_key()), sig=_base64(signature)),),
        )


def public_key_of(pem: bytes) -> Ed25519PublicKey:
    """Read a public key from PEM; raise ValueError for anything but an Ed25519 public key."""
    try:
        key = load_pem_public_key(pem)
    except ValueError:
        raise ValueError("is not a public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("is not an Ed25519 key")  # noqa: TRY004 # a value of the option
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """Return the id of a key: the sha256 of its 32 bytes, in lowercase hex."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def envelope_of(content: bytes, manifest: bytes) -> Envelope:
    """Read an envelope; raise ValueError unless it is written as by us, and its payload is this manifest."""
    envelope = Envelope.model_validate_json(content)
    is_ours = envelope.payloadType == PAYLOAD_TYPE and envelope.dumped() == content
    if not is_ours or envelope.payload != _base64(manifest):
        raise ValueError("not the envelope over this manifest")
    return envelope


def is_signed_by(envelope: Envelope, manifest: bytes, key: Ed25519PublicKey) -> bool:
    """Return whether one of an envelope's signatures is the key's, over exactly this manifest."""
    return any(_verifies(signature, manifest, key) for signature in envelope.signatures)


def sign_pack(pack: BinaryIO, signer: PackSigner) -> None:
    """Append the envelope over its manifest to a pack that was just written."""
    with zipfile.ZipFile(pack) as archive:
        content = archive.read(NAME)
    at = Manifest.model_validate_json(content).composed_at
    append_file(pack, ENVELOPE, signer.envelope(content).dumped(), at=at)


def _verifies(signature: Signature, manifest: bytes, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(base64.b64decode(signature.sig), _signed_text(manifest))
    except (InvalidSignature, ValueError):
        return False
    return True


def _signed_text(manifest: bytes) -> bytes:
    """Return what is signed: DSSE's pre-authentication encoding, which binds the type to the content."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(manifest), manifest)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
