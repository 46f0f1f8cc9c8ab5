import asyncio
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from kernel import postgres_home
from kernel.postgres import Embedded, ensure_running, stop
from tests.support import REPOSITORY

START = "import sys, pathlib, time; from kernel.postgres import ensure_running; \
print(ensure_running(pathlib.Path(sys.argv[1])).pid, flush=True); time.sleep(60)"


def remove(folder: Path) -> None:
    if (folder / "postgres").exists():
        stop(ensure_running(folder))
    shutil.rmtree(folder)


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="checkpoint-pg-"))
    made.chmod(0o711)
    yield made
    remove(made)


async def ask(dsn: str, question: str) -> object:
    conn = await asyncpg.connect(dsn, timeout=5)
    try:
        return await conn.fetchval(question)
    finally:
        await conn.close()


def setting(server: Embedded, name: str) -> object:
    return asyncio.run(ask(server.dsn, f"SELECT current_setting('{name}')"))


def wait_until(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 10
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """A zombie counts as gone: whether it is reaped is up to the machine's first process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_server_is_made_safe_and_found_again(folder: Path):
    first = ensure_running(folder)
    assert ensure_running(folder) == first
    assert setting(first, "data_checksums") == "on"
    assert setting(first, "fsync") == "on"
    assert setting(first, "synchronous_commit") == "on"
    assert setting(first, "log_parameter_max_length_on_error") == "0"
    assert setting(first, "server_encoding") == "UTF8"
    locale = "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'postgres'"
    assert asyncio.run(ask(first.dsn, locale)) == "bC.UTF-8"
    assert (folder / "postgres.password").stat().st_mode & 0o777 == 0o600
    assert first.cluster.stat().st_mode & 0o777 == 0o700


def test_a_wrong_password_is_refused(folder: Path):
    server = ensure_running(folder)
    password = (folder / "postgres.password").read_text()
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(ask(server.dsn.replace(password, "guess"), "SELECT 1"))


def test_two_that_start_at_once_share_one_server(folder: Path):
    with multiprocessing.get_context("spawn").Pool(2) as workers:
        one, other = workers.map(ensure_running, [folder, folder])
    assert one == other


def test_a_killed_starter_leaves_the_server_running(folder: Path):
    command = [sys.executable, "-c", START, str(folder)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        pid = int(starter.stdout.readline())
        starter.kill()
    found = ensure_running(folder)
    assert found.pid == pid
    assert asyncio.run(ask(found.dsn, "SELECT 1")) == 1


def test_a_killed_server_comes_back_where_it_was_with_what_it_had(folder: Path):
    killed = ensure_running(folder)
    asyncio.run(ask(killed.dsn, "CREATE TABLE kept AS SELECT 7 AS n"))
    os.kill(killed.pid, signal.SIGKILL)
    wait_until(lambda: gone(killed.pid))
    found = ensure_running(folder)
    assert found.pid != killed.pid
    assert found.dsn == killed.dsn
    assert asyncio.run(ask(found.dsn, "SELECT n FROM kept")) == 7


def test_a_stale_note_with_a_strangers_number_does_not_block(folder: Path):
    server = ensure_running(folder)
    note = server.cluster / "postmaster.pid"
    lines = note.read_text().splitlines(keepends=True)
    stop(server)
    with subprocess.Popen(["/bin/sleep", "60"]) as stranger:
        note.write_text(f"{stranger.pid}\n" + "".join(lines[1:]))
        found = ensure_running(folder)
        assert found.pid not in {stranger.pid, server.pid}
        assert stranger.poll() is None
        stranger.kill()


def test_a_torn_beginning_is_begun_anew(folder: Path):
    torn = folder / "postgres.new"
    torn.mkdir()
    (torn / "PG_VERSION").write_text("18\n")
    assert asyncio.run(ask(ensure_running(folder).dsn, "SELECT 1")) == 1


def test_stop_stops(folder: Path):
    server = ensure_running(folder)
    stop(server)
    assert gone(server.pid)
    stop(server)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's folders are closed to the server's user")
def test_what_the_servers_user_cannot_reach_is_placed_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with monkeypatch.context() as patch:
        patch.setattr(postgres_home, "OURS", folder / "ours")
        patch.setattr(postgres_home, "_can_enter", lambda path, _user: "ours" in path.parts)
        server = ensure_running(closed / "var")
        assert asyncio.run(ask(server.dsn, "SELECT 1")) == 1
        assert ensure_running(closed / "var") == server
        assert server.cluster.parent == folder / "ours"
        assert Path(f"/proc/{server.pid}/exe").readlink().is_relative_to(folder / "ours")
        stop(server)
    assert closed.stat().st_mode & 0o777 == 0o700
