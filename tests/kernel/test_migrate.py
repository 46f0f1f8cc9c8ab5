import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from kernel.migrate import MigrationRefusedError, migrate
from tests.support import MIGRATIONS, drop_database, make_database


@pytest.fixture
def empty(server: str) -> Iterator[str]:
    made = asyncio.run(make_database(server))
    yield made
    asyncio.run(drop_database(server, made))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_one.sql").write_text("CREATE TABLE one (n int); CREATE INDEX ON one (n);")
    (tmp_path / "0002_two.sql").write_text("CREATE TABLE two (n int);")
    return tmp_path


async def tables(dsn: str) -> list[str]:
    conn = await asyncpg.connect(dsn)
    rows = await conn.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    )
    await conn.close()
    return [row["tablename"] for row in rows]


async def test_files_are_applied_once_and_in_order(empty: str, folder: Path):
    assert await migrate(empty, folder) == ["0001_one.sql", "0002_two.sql"]
    assert await migrate(empty, folder) == []
    (folder / "0003_three.sql").write_text("CREATE TABLE three (n int);")
    assert await migrate(empty, folder) == ["0003_three.sql"]
    assert await tables(empty) == ["one", "three", "two"]


async def test_four_that_start_together_apply_once(empty: str, folder: Path):
    applied = await asyncio.gather(*(migrate(empty, folder) for _ in range(4)))
    assert sorted(map(len, applied)) == [0, 0, 0, 2]


async def test_an_edited_file_is_refused(empty: str, folder: Path):
    await migrate(empty, folder)
    (folder / "0001_one.sql").write_text("CREATE TABLE one (n bigint);")
    (folder / "0003_three.sql").write_text("CREATE TABLE three (n int);")
    with pytest.raises(MigrationRefusedError, match=r"0001_one.sql .* edited"):
        await migrate(empty, folder)
    assert await tables(empty) == ["one", "two"]


async def test_a_missing_file_is_refused(empty: str, folder: Path):
    await migrate(empty, folder)
    (folder / "0002_two.sql").unlink()
    with pytest.raises(MigrationRefusedError, match=r"0002_two.sql .* missing"):
        await migrate(empty, folder)


async def test_a_file_that_comes_too_late_is_refused(empty: str, folder: Path):
    await migrate(empty, folder)
    (folder / "0001_a_late_one.sql").write_text("CREATE TABLE late (n int);")
    with pytest.raises(MigrationRefusedError, match="rename"):
        await migrate(empty, folder)


async def test_a_missing_folder_is_refused(empty: str, tmp_path: Path):
    with pytest.raises(MigrationRefusedError, match="no migrations folder"):
        await migrate(empty, tmp_path / "nowhere")


async def test_a_file_that_fails_leaves_nothing_and_frees_the_lock(empty: str, folder: Path):
    (folder / "0002_two.sql").write_text("CREATE TABLE two (n int); CREATE TABLE one (n int);")
    with pytest.raises(asyncpg.DuplicateTableError):
        await migrate(empty, folder)
    assert await tables(empty) == ["one"]
    (folder / "0002_two.sql").write_text("CREATE TABLE two (n int);")
    async with asyncio.timeout(10):
        assert await migrate(empty, folder) == ["0002_two.sql"]


async def test_an_open_connection_can_be_given(empty: str):
    conn = await asyncpg.connect(empty)
    names = await migrate(conn, MIGRATIONS)
    held = await conn.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
    await conn.close()
    assert names == sorted(file.name for file in MIGRATIONS.glob("*.sql"))
    assert held == 0
