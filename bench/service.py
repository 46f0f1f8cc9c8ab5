"""The service as it is run: its own command, its own processes, the database it is given."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from bench.city import Stage
from kernel.postgres import ensure_running, stop

ROOT = Path(__file__).parent.parent
PATIENCE_SECONDS = 30


@contextmanager
def own_server() -> Generator[tuple[str, Path]]:
    """The address of a database server for one bench, and its directory; both go afterwards."""
    data_dir = Path(tempfile.mkdtemp(prefix="checkpoint-bench-"))
    data_dir.chmod(0o711)  # as root, the server's own user must get through
    ours = ensure_running(data_dir)
    try:
        yield ours.dsn, data_dir
    finally:
        stop(ours)
        shutil.rmtree(ours.cluster)
        shutil.rmtree(data_dir)


@contextmanager
def service(stage: Stage, data_dir: Path, port: int, workers: int, **more: str) -> Generator[None]:
    """`checkpoint serve`, with its sweep and its log of requests, which goes into the data
    directory; stopped in the end. `more` are further settings.
    """
    settings = {
        "DATABASE_URL": stage.dsn,
        "CHECKPOINT_DATA": str(data_dir),
        "CHECKPOINT_MASTER_KEY": stage.master_key,
        "PORT": str(port),
    } | more
    with (data_dir / "service.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "checkpoint", "serve", "--workers", str(workers)],
            cwd=ROOT,
            env=os.environ | settings,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        try:
            _wait_until_ready(process, port)
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > give_up:
            sys.exit("the service does not start")
        time.sleep(0.2)


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
