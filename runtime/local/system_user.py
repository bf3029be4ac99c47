import os
import pwd
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from models.errors import OperationRunError
from runtime.local.child_process import Account

NAME = "operationrun"


def unprivileged_account() -> Account | None:
    """Return the account for programs that refuse to run as root; None where this process is not root.

    It is the system user `operationrun`, created when first needed: no other service of the machine shares it
    and can read PostgreSQL's files. Raises OperationRunError if it cannot be created.
    """
    if os.geteuid() != 0:
        return None
    entry = _entry() or _make()
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def open_passage(path: Path, account: Account, *, say: Callable[[str], None] = lambda _: None) -> None:
    """Let an account reach a path: add o+x to the directories above that lack it, and pass each to `say`."""
    for directory in reversed(path.resolve().parents):
        about = directory.stat()
        if about.st_uid != account.uid and not about.st_mode & stat.S_IXOTH:
            directory.chmod(stat.S_IMODE(about.st_mode) | stat.S_IXOTH)
            say(f"Let other users pass through {directory} (chmod o+x), so that {NAME} reaches {path}.")


def open_for_reading(tree: Path, account: Account, *, say: Callable[[str], None]) -> None:
    """Let an account read and run a tree of programs that only root may read."""
    open_passage(tree, account, say=say)
    for path in _entries(tree):
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode | (mode & (stat.S_IRUSR | stat.S_IXUSR)) >> 6
        if wanted != mode:
            path.chmod(wanted)


def _entries(tree: Path) -> Iterator[Path]:
    yield tree
    for folder, directories, files in os.walk(tree):
        yield from (Path(folder, name) for name in (*directories, *files))


def _entry() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        return None


def _make() -> pwd.struct_passwd:
    make = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME]
    try:
        said = subprocess.run(make, capture_output=True, text=True, check=False).stderr.strip()
    except OSError as error:
        said = str(error)
    # Of two concurrent starts one useradd fails; the account exists all the same.
    entry = _entry()
    if entry is None:
        raise OperationRunError(
            f"PostgreSQL refuses to run as root, and the user {NAME} could not be made ({said}). "
            f"Make it (useradd --system {NAME}), or run as a normal user."
        )
    return entry
