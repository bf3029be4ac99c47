import re
import subprocess
from pathlib import Path

from runtime.local.ports import HOST, free_ports
from tests.topology.compose_file import ComposeFile


class Machine:
    """Where the hosts, ports and folders of docker-compose.yml lie on this machine."""

    def __init__(self, folder: Path, file: ComposeFile) -> None:
        self.folder = folder.resolve()
        self.logs = self.folder / "logs"
        self.repositories = self.folder / "repositories"
        self.home = self.folder / "home"
        for each in (self.repositories, self.home):
            each.mkdir(parents=True)
        self.postgres_port, self.temporal_port, self.web_port = free_ports(3)
        self.temporal_address = f"{HOST}:{self.temporal_port}"
        self._secrets = self.folder / ".operationrun" / "secrets"
        subprocess.run(["sh", "-euc", file.secrets_command()], cwd=folder, check=True)
        for name in ("database_url", "web_database_url"):
            url = self._secrets / name
            url.write_text(self.here(url.read_text()))

    def here(self, text: str, *, web_port: int | None = None) -> str:
        """Return what a container is told, with the names of this machine."""
        places = {
            r"\bpostgres:5432\b": f"{HOST}:{self.postgres_port}",
            r"\btemporal:7233\b": self.temporal_address,
            r"/run/secrets\b": str(self._secrets),
            r"\b0\.0\.0\.0\b": HOST,
            r"\b8080\b": str(web_port or self.web_port),
        }
        for there, here in places.items():
            text = re.sub(there, here, text)
        return text

    def secret(self, name: str) -> str:
        return (self._secrets / name).read_text().strip()

    def keep_secret(self, name: str, value: str) -> Path:
        """Write one more secret beside the file's own; return where it is."""
        path = self._secrets / name
        path.write_text(value)
        return path

    def volume(self, name: str) -> Path:
        return self.folder / "volumes" / name

    def bare_environment(self) -> dict[str, str]:
        """Return the variables that any program gets here: a container knows nothing of its host's."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.folder),
        }
