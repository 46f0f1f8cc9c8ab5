"""Senders that are killed at any moment lose no message; what comes twice carries the same id.

CHECKPOINT_FAULT_KILLS and CHECKPOINT_FAULT_MESSAGES make a longer run.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random
from uuid import uuid4

import asyncpg
import pytest

from kernel.channels import NewChannel, add_channel
from kernel.db import SERVER_SETTINGS, prepare
from kernel.keyring import unlock
from kernel.outbox import post
from kernel.outgoing import allowed
from kernel.privacy import Vault
from tests.http import MASTER_KEY
from tests.kernel.receivers import receiving
from tests.support import REPOSITORY

KILLS = int(os.environ.get("CHECKPOINT_FAULT_KILLS", "6"))
MESSAGES = int(os.environ.get("CHECKPOINT_FAULT_MESSAGES", "300"))
#: A lease of ninety seconds is over in half a second.
WARP = 180.0
PATIENCE = 40.0


@contextmanager
def messenger(dsn: str, kind: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.messenger", dsn, kind, str(WARP)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    try:
        yield process
    finally:
        ended = process.poll()
        process.kill()
        process.communicate()
        assert ended is None, "a messenger ended by itself"


async def _prepare(dsn: str, url: str) -> None:
    conn = await asyncpg.connect(dsn, server_settings=SERVER_SETTINGS)
    await prepare(conn)
    vault, now = Vault(MASTER_KEY), datetime.now(UTC)
    await unlock(conn, vault, now)
    await conn.execute("INSERT INTO kernel.heartbeat (name, beat_at) VALUES ('warp', $1)", now)
    said = NewChannel(
        id=uuid4(), name="x", kind="webhook", address=url, audience=("duty",), per_hour=3600
    )
    await add_channel(conn, vault, said, allowed(["127.0.0.0/8"]), uuid4(), now)
    for number in range(MESSAGES):
        await post(conn, kind="x", key=str(number), recipient="duty", facts={}, now=now)
    await conn.close()


async def _ids(dsn: str) -> set[str]:
    conn = await asyncpg.connect(dsn)
    rows = await conn.fetch("SELECT id::text FROM kernel.outbox")
    await conn.close()
    return {row["id"] for row in rows}


def heard_of(dsn: str, kind: str, kills: int) -> tuple[set[str], list[str]]:
    """The ids that were meant, and those that came, after so many kills."""
    random = Random(kills)
    with receiving() as hook:
        asyncio.run(_prepare(dsn, hook.url))
        for _ in range(kills):
            with messenger(dsn, kind):
                time.sleep(random.uniform(0.02, 0.25))
        meant = asyncio.run(_ids(dsn))
        with messenger(dsn, kind):
            ends = time.monotonic() + (PATIENCE if kind == "ours" else 5)
            while set(hook.ids) != meant and time.monotonic() < ends:
                time.sleep(0.1)
        return meant, hook.ids


@pytest.mark.slow
def test_no_message_is_lost_whoever_is_killed(cloned: str) -> None:
    meant, came = heard_of(cloned, "ours", KILLS)
    assert set(came) == meant
    print(
        f"messages: meant={len(meant)} kills={KILLS} lost=0 "
        f"repeated={len(came) - len(meant)}, each under its own id"
    )


@pytest.mark.slow
def test_a_sender_that_marks_first_is_found_to_lose(cloned: str) -> None:
    meant, came = heard_of(cloned, "careless", KILLS)
    assert set(came) < meant
