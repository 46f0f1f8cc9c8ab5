"""The command line: `checkpoint serve|migrate|seed|sweep|token|simulate|doctor`."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType

import asyncpg

from alerts.overdue import sweep_all
from checkpoint.app import MIGRATIONS
from checkpoint.doctor import examine
from checkpoint.serving import port_is_free, serve
from checkpoint.simulate import add_arguments as add_simulation
from checkpoint.simulate import simulate
from kernel.clock import SystemClock
from kernel.db import Connection, clean_dsn, prepare
from kernel.migrate import migrate
from kernel.postgres import CannotStartError, ensure_running, is_running, stop
from kernel.privacy import Vault, load_master_key
from kernel.settings import BadSettingError, Settings, read_settings
from registry.accounts import create_device, issue_token
from registry.demo import DemoLogins, seed

Command = Callable[[argparse.Namespace, Settings], int]


def main() -> int:
    arguments = _parser().parse_args()
    try:
        return arguments.run(arguments, read_settings(os.environ))
    except (BadSettingError, CannotStartError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="checkpoint", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Command, says: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=says, description=says)
        made.set_defaults(run=run)
        return made

    served = command("serve", _serve, "migrate, and serve until Ctrl-C")
    served.add_argument("--demo", action="store_true", help="with the demo city and its log-ins")
    served.add_argument("--workers", type=int, default=0, help="processes (CHECKPOINT_WORKERS)")
    command("migrate", _migrate, "bring the database up to date")
    command("seed", _seed, "put the demo city into the database; what is there is kept")
    command("sweep", _sweep, "flag every limit that has passed, once")
    token = command("token", _token, "enrol a device of a place and print its token, once")
    token.add_argument("--place", type=int, required=True)
    token.add_argument("--role", choices=("lane", "firm"), required=True)
    token.add_argument("--name", default="device")
    add_simulation(command("simulate", simulate, "drive trucks through a running server"))
    command("doctor", _doctor, "say in words what is wrong")
    return parser


@contextmanager
def _database(settings: Settings, *, stops: bool = False) -> Generator[str]:
    """The address of the database: the one that is set, else our own.

    Ours is started where it does not run, and stopped again by whoever started it.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    was_running = is_running(settings.data_dir)
    ours = ensure_running(settings.data_dir)
    try:
        yield ours.dsn
    finally:
        if not was_running or stops:
            stop(ours)


def _serve(arguments: argparse.Namespace, settings: Settings) -> int:
    if not port_is_free(settings):
        print(
            f"Port {settings.port} is taken. Choose another: PORT={settings.port + 1} make run",
            file=sys.stderr,
        )
        return 2
    if arguments.workers:
        os.environ["CHECKPOINT_WORKERS"] = str(arguments.workers)
        settings = read_settings(os.environ)
    # The server sends itself the signal again that ended it; this way what follows still runs.
    signal.signal(signal.SIGTERM, _leave)
    # A server found running was left by a serve that was killed: it is ours to stop.
    with _database(settings, stops=True) as dsn:
        asyncio.run(migrate(dsn, MIGRATIONS))
        if arguments.demo:
            _print_logins(settings, asyncio.run(_seed_demo(settings, dsn)))
        print(f"Serving on {settings.public_url} — Ctrl-C stops everything.", flush=True)
        serve(settings, dsn)
    return 0


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _migrate(_: argparse.Namespace, settings: Settings) -> int:
    with _database(settings) as dsn:
        applied = asyncio.run(migrate(dsn, MIGRATIONS))
    print("\n".join(applied) if applied else "Up to date.")
    return 0


def _seed(_: argparse.Namespace, settings: Settings) -> int:
    with _database(settings) as dsn:
        asyncio.run(migrate(dsn, MIGRATIONS))
        _print_logins(settings, asyncio.run(_seed_demo(settings, dsn)))
    return 0


def _sweep(_: argparse.Namespace, settings: Settings) -> int:
    with _database(settings) as dsn:
        flagged = asyncio.run(_sweep_once(dsn))
    print(f"flagged {flagged}")
    return 0


def _token(arguments: argparse.Namespace, settings: Settings) -> int:
    with _database(settings) as dsn:
        token = asyncio.run(_enrol(dsn, arguments.place, arguments.role, arguments.name))
    print(token)
    return 0


def _doctor(_: argparse.Namespace, settings: Settings) -> int:
    files = sorted(path.name for path in MIGRATIONS.glob("*.sql"))
    with _database(settings) as dsn:
        findings = asyncio.run(examine(settings, dsn, files, SystemClock().now()))
    print("\n".join(findings) if findings else "Nothing is wrong.")
    return 1 if findings else 0


@asynccontextmanager
async def _connected(dsn: str) -> AsyncGenerator[Connection]:
    conn = await asyncpg.connect(clean_dsn(dsn))
    try:
        await prepare(conn)
        yield conn
    finally:
        await conn.close()


async def _seed_demo(settings: Settings, dsn: str) -> DemoLogins:
    vault = Vault(load_master_key(settings))
    async with _connected(dsn) as conn, conn.transaction():
        return await seed(conn, vault, SystemClock().now(), settings.data_dir)


async def _sweep_once(dsn: str) -> int:
    async with _connected(dsn) as conn:
        return await sweep_all(conn, SystemClock().now())


async def _enrol(dsn: str, place_id: int, role: str, name: str) -> str:
    now = SystemClock().now()
    async with _connected(dsn) as conn, conn.transaction():
        device_id = await create_device(conn, name=name, place_id=place_id, role=role, now=now)
        return await issue_token(conn, device_id=device_id, label=name, now=now)


def _print_logins(settings: Settings, demo: DemoLogins) -> None:
    """One line a role; the same passwords at every start (they stand in logins.txt)."""
    homes = {"lane": "/gate", "desk": "/desk", "firm": "/firm", "duty": "/duty"}
    print(f"\nDemo city. Log in at {settings.public_url}/login\n")
    for each in demo.logins:
        home = homes.get(each.role, "/reg/applications" if each.role == "registrar" else "/")
        print(f"  {each.role:<10} {each.login:<12} {each.password:<16} {home:<18} {each.place}")
    print(f"\nA driver reports, without a log-in, at {settings.public_url}/d/new")
    print(f"Passwords and device tokens are kept in {settings.data_dir / 'logins.txt'}\n")


if __name__ == "__main__":
    sys.exit(main())
