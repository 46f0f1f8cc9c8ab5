"""The command line: what an administrator does, and what starts the service."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from msgspec import ValidationError

from alerts.climbing import Climbed, climb, sweep_time
from alerts.tickets_demo import seed_desk
from checkpoint.account_command import add_arguments as add_account
from checkpoint.account_command import run_account
from checkpoint.app import FLOORS, MIGRATIONS, ROOT
from checkpoint.doctor import examine
from checkpoint.keeping import retention_command, vault_command
from checkpoint.keys import add_arguments as add_key_arguments
from checkpoint.keys import change_keys
from checkpoint.sandbox_command import prepare
from checkpoint.scenario_command import add_arguments as add_scenario
from checkpoint.scenario_command import scenario_command
from checkpoint.serving import port_is_free, serve
from checkpoint.simulate import add_arguments as add_simulation
from checkpoint.simulate import simulate
from checkpoint.verifying import add_arguments as add_verification
from checkpoint.verifying import verify_command
from closedloop.demo_visits import seed_visits
from closedloop.reporting import Office
from closedloop.tracing_demo import seed_tracing
from kernel.backup import BackupError, dump, load
from kernel.clock import SystemClock
from kernel.db import connected
from kernel.errors import Refused
from kernel.i18n import load_catalogues, t, use_locale
from kernel.keyring import DamagedKeyError, WrongKeyError, unlock
from kernel.migrate import migrate
from kernel.postgres import CannotStartError, ensure_running, is_running, stop
from kernel.privacy import Vault, load_master_key
from kernel.settings import BadSettingError, Settings, read_settings
from registry.accounts import HOMES, account_named, create_device, issue_token
from registry.demo import DemoLogins, seed
from registry.model import Role
from registry.world import WorldCache

KEYS = (WrongKeyError, DamagedKeyError)

Command = Callable[[argparse.Namespace, Settings], int]


def main() -> int:
    arguments = _parser().parse_args()
    try:
        return arguments.run(arguments, read_settings(os.environ))
    except (BadSettingError, CannotStartError, BackupError, ValidationError, *KEYS) as error:
        print(error, file=sys.stderr)
        return 2
    except Refused as refused:
        load_catalogues([ROOT / floor / "locale" for floor in FLOORS])
        with use_locale("en"):
            print(t(f"error.{refused.code}", **refused.facts), file=sys.stderr)
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
    command("sweep", _sweep, "take every limit up the ladder, each step once")
    token = command("token", _token, "enrol a device, or let an account in; prints a token, once")
    holder = token.add_mutually_exclusive_group(required=True)
    holder.add_argument("--place", type=int, help="a device of this place")
    holder.add_argument("--account", help="the log-in of an account")
    token.add_argument("--role", choices=("lane", "firm", "camera"), default="lane")
    token.add_argument("--name", default="device")
    add_account(
        command("account", _account, "add, disable or let in an account, without the pages")
    )
    add_scenario(command("scenario", _scenario, "install a scenario pack, or try it in shadow"))
    saved = command("backup", _backup, "the whole database into one file (not the master key)")
    saved.add_argument("file", type=Path)
    restored = command("restore", _restore, "a backup into an empty database")
    restored.add_argument("file", type=Path)
    add_key_arguments(command("key", _key, "the keys that sign offline passes"))
    add_simulation(command("simulate", simulate, "drive trucks through a running server"))
    kept = command("vault", _vault, "the keys that seal personal data")
    kept.add_argument("action", choices=("list", "new-key", "rewrap"))
    erased = command("retention", _retention, "erase what has been kept long enough, now")
    erased.add_argument("--dry-run", action="store_true", help="only say how many are due")
    add_verification(command("verify", _verify, "read ledger and record of accesses against seals"))
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
    if arguments.demo:
        os.environ.setdefault("CHECKPOINT_SMS", "console")
        os.environ.setdefault("CHECKPOINT_SANDBOX", "1")
        settings = read_settings(os.environ)
    # The server sends itself the signal again that ended it; this way what follows still runs.
    signal.signal(signal.SIGTERM, _leave)
    # A server found running was left by a serve that was killed: it is ours to stop.
    with _database(settings, stops=True) as dsn:
        asyncio.run(migrate(dsn, MIGRATIONS))
        if arguments.demo:
            _print_logins(settings, asyncio.run(_seed_demo(settings, dsn)))
        if settings.sandbox:
            kept = asyncio.run(prepare(settings, dsn, MIGRATIONS, SystemClock().now()))
            print(
                f"Sandbox for programs under {settings.public_url}/sandbox/api/v1, tokens in {kept}"
            )
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
        done = asyncio.run(_sweep_once(settings, dsn))
    print(f"flagged {done.raised}, looked into {done.looked_into}, referred {done.referred}")
    return 0


def _token(arguments: argparse.Namespace, settings: Settings) -> int:
    with _database(settings) as dsn:
        token = asyncio.run(_let_in(dsn, arguments))
    print(token)
    return 0


def _account(arguments: argparse.Namespace, settings: Settings) -> int:
    with _database(settings) as dsn:
        print(asyncio.run(run_account(arguments, settings, dsn)))
    return 0


def _scenario(arguments: argparse.Namespace, settings: Settings) -> int:
    with _database(settings) as dsn:
        print(asyncio.run(scenario_command(dsn, arguments)))
    return 0


def _backup(arguments: argparse.Namespace, settings: Settings) -> int:
    with _database(settings) as dsn:
        dump(dsn, arguments.file)
    print(f"{arguments.file}: {arguments.file.stat().st_size} bytes. Keep the master key apart.")
    return 0


def _restore(arguments: argparse.Namespace, settings: Settings) -> int:
    with _database(settings) as dsn:
        load(dsn, arguments.file)
    print("Restored. Put the master key of that database in its place before you serve.")
    return 0


def _key(arguments: argparse.Namespace, settings: Settings) -> int:
    vault = Vault(load_master_key(settings))
    with _database(settings) as dsn:
        print(asyncio.run(change_keys(dsn, vault, arguments, SystemClock().now())))
    return 0


def _vault(arguments: argparse.Namespace, settings: Settings) -> int:
    with _database(settings) as dsn:
        print("\n".join(asyncio.run(vault_command(arguments.action, settings, dsn))))
    return 0


def _retention(arguments: argparse.Namespace, settings: Settings) -> int:
    with _database(settings) as dsn:
        print("\n".join(asyncio.run(retention_command(dsn, dry_run=arguments.dry_run))))
    return 0


def _verify(arguments: argparse.Namespace, settings: Settings) -> int:
    with _database(settings) as dsn:
        said, whole = asyncio.run(verify_command(arguments, settings, dsn))
    print("\n".join(said))
    return 0 if whole else 1


def _doctor(_: argparse.Namespace, settings: Settings) -> int:
    files = sorted(path.name for path in MIGRATIONS.glob("*.sql"))
    with _database(settings) as dsn:
        findings = asyncio.run(examine(settings, dsn, files, SystemClock().now()))
    print("\n".join(findings) if findings else "Nothing is wrong.")
    return 1 if findings else 0


async def _seed_demo(settings: Settings, dsn: str) -> DemoLogins:
    vault, now = Vault(load_master_key(settings)), SystemClock().now()
    async with connected(dsn) as conn, conn.transaction():
        await unlock(conn, vault, now)
        logins = await seed(conn, vault, now, settings.data_dir)
        await seed_tracing(conn, now)
        office = Office(cache=WorldCache(), vault=vault, city=settings.city)
        await seed_visits(conn, office, sorted(logins.venue_tokens), now)
        await seed_desk(conn, office, now)
        return logins


async def _sweep_once(settings: Settings, dsn: str) -> Climbed:
    vault = Vault(load_master_key(settings))
    office = Office(cache=WorldCache(), vault=vault, city=settings.city)
    async with connected(dsn) as conn:
        return await climb(conn, office, await sweep_time(conn, SystemClock()))


async def _let_in(dsn: str, arguments: argparse.Namespace) -> str:
    now, label = SystemClock().now(), arguments.name
    async with connected(dsn) as conn, conn.transaction():
        if arguments.account:
            account_id = await account_named(conn, arguments.account)
            return await issue_token(conn, account_id=account_id, label=label, now=now)
        device_id = await create_device(
            conn, name=label, place_id=arguments.place, role=arguments.role, now=now
        )
        return await issue_token(conn, device_id=device_id, label=label, now=now)


def _print_logins(settings: Settings, demo: DemoLogins) -> None:
    """One line a role; the same passwords at every start (they stand in logins.txt)."""
    homes = dict(HOMES)
    print(f"\nDemo city. Log in at {settings.public_url}/login\n")
    for each in demo.logins:
        home = homes[Role(each.role)]
        print(f"  {each.role:<10} {each.login:<12} {each.password:<16} {home:<18} {each.place}")
    print(f"\nA driver reports, without a log-in, at {settings.public_url}/d/new")
    print(f"Passwords and device tokens are kept in {settings.data_dir / 'logins.txt'}\n")


if __name__ == "__main__":
    sys.exit(main())
