from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

# A name that no resolver knows: who reaches it was given its address.
NAMED: Final = "repositories.test"
_VALID_FOR = timedelta(days=1)


def write_certificates(folder: Path, host: str) -> tuple[Path, Path]:
    """Write an authority's certificate, and a server's for an address and `NAMED` with its key.

    Returns both files: what clients trust, and what the server shows.
    """
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority, server = _name("Authority of the tests"), _name(host)
    trusted = (
        _builder(authority, authority, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, SHA256())
    )
    names = [x509.IPAddress(ip_address(host)), x509.DNSName(NAMED)]
    shown = (
        _builder(server, authority, server_key)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority_key, SHA256())
    )
    private = server_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files = folder / "authority.pem", folder / "server.pem"
    files[0].write_bytes(trusted.public_bytes(Encoding.PEM))
    files[1].write_bytes(shown.public_bytes(Encoding.PEM) + private)
    return files


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _VALID_FOR)
        .not_valid_after(now + _VALID_FOR)
    )
