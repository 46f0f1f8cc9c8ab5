"""The command line, on a database of its own."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from registry.rules import SCENARIOS
from tests.support import REPOSITORY, drop_database, make_database, run_on


def run(dsn: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = {"DATABASE_URL": dsn, "CHECKPOINT_DATA": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "checkpoint", *arguments],
        cwd=REPOSITORY,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def value(dsn: str, query: str) -> object:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(query)
    finally:
        await conn.close()


@pytest.mark.timeout(400)
async def test_an_empty_database_is_brought_up_filled_saved_and_brought_back(
    server: str, tmp_path: Path
) -> None:
    dsn, other = await make_database(server), await make_database(server)
    try:
        assert run(dsn, tmp_path, "migrate").stdout.startswith("0001_kernel.sql")
        assert run(dsn, tmp_path, "migrate").stdout == "Up to date.\n"
        seeded = run(dsn, tmp_path, "seed")
        assert "registrar" in seeded.stdout, seeded.stderr
        assert stat.S_IMODE((tmp_path / "logins.txt").stat().st_mode) == 0o600
        assert "flagged 0" in run(dsn, tmp_path, "sweep").stdout
        assert (
            await value(dsn, "SELECT count(*) FROM registry.place WHERE kind = 'checkpoint'") == 11
        )

        saved = tmp_path / "city.backup"
        assert run(dsn, tmp_path, "backup", str(saved)).returncode == 0
        assert stat.S_IMODE(saved.stat().st_mode) == 0o600
        restored = run(other, tmp_path, "restore", str(saved))
        assert restored.returncode == 0, restored.stderr
        count = "SELECT count(*) FROM registry.road_time"
        assert await value(other, count) == await value(dsn, count)
        again = run(other, tmp_path, "restore", str(saved))
        assert again.returncode == 2, "a restore over data that is there must be refused"
    finally:
        await drop_database(server, dsn)
        await drop_database(server, other)


async def test_devices_and_accounts_are_let_in_and_strangers_are_not(
    cloned: str, tmp_path: Path
) -> None:
    assert run(cloned, tmp_path, "seed").returncode == 0
    place = await value(cloned, "SELECT min(id) FROM registry.place")
    assert len(run(cloned, tmp_path, "token", "--place", str(place)).stdout.strip()) > 30
    assert len(run(cloned, tmp_path, "token", "--account", "duty").stdout.strip()) > 30
    stranger = run(cloned, tmp_path, "token", "--account", "nobody")
    assert stranger.returncode == 2
    assert "no such account" in stranger.stderr


async def test_a_scenario_is_installed_on_trial_or_in_force(cloned: str, tmp_path: Path) -> None:
    pack = str(SCENARIOS / "epidemic-huiji.json")
    assert "on trial" in run(cloned, tmp_path, "scenario", "install", pack).stdout
    assert "in force" in run(cloned, tmp_path, "scenario", "install", pack, "--in-force").stdout
    broken = tmp_path / "broken.json"
    tried = run(cloned, tmp_path, "scenario", "shadow", pack, "--list", str(tmp_path / "list.csv"))
    assert "0 scans" in tried.stdout
    assert (tmp_path / "list.csv").read_text("utf-8").startswith("movement_id,")
    broken.write_text('{"scenario": 5}')
    refused = run(cloned, tmp_path, "scenario", "install", str(broken))
    assert refused.returncode == 2
    assert "scenario" in refused.stderr


async def test_the_doctor_says_what_is_wrong(cloned: str, server: str, tmp_path: Path) -> None:
    assert "No rule set is in force" in run(cloned, tmp_path, "doctor").stdout
    empty = await make_database(server)
    assert "checkpoint migrate" in run(empty, tmp_path, "doctor").stdout
    await drop_database(server, empty)
    nowhere = run("postgresql://nobody@127.0.0.1:1/none", tmp_path, "doctor")
    assert nowhere.returncode == 1
    assert "does not answer" in nowhere.stdout


async def test_the_doctor_counts_messages_that_were_given_up(cloned: str, tmp_path: Path) -> None:
    assert "given up" not in run(cloned, tmp_path, "doctor").stdout
    lost = """
        INSERT INTO kernel.outbox (id, key, kind, recipient, facts, created_at, next_at, gave_up_at)
        SELECT gen_random_uuid(), n::text, 'pass_issued', 'phone', '{}', now() - ago, now(),
               now() - ago + took
          FROM (VALUES (1, interval '26 hours', interval '25 hours'),
                       (2, interval '40 hours', interval '24 hours 1 minute'),
                       (3, interval '60 hours', interval '25 hours'),
                       (4, interval '1 hour', interval '0 hours')) AS m (n, ago, took)
        """
    await run_on(cloned, lost)
    found = run(cloned, tmp_path, "doctor")
    assert found.returncode == 1
    assert "2 messages were given up in the last day" in found.stdout
    await run_on(cloned, "DELETE FROM kernel.outbox WHERE key = '1'")
    assert "1 message was given up" in run(cloned, tmp_path, "doctor").stdout


async def test_the_keys_of_passes_are_listed_changed_and_withdrawn(
    cloned: str, tmp_path: Path
) -> None:
    def key(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run(cloned, tmp_path, "key", *arguments)

    assert key("list").stdout.startswith("No key yet")
    assert "  1  signs since" in key("rotate", "--in-hours", "0").stdout
    first, second = reversed(key("rotate").stdout.splitlines())
    assert "signs since" in first
    assert "  2  signs from" in second
    refused = key("rotate")
    assert refused.returncode == 2
    assert "Retire the older one (number 1)" in refused.stderr
    assert [line[:14] for line in key("retire", "1").stdout.splitlines()] == [
        "  2  signs sin",
        "  1  retired 2",
    ]
    assert key("retire", "7").returncode == 2

    conn = await asyncpg.connect(cloned)
    await conn.execute("INSERT INTO kernel.fact (name, value) VALUES ('master_key', 'another')")
    await conn.close()
    refused = key("rotate")
    assert refused.returncode == 2
    assert "master key" in refused.stderr


async def test_the_first_people_of_a_fresh_server_come_by_command(
    server: str, tmp_path: Path
) -> None:
    dsn = await make_database(server)
    try:
        run(dsn, tmp_path, "migrate")
        add = ("account", "add", "wang", "--name", "王管理", "--role", "admin")
        made = run(dsn, tmp_path, *add)
        assert "/invite/" in made.stdout, made.stderr
        assert await value(dsn, "SELECT roles FROM registry.account") == ["admin"]
        assert await value(dsn, "SELECT action FROM kernel.audit") == "add_account"
        for wrong in (
            add,
            (*add[:2], "li", *add[3:], "--role", "security"),
            (*add[:2], "li", "--name", "x", "--role", "lane"),
            (*add[:2], "li", "--name", "x", "--role", "lane", "--place", "7"),
            (*add[:2], "li", "--name", "x", "--role", "duty", "--district", "999999"),
            ("account", "link", "nobody"),
        ):
            refused = run(dsn, tmp_path, *wrong)
            assert refused.returncode == 2, wrong
            assert "Traceback" not in refused.stderr
        again = run(dsn, tmp_path, "account", "link", "wang", "--drop-factor")
        assert again.stdout.startswith("http")
        assert await value(dsn, "SELECT count(*) FROM registry.account_link") == 1
        assert run(dsn, tmp_path, "account", "disable", "wang").returncode == 2, "the last one"
        run(dsn, tmp_path, *(*add[:2], "zhou", *add[3:]))
        assert "disabled" in run(dsn, tmp_path, "account", "disable", "wang").stdout
    finally:
        await drop_database(server, dsn)
