"""A PostgreSQL of our own under the data directory, for machines that have none.

The server is started through pg_ctl, so it is nobody's child: it outlives a killed parent and the
next start finds it again.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Generator, Mapping
from pathlib import Path

from msgspec import Struct

from kernel.postgres_home import SERVER_USER, CannotStartError, Home, find_home, give, run

_PATIENCE_SECONDS = 60
_CONFIGURATION = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # What a statement carries is personal: it stays out of the server's log.
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


class Embedded(Struct, frozen=True, kw_only=True):
    dsn: str
    pid: int
    data_dir: Path
    cluster: Path


def ensure_running(data_dir: Path, *, configuration: Mapping[str, str] | None = None) -> Embedded:
    """Find the server of this data directory, or make and start it.

    Safe to call from several processes at once. Raises CannotStartError.
    """
    data_dir = data_dir.absolute()
    data_dir.mkdir(parents=True, exist_ok=True)
    with _alone(data_dir):
        home = find_home(data_dir)
        if not home.cluster.exists():
            _initialise(home)
        port = _wait_for_running(home) or _start(home, configuration or {})
        return Embedded(
            dsn=f"postgresql://{SERVER_USER}:{_password(data_dir)}@127.0.0.1:{port}/postgres",
            pid=_pid_and_port(home)[0],
            data_dir=data_dir,
            cluster=home.cluster,
        )


def is_running(data_dir: Path) -> bool:
    """Whether the server of this data directory lives, left by this process or by another."""
    return _living(find_home(data_dir.absolute())) if data_dir.exists() else False


def stop(server: Embedded) -> None:
    """Stop the server cleanly; sessions that are open are rolled back. No error if it is down."""
    with _alone(server.data_dir):
        home = find_home(server.data_dir)
        if _living(home):
            run(home, "pg_ctl", "stop", "-D", str(home.cluster), "-m", "fast", "-w", "-s")


@contextlib.contextmanager
def _alone(data_dir: Path) -> Generator[None]:
    with (data_dir / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# Making the cluster


def _password(data_dir: Path) -> str:
    file = data_dir / "postgres.password"
    if not file.exists():
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as new:
            new.write(secrets.token_urlsafe(24))
    return file.read_text().strip()


def _initialise(home: Home) -> None:
    """Make the cluster beside its place and move it in, so that a torn one is never used."""
    unfinished = home.cluster.with_name(f"{home.cluster.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    give(home, unfinished, 0o700)
    with tempfile.NamedTemporaryFile("w", prefix="checkpoint-") as password:
        password.write(_password(home.data_dir))
        password.flush()
        give(home, Path(password.name), 0o600)
        run(
            home,
            "initdb",
            *("-D", str(unfinished), "-U", SERVER_USER, f"--pwfile={password.name}"),
            *("--auth=scram-sha-256", "--data-checksums", "--encoding=UTF8"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        )
    unfinished.rename(home.cluster)


def _configure(home: Home, port: int, configuration: Mapping[str, str]) -> None:
    lines = {**_CONFIGURATION, "port": str(port), **configuration}
    file = home.cluster / "postgresql.conf"
    text = "# Written anew at every start. Put settings of your own into local.conf beside it.\n"
    text += "".join(f"{name} = '{value}'\n" for name, value in lines.items())
    file.write_text(f"{text}include_if_exists = 'local.conf'\n")
    give(home, file, 0o600)


# Finding and starting the server


def _pid_and_port(home: Home) -> tuple[int, int]:
    """Read the server's own note (line 1: process, line 4: port); zeros if there is none."""
    try:
        lines = home.pid_file.read_text().splitlines()
        return int(lines[0]), int(lines[3])
    except (OSError, IndexError, ValueError):
        return 0, 0


def _living(home: Home) -> bool:
    """Tell whether any process of this cluster lives; its working directory gives it away.

    The process number alone proves nothing: it may be a zombie's, or a stranger's after a restart.
    """
    if not Path("/proc/self/cwd").exists():
        return _answers_to_signal(_pid_and_port(home)[0])
    cluster = home.cluster.resolve()
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            here = process.name.isdigit() and (process / "cwd").readlink() == cluster
            if here and (process / "comm").read_text().strip() == "postgres":
                return True
    return False


def _answers_to_signal(pid: int) -> bool:
    try:
        os.kill(pid or -1, 0) if pid else None
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return bool(pid)


def _is_ready(home: Home, port: int) -> bool:
    if not port:
        return False
    try:
        run(home, "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-t", "3", "-q")
    except CannotStartError:
        return False
    return True


def _wait_for_running(home: Home) -> int:
    """Return the port of a server that is up or coming up; 0 as soon as there is none."""
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while _living(home):
        _, port = _pid_and_port(home)
        if _is_ready(home, port):
            return port
        if time.monotonic() > give_up:
            message = f"The database server runs but does not answer; see {home.log}."
            raise CannotStartError(message)
        time.sleep(0.1)
    return 0


def _free_port(wanted: int) -> int:
    """Take the port of last time if it is free, so that pools of a running program find back."""
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    message = "No free port on 127.0.0.1 for the database server."
    raise CannotStartError(message)


def _start(home: Home, configuration: Mapping[str, str]) -> int:
    record = home.data_dir / "postgres.port"
    wanted = int(record.read_text()) if record.exists() else 0
    for attempt in range(5):
        # No process of this cluster lives, so what the file says is about a dead one; PostgreSQL
        # itself would take a zombie or a stranger of that number for a running server.
        home.pid_file.unlink(missing_ok=True)
        port = _free_port(wanted)
        _configure(home, port, configuration)
        try:
            run(home, "pg_ctl", "start", "-D", str(home.cluster), *_start_options(home))
        except CannotStartError:
            if attempt == 4:
                raise
            time.sleep(0.3)
            wanted = wanted if _living(home) else 0
        else:
            record.write_text(str(port))
            return port
    raise AssertionError


def _start_options(home: Home) -> tuple[str, ...]:
    return ("-l", str(home.log), "-w", "-s", "-t", str(_PATIENCE_SECONDS))
