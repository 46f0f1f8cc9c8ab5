"""The commands for keys and for retention."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from checkpoint.keeping import retention_command, vault_command
from kernel.db import prepare
from kernel.errors import Malformed
from kernel.keyring import WrongKeyError, unlock
from kernel.privacy import Vault
from kernel.settings import Settings, read_settings
from tests.city import build

OLD, NEW = b"o" * 32, b"n" * 32


def settings(folder: Path, key: bytes, old: bytes | None = None) -> Settings:
    env = {
        "CHECKPOINT_DATA": str(folder),
        "CHECKPOINT_MASTER_KEY": base64.b64encode(key).decode(),
    }
    if old is not None:
        env["CHECKPOINT_OLD_MASTER_KEY"] = base64.b64encode(old).decode()
    return read_settings(env)


async def test_keys_are_listed_made_and_wrapped_under_another_master_key(
    cloned: str, tmp_path: Path
) -> None:
    assert len(await vault_command("list", settings(tmp_path, OLD), cloned)) == 2
    made = await vault_command("new-key", settings(tmp_path, OLD), cloned)
    assert made[0].startswith("Data key 3 seals from ")
    with pytest.raises(Malformed):
        await vault_command("rewrap", settings(tmp_path, NEW), cloned)
    with pytest.raises(WrongKeyError):
        await vault_command("rewrap", settings(tmp_path, NEW, NEW), cloned)
    said = await vault_command("rewrap", settings(tmp_path, NEW, OLD), cloned)
    assert said[0].startswith("3 data keys")
    listed = await vault_command("list", settings(tmp_path, NEW), cloned)
    assert [line.split()[0] for line in listed] == ["1", "2", "3"]
    with pytest.raises(WrongKeyError):
        await vault_command("list", settings(tmp_path, OLD), cloned)


async def test_what_is_due_is_counted_first_and_then_erased(cloned: str) -> None:
    conn = await asyncpg.connect(cloned)
    await prepare(conn)
    long_ago = datetime.now(UTC) - timedelta(days=400)
    city = await build(conn, Vault(OLD), long_ago)
    await unlock(conn, city.office.vault, long_ago)
    await conn.execute(
        "INSERT INTO kernel.session (id, data, expires_at) VALUES ('a', '', $1)", long_ago
    )
    assert "sessions              1 due" in await retention_command(cloned, dry_run=True)
    assert "sessions              1 due" in await retention_command(cloned, dry_run=True)
    assert "sessions              1 erased" in await retention_command(cloned, dry_run=False)
    assert "sessions              0 due" in await retention_command(cloned, dry_run=True)
    await conn.close()
