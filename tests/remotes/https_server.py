import os
import signal
import ssl
import subprocess
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from posixpath import normpath
from typing import IO, Any
from urllib.parse import unquote, urlsplit

import trustme

from tests.git_repository import ENVIRONMENT
from tests.remotes.connections import HOST, NAMED, ConnectionServer

_CHUNK = 1 << 16


class HttpsServer(ConnectionServer):
    """`git http-backend` behind TLS, for every bare repository below one folder.

    A push goes on where its client is gone, as on forges that queue what they received.
    """

    def __init__(self, root: Path, certificate: Path) -> None:
        super().__init__(_Request)
        self.root = root
        self.backends: list[subprocess.Popen[bytes]] = []
        # By folder: the credential that opens it, as `user:token`; folders without one are open.
        self.credentials: dict[str, str] = {}
        # By path: where its requests are redirected to.
        self.redirects: dict[str, str] = {}
        # The credentials that requests presented, "" for none.
        self.presented: list[str] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        # The handshake belongs to the connection's own thread: a silent client holds up no other.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def kill_backends(self) -> None:
        for backend in self.backends:
            with suppress(ProcessLookupError):
                os.killpg(backend.pid, signal.SIGKILL)


class _Request(BaseHTTPRequestHandler):
    server: HttpsServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: Any) -> None:
        """Write no log."""

    def _answer(self) -> None:
        refusal = self._refusal()
        if refusal:
            status, header, value = refusal
            self.send_response(status)
            self.send_header(header, value)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._serve()

    def _refusal(self) -> tuple[int, str, str] | None:
        """Return status and header of a refusal, as a forge would: of where it is, then of who may."""
        path = unquote(urlsplit(self.path).path)
        for moved, target in self.server.redirects.items():
            if path.startswith(moved):
                return 301, "Location", target + self.path.removeprefix(moved)
        _, _, encoded = self.headers.get("Authorization", "").partition(" ")
        presented = b64decode(encoded).decode()
        self.server.presented.append(presented)
        wanted = self.server.credentials.get(normpath(path).split("/")[1])
        if wanted is not None and presented != wanted:
            return 401, "WWW-Authenticate", 'Basic realm="repositories"'
        return None

    def _serve(self) -> None:
        with subprocess.Popen(
            ["git", "http-backend"],
            env=self._variables(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as backend:
            self.server.backends.append(backend)
            assert backend.stdin
            assert backend.stdout
            with suppress(OSError):
                self._send_body(backend.stdin)
            with suppress(OSError):
                backend.stdin.close()
            self._pass_on(backend.stdout)

    def _variables(self) -> dict[str, str]:
        url = urlsplit(self.path)
        headers = {
            "CONTENT_TYPE": "Content-Type",
            "CONTENT_LENGTH": "Content-Length",
            "HTTP_CONTENT_ENCODING": "Content-Encoding",
            "GIT_PROTOCOL": "Git-Protocol",
        }
        return {
            **ENVIRONMENT,
            **{name: self.headers[header] for name, header in headers.items() if header in self.headers},
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": url.path,
            "QUERY_STRING": url.query,
        }

    def _send_body(self, backend: IO[bytes]) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                backend.write(self.rfile.read(size))
                self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length", 0))
        while left and (chunk := self.rfile.read(min(left, _CHUNK))):
            backend.write(chunk)
            left -= len(chunk)

    def _pass_on(self, backend: IO[bytes]) -> None:
        headers = dict(line.split(": ", 1) for line in _header_lines(backend))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self._say(self.end_headers)
        while chunk := backend.read1(_CHUNK):  # type: ignore[attr-defined] # a BufferedReader
            self._say(self.wfile.write, b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self._say(self.wfile.write, b"0\r\n\r\n")

    def _say(self, write: Callable[..., object], *said: bytes) -> None:
        """Write to the client unless it is gone: the backend is heard to its end all the same."""
        if not self.close_connection:
            try:
                write(*said)
            except OSError:
                self.close_connection = True


def _header_lines(backend: IO[bytes]) -> Iterator[str]:
    while line := backend.readline().decode().strip():
        yield line


@contextmanager
def https_server(folder: Path) -> Iterator[tuple[HttpsServer, Path]]:
    """Serve the repositories below a folder; yield the server and the certificate that clients trust."""
    trusted, shown = folder / "authority.pem", folder / "server.pem"
    authority = trustme.CA()
    authority.cert_pem.write_to_path(trusted)
    authority.issue_cert(HOST, NAMED).private_key_and_cert_chain_pem.write_to_path(shown)
    with HttpsServer(folder, shown) as server, server.running():
        try:
            yield server, trusted
        finally:
            server.kill_backends()
