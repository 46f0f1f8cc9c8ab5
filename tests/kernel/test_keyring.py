"""Data keys under the master key: one ring a database, whatever starts, fails or is altered."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from kernel import keyring
from kernel.db import Connection, prepare
from kernel.errors import Conflict, NotFound, Unavailable
from kernel.keyring import DamagedKeyError, WrongKeyError, destroy, new_key, refresh, rewrap, unlock
from kernel.privacy import Vault, load_master_key
from kernel.settings import read_settings
from tests.conftest import NOON

KEY, OTHER = bytes(range(32)), bytes(reversed(range(32)))
NAME = "李小龙"


async def unlocked(conn: Connection, key: bytes = KEY) -> Vault:
    vault = Vault(key)
    await unlock(conn, vault, NOON)
    return vault


async def test_the_first_start_makes_a_ring_that_changes_no_look_up(conn: Connection) -> None:
    bare, vault = Vault(KEY), await unlocked(conn)
    old = bare.seal(NAME, field="person_name")
    assert vault.open(old, field="person_name") == NAME
    assert vault.blind("a", field="f") == bare.blind("a", field="f")
    assert vault.mac("pass", b"a") == bare.mac("pass", b"a")
    assert vault.fingerprint() == bare.fingerprint()
    sealed = vault.seal(NAME, field="person_name")
    assert sealed[0] == 0
    assert int.from_bytes(sealed[1:5]) == 2
    with pytest.raises(Unavailable) as caught:
        bare.open(sealed, field="person_name")
    assert caught.value.code == "sealed_key_unknown"


async def test_another_start_finds_the_same_ring(conn: Connection) -> None:
    one, two = await unlocked(conn), await unlocked(conn)
    assert one.ring == two.ring
    assert two.open(one.seal(NAME, field="f"), field="f") == NAME
    assert KEY not in str(one.ring).encode()


async def test_no_byte_of_an_enveloped_value_can_be_altered(conn: Connection) -> None:
    vault = await unlocked(conn)
    sealed = vault.seal("410221199001011239", field="person_id")
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises((Unavailable, Conflict)):
            vault.open(bytes(altered), field="person_id")
    with pytest.raises(Unavailable):
        vault.open(sealed, field="person_name")
    for length in range(len(sealed)):
        with pytest.raises(Unavailable):
            vault.open(sealed[:length], field="person_id")


async def test_a_new_key_seals_only_when_every_worker_knows_it(conn: Connection) -> None:
    writer, reader = await unlocked(conn), await unlocked(conn)
    made = await new_key(conn, writer, NOON)
    await refresh(conn, writer, NOON)
    assert writer.seal(NAME, field="f")[4] == 2
    late = NOON + keyring.KNOWN_AFTER
    await refresh(conn, reader, late - timedelta(seconds=1))
    await refresh(conn, writer, late)
    sealed = writer.seal(NAME, field="f")
    assert sealed[4] == made.id == 3
    assert reader.open(sealed, field="f") == NAME


async def test_the_master_key_changes_and_nothing_that_was_sealed_or_looked_up(
    conn: Connection,
) -> None:
    before = await unlocked(conn)
    bare, sealed = Vault(KEY).seal(NAME, field="f"), before.seal(NAME, field="f")
    assert await rewrap(conn, Vault(KEY), Vault(OTHER)) == 2
    after = await unlocked(conn, OTHER)
    assert after.open(sealed, field="f") == NAME
    assert after.open(bare, field="f") == NAME
    assert after.blind("a", field="f") == before.blind("a", field="f")
    assert after.mac("pass", b"a") == before.mac("pass", b"a")
    with pytest.raises(WrongKeyError):
        await unlocked(conn, KEY)
    with pytest.raises(WrongKeyError):
        await rewrap(conn, Vault(KEY), Vault(OTHER))
    with pytest.raises(DamagedKeyError):
        await refresh(conn, before, NOON)
    assert before.open(sealed, field="f") == NAME, "a worker under way keeps its keys"


async def test_what_a_destroyed_key_sealed_is_gone_and_the_rest_is_not(conn: Connection) -> None:
    vault = await unlocked(conn)
    old = vault.seal(NAME, field="f")
    with pytest.raises(Conflict) as caught:
        await destroy(conn, 2, NOON)
    assert caught.value.code == "data_key_in_use"
    await new_key(conn, vault, NOON)
    later = NOON + keyring.KNOWN_AFTER
    await refresh(conn, vault, later)
    new = vault.seal(NAME, field="f")
    await destroy(conn, 2, later)
    for reader in (vault, Vault(KEY)):
        await refresh(conn, reader, later)
        assert reader.read(old, field="f") is None
        with pytest.raises(Conflict) as caught:
            reader.open(old, field="f")
        assert caught.value.code == "erased"
        assert reader.read(new, field="f") == NAME
    assert await conn.fetchval("SELECT wrapped FROM kernel.data_key WHERE id = 2") is None
    with pytest.raises(Conflict):
        await destroy(conn, 1, later)
    with pytest.raises(NotFound):
        await destroy(conn, 99, later)


async def test_a_master_key_file_that_was_lost_and_made_anew_opens_no_door(
    conn: Connection, tmp_path: Path
) -> None:
    settings = read_settings({"CHECKPOINT_DATA": str(tmp_path)})
    await unlocked(conn, load_master_key(settings))
    (tmp_path / "master.key").unlink()
    with pytest.raises(WrongKeyError):
        await unlocked(conn, load_master_key(settings))


async def test_a_wrong_master_key_is_refused_and_adds_no_key(conn: Connection) -> None:
    await unlocked(conn)
    with pytest.raises(WrongKeyError):
        await unlocked(conn, OTHER)
    assert await conn.fetchval("SELECT count(*) FROM kernel.data_key") == 2


@pytest.mark.parametrize(
    "altered",
    [
        "wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1)",
        "wrapped = set_byte(wrapped, 0, get_byte(wrapped, 0) # 1)",
        "wrapped = substring(wrapped for 9)",
        "wrapped = (SELECT wrapped FROM kernel.data_key WHERE id = 1)",
    ],
)
async def test_a_wrapped_key_that_was_altered_is_named(conn: Connection, altered: str) -> None:
    await unlocked(conn)
    await conn.execute(f"UPDATE kernel.data_key SET {altered} WHERE id = 2")
    with pytest.raises(DamagedKeyError, match="Data key 2"):
        await unlocked(conn)


async def start_at_once(dsn: str, count: int) -> list[Vault]:
    conns = [await asyncpg.connect(dsn) for _ in range(count)]
    for conn in conns:
        await prepare(conn)
    try:
        vaults = [Vault(KEY) for _ in conns]
        jobs = [unlock(c, v, NOON) for c, v in zip(conns, vaults, strict=True)]
        await asyncio.gather(*jobs)
        return vaults
    finally:
        for conn in conns:
            await conn.close()


async def test_workers_that_start_at_once_on_an_empty_database_have_one_ring(cloned: str) -> None:
    vaults = await start_at_once(cloned, 6)
    assert len({vault.seal(NAME, field="f")[:5] for vault in vaults}) == 1
    sealed = vaults[0].seal(NAME, field="f")
    assert [vault.open(sealed, field="f") for vault in vaults] == [NAME] * 6
    assert all(vault.ring == vaults[0].ring for vault in vaults)


async def test_without_the_lock_workers_that_start_at_once_do_not_agree(
    cloned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unlocked_start(_: Connection) -> None:
        await asyncio.sleep(0)

    # The first to write the fingerprint would hold the others up as well.
    conn = await asyncpg.connect(cloned)
    await keyring.check_fingerprint(conn, Vault(KEY))
    await conn.close()

    monkeypatch.setattr(keyring, "_one_at_a_time", unlocked_start)
    found = []
    read = keyring.read_keys

    async def slowly(conn: Connection) -> list[keyring.DataKey]:
        keys = await read(conn)
        found.append(len(keys))
        await asyncio.sleep(0.2)
        return keys

    monkeypatch.setattr(keyring, "read_keys", slowly)
    with pytest.raises(asyncpg.UniqueViolationError):
        await start_at_once(cloned, 4)
    assert found[:4] == [0, 0, 0, 0]


async def test_keys_in_the_database_are_never_plain(conn: Connection) -> None:
    vault = await unlocked(conn)
    assert vault.ring is not None
    plain = [vault.ring.root, *vault.ring.keys.values()]
    rows = await conn.fetch("SELECT to_jsonb(k)::text AS row, wrapped FROM kernel.data_key k")
    assert len(rows) == 2
    for row in rows:
        assert not any(key in row["wrapped"] or key.hex() in row["row"] for key in plain)


def test_nothing_is_sealed_by_a_key_that_is_not_there() -> None:
    value = b"\x00" + (7).to_bytes(4) + os.urandom(60)
    with pytest.raises(Unavailable) as caught:
        Vault(KEY).open(value, field="f")
    assert caught.value.code == "sealed_key_unknown"
