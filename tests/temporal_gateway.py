"""nginx before a Temporal server: TLS with certificates of clients, and an API key, as clusters want them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import trustme

from runtime.local.child_process import Program
from runtime.local.ports import HOST, free_ports, is_free
from runtime.local.supervisor import Supervisor
from tests.left_out import leave_out

API_KEY = "the-key-of-the-tests"
ANSWERS_WITHIN = timedelta(seconds=10)
# Debian installs it where only root's PATH leads.
_WHERE = "/usr/sbin"
_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    # One connection carries all polls of a worker.
    keepalive_requests 1000000; http2_max_concurrent_streams 1000;
    grpc_read_timeout 10m; grpc_send_timeout 10m; client_max_body_size 0;
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem;
    ssl_client_certificate {folder}/authority.pem;
    server {{
        listen {host}:{mutual} ssl http2;
        ssl_verify_client on;
        location / {{ grpc_pass grpc://{address}; }}
    }}
    server {{
        listen {host}:{keyed} ssl http2;
        location / {{
            if ($http_authorization != "Bearer {api_key}") {{ return 401; }}
            grpc_pass grpc://{address};
        }}
    }}
}}
"""


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """Two ways to one Temporal server: with a client's certificate, and with an API key."""

    folder: Path
    mutual_port: int
    keyed_port: int
    authority: trustme.CA = field(default_factory=trustme.CA)

    @property
    def by_certificate(self) -> dict[str, str]:
        """What Temporal's own configuration says to get in with a certificate."""
        return {
            "TEMPORAL_ADDRESS": f"{HOST}:{self.mutual_port}",
            "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(self.folder / "authority.pem"),
            "TEMPORAL_TLS_CLIENT_CERT_PATH": str(self.folder / "client.pem"),
            "TEMPORAL_TLS_CLIENT_KEY_PATH": str(self.folder / "client.key"),
        }

    @property
    def by_api_key(self) -> dict[str, str]:
        """What Temporal's own configuration says to get in with an API key."""
        return {
            "TEMPORAL_ADDRESS": f"{HOST}:{self.keyed_port}",
            "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(self.folder / "authority.pem"),
            "TEMPORAL_API_KEY": API_KEY,
        }


@contextmanager
def running_gateway(folder: Path, address: str) -> Iterator[Gateway]:
    """Run nginx, with its files in a folder, before a Temporal server while the block lasts."""
    program = shutil.which("nginx") or shutil.which("nginx", path=_WHERE)
    if program is None:
        leave_out("Temporal behind TLS", without="Install nginx to test it.")
    folder.mkdir(parents=True)
    mutual_port, keyed_port = free_ports(2)
    gateway = Gateway(folder=folder, mutual_port=mutual_port, keyed_port=keyed_port)
    _write(gateway, address)
    supervisor = Supervisor(folder, say=lambda _: None)
    try:
        supervisor.start(
            Program(name="nginx", argv=(program, "-c", str(folder / "nginx.conf"), "-e", "stderr"))
        )
        supervisor.wait_for("nginx", lambda _: not is_free(keyed_port), within=ANSWERS_WITHIN)
        yield gateway
    finally:
        supervisor.stop(["nginx"])


def _write(gateway: Gateway, address: str) -> None:
    folder = gateway.folder
    gateway.authority.cert_pem.write_to_path(folder / "authority.pem")
    gateway.authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    client = gateway.authority.issue_cert("worker.example.org")
    client.private_key_pem.write_to_path(folder / "client.key")
    for certificate in client.cert_chain_pems:
        certificate.write_to_path(folder / "client.pem", append=True)
    (folder / "nginx.conf").write_text(
        _CONFIGURATION.format(
            folder=folder,
            host=HOST,
            mutual=gateway.mutual_port,
            keyed=gateway.keyed_port,
            address=address,
            api_key=API_KEY,
        )
    )
