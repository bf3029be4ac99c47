import socket
from datetime import timedelta
from pathlib import Path

import pytest

from models.errors import SettingsError
from runtime.local import ports
from runtime.local.ports import free_ports, http_answers, is_free, need_free

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def test_free_ports_are_different_and_free() -> None:
    found = free_ports(5)
    assert len(set(found)) == 5
    assert all(is_free(port) for port in found)


def test_no_outgoing_connection_is_given_a_free_port_meanwhile() -> None:
    outgoing = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(outgoing.read_text().split()[0]) if outgoing.exists() else 49_152
    assert max(free_ports(50)) < first


def test_a_taken_port_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "FREED_WITHIN", timedelta(0))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"Port {port} is taken.*--port"):
            need_free(port)


def test_nobody_answers_on_a_free_port() -> None:
    assert not http_answers(free_ports(1)[0], "/readyz")
