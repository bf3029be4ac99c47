import codecs
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from models.errors import RepositoryError

SOURCE: Final = Path(__file__).parents[1] / "sample"
REPOSITORY: Final = "brindlemoor.git"
BRANCH: Final = "main"
RELEASES: Final = ("release-1", "release-2", "release-3")
BASELINE: Final = "baseline-2026"

_MARKS: Final = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE}


class SampleCommit(BaseModel):
    """One commit of the sample: what it renames, removes and then writes, and its tag."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    message: str
    author: str
    at: AwareDatetime
    folder: Path = Field(alias="from")
    write: tuple[str, ...]
    rename: dict[str, str] = {}
    remove: tuple[str, ...] = ()
    branch: str = BRANCH
    onto: str | None = None
    tag: str | None = None

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield the path in the environment and the stored text of each file that this commit writes."""
        root = SOURCE / self.folder
        for file in sorted(root.rglob("*")):
            path = file.relative_to(root).as_posix()
            if file.is_file() and path.startswith(self.write):
                yield path, file.read_bytes()


class SampleHistory(BaseModel):
    """The contents of `sample/history.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    authors: dict[str, str]
    byte_order_marks: dict[str, Literal["utf-8", "utf-16-le"]]
    broken: tuple[str, ...]
    commits: tuple[SampleCommit, ...]

    @classmethod
    def read(cls) -> "SampleHistory":
        """Read the history that ships with this package."""
        return cls.model_validate(yaml.safe_load((SOURCE / "history.yaml").read_text(encoding="utf-8")))

    def encode(self, path: str, text: bytes) -> bytes:
        """Return a file's bytes in the environment: UTF-8, or the encoding of its byte-order mark."""
        encoding = self.byte_order_marks.get(path)
        return _MARKS[encoding] + text.decode("utf-8").encode(encoding) if encoding else text

    def stream(self) -> Iterator[bytes]:
        """Yield the history as input for `git fast-import`."""
        tagged: dict[str, int] = {}
        for mark, commit in enumerate(self.commits, start=1):
            who = f"{self.authors[commit.author]} {int(commit.at.timestamp())} {commit.at:%z}\n".encode()
            yield f"commit refs/heads/{commit.branch}\nmark :{mark}\n".encode()
            yield b"author " + who + b"committer " + who + _data(commit.message.strip().encode() + b"\n")
            if commit.onto:
                yield f"from :{tagged[commit.onto]}\n".encode()
            for old, new in commit.rename.items():
                yield f"R {_quoted(old)} {_quoted(new)}\n".encode()
            for path in commit.remove:
                yield f"D {_quoted(path)}\n".encode()
            for path, text in commit.files():
                yield f"M 100644 inline {_quoted(path)}\n".encode() + _data(self.encode(path, text))
            if commit.tag:
                tagged[commit.tag] = mark
                yield f"tag {commit.tag}\nfrom :{mark}\n".encode()
                yield b"tagger " + who + _data(f"{commit.tag}\n".encode())


def make_sample_repository(directory: Path) -> Path:
    """Make the sample environment's bare repository under a directory, and return its path.

    1. Keep a repository that exists: users may have restored in it.
    2. Remove what a killed call left half-made.
    3. Import the history into a draft and rename it, so that no process sees a part of it.

    The commits' ids are the same everywhere, because the user's Git configuration is not read. Raises
    RepositoryError where git is missing or refuses.
    """
    repository = directory / REPOSITORY
    if repository.exists():
        return repository
    partial = directory / f"{REPOSITORY}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    directory.mkdir(parents=True, exist_ok=True)
    _git("init", "--quiet", "--bare", "--template=", f"--initial-branch={BRANCH}", str(partial))
    _git(f"--git-dir={partial}", "fast-import", "--quiet", stdin=b"".join(SampleHistory.read().stream()))
    return partial.rename(repository)


def _git(*arguments: str, stdin: bytes = b"") -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    try:
        subprocess.run(["git", *arguments], input=stdin, env=environment, check=True, capture_output=True)
    except FileNotFoundError:
        raise RepositoryError("The sample repository needs git. Install git, and start again.") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()
        raise RepositoryError(f"The sample repository could not be made: {said}") from None


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
