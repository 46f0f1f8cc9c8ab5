"""Edits by the owner of the database are found, each of them; and the search can fail.

CHECKPOINT_EDITS makes a longer run.
"""

import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from uuid import uuid4

import msgspec
import pytest

from checkpoint.verifying import STREAMS, heads_of, lines
from kernel import retention
from kernel.audit import record_accesses
from kernel.auth import Actor
from kernel.chain import Link, end_of, seal_settled
from kernel.chain_check import Checked, Head, Wrong, check_stream, read_head, show_head
from kernel.db import Connection, connected
from kernel.errors import Malformed
from kernel.privacy import Vault
from registry.ledger import EVENTS
from tests.chain_edits import EDITS, unlocked
from tests.city import City, a_report, build
from tests.conftest import NOON

EDITED = int(os.environ.get("CHECKPOINT_EDITS", "1000"))
COPIES = 40


@pytest.fixture
async def conn(cloned: str) -> AsyncIterator[Connection]:
    """Transactions must end before what they wrote is sealed: not the connection of other tests."""
    async with connected(cloned) as conn:
        yield conn


@pytest.fixture
def vault() -> Vault:
    return Vault(bytes(range(32)))


async def write_some(conn: Connection, city: City, number: int) -> None:
    """Events through the application, more of them beside, and looks at people."""
    made = await a_report(conn, city, NOON, tested=False, plate=f"豫B{number:05d}")
    await write_scans(conn, city, made.movement.movement_id)
    await record_accesses(
        conn,
        OFFICER,
        action="reveal",
        subject_kind="person",
        subjects=[str(uuid4()) for _ in range(COPIES)],
        reason="寻找货车",
        now=NOON,
    )


async def write_scans(conn: Connection, city: City, movement_id: int) -> None:
    await conn.execute(
        """
        INSERT INTO registry.event (movement_id, event_id, kind, occurred_at, received_at, place_id,
                                    gate, sequence, actor, body)
        SELECT $1, gen_random_uuid(), 'entry', $4, $4, $3, '1', n, 'device:lane',
               jsonb_build_object('card', 'green', 'n', n)
          FROM generate_series(1, $2::int) n
        """,
        movement_id,
        COPIES,
        city.north,
        NOON,
    )


SECURITY = Actor(id=uuid4(), kind="account", name="安全员", roles=frozenset({"security"}))
OFFICER = Actor(id=uuid4(), kind="account", name="值班员", roles=frozenset({"duty"}))


async def sealed_city(conn: Connection, vault: Vault) -> City:
    """Three links of events, each with a few dozen rows."""
    city = await build(conn, vault, NOON)
    for number in range(3):
        await write_some(conn, city, number)
        await retention.change(
            conn, SECURITY, name="drafts", amount=2 + number, reason="试行", now=NOON
        )
        await seal(conn, vault)
    return city


async def seal(conn: Connection, vault: Vault) -> int:
    """The first run says up to where, the second seals it."""
    first = await seal_settled(conn, vault, STREAMS, NOON)
    return first + await seal_settled(conn, vault, STREAMS, NOON)


async def check(
    conn: Connection, vault: Vault, heads: Sequence[Head] = (), now: datetime = NOON
) -> list[Checked]:
    return [await check_stream(conn, vault, stream, now, heads) for stream in STREAMS]


def findings(checked: Sequence[Checked]) -> list[Wrong]:
    return [finding.wrong for each in checked for finding in each.findings]


async def test_what_was_written_is_sealed_and_whole(conn: Connection, vault: Vault) -> None:
    city = await sealed_city(conn, vault)
    checked = {each.stream: each for each in await check(conn, vault)}
    assert findings(list(checked.values())) == []
    assert checked["events"].links == 3
    assert checked["events"].rows == 3 * (COPIES + 1)
    assert checked["accesses"].rows >= 3 * COPIES
    assert checked["keeping"].rows == 3
    await write_some(conn, city, 9)
    assert (await check(conn, vault))[0].open == COPIES + 1
    assert await seal(conn, vault) == 2
    assert await seal(conn, vault) == 0, "nothing was written since"


async def test_every_edit_is_found(conn: Connection, vault: Vault) -> None:
    await sealed_city(conn, vault)
    heads = [each.head for each in await check(conn, vault) if each.head]
    random, done = Random(31), Counter[str]()
    names = list(EDITS)
    weights = [EDITS[name][0] for name in names]
    for number in range(EDITED):
        name = names[number] if number < len(names) else random.choices(names, weights)[0]
        undo = conn.transaction()
        await undo.start()
        await unlocked(conn)
        await EDITS[name][1](conn, random)
        assert findings(await check(conn, vault, heads)), f"edit {number} was not found: {name}"
        await undo.rollback()
        done[name] += 1
    assert findings(await check(conn, vault, heads)) == []
    print(f"edits by the database's owner: {EDITED}, found {done.total()}: {dict(done)}")


async def missed(conn: Connection, vault: Vault, name: str, heads: Sequence[Head] = ()) -> bool:
    undo = conn.transaction()
    await undo.start()
    await unlocked(conn)
    await EDITS[name][1](conn, Random(7))
    found = findings(await check(conn, vault, heads))
    await undo.rollback()
    return not found


async def test_without_the_key_a_clever_edit_would_be_missed(
    conn: Connection, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sealed_city(conn, vault)
    assert not await missed(conn, vault, "a row and its leaf changed")
    monkeypatch.setattr(Link, "expected_tag", lambda self, _vault, _previous: self.tag)
    assert await missed(conn, vault, "a row and its leaf changed")


async def test_without_a_head_written_down_a_cut_end_would_be_missed(
    conn: Connection, vault: Vault
) -> None:
    await sealed_city(conn, vault)
    heads = [each.head for each in await check(conn, vault) if each.head]
    assert not await missed(conn, vault, "the end cut off", heads)
    assert await missed(conn, vault, "the end cut off")


async def test_the_tag_of_another_key_does_not_fit(conn: Connection, vault: Vault) -> None:
    await sealed_city(conn, vault)
    assert Wrong.LINK_ALTERED in findings(await check(conn, Vault(bytes(32))))


async def test_a_row_of_somebody_who_is_still_writing_waits(
    conn: Connection, vault: Vault, cloned: str
) -> None:
    """Its number is lower than those of rows that are there already."""
    city = await sealed_city(conn, vault)
    async with connected(cloned) as slow, slow.transaction():
        await write_scans(slow, city, 20)
        await write_scans(conn, city, 21)
        assert await seal(conn, vault) == 0
    assert await seal(conn, vault) == 1
    checked = (await check(conn, vault))[0]
    assert (checked.rows, checked.open) == (3 * (COPIES + 1) + 2 * COPIES, 0)
    assert findings([checked]) == []


async def test_what_is_due_may_be_gone_and_nothing_else(conn: Connection, vault: Vault) -> None:
    await sealed_city(conn, vault)
    later = NOON + timedelta(days=366)
    async with conn.transaction():
        await conn.execute("ALTER TABLE registry.event DISABLE TRIGGER USER")
        await conn.execute("DELETE FROM registry.event WHERE number % 2 = 0")
        await conn.execute("UPDATE registry.event SET gate = '9' WHERE number = 1")
    early, late = (await check(conn, vault))[0], (await check(conn, vault, (), later))[0]
    assert set(findings([early])) == {Wrong.ROW_ALTERED, Wrong.ROW_GONE}
    assert findings([late]) == [Wrong.ROW_ALTERED]
    assert late.let_go == 3 * (COPIES + 1) // 2


async def test_what_went_by_a_shorter_time_is_not_missed_when_it_is_made_longer(
    conn: Connection, vault: Vault
) -> None:
    await sealed_city(conn, vault)
    later = NOON + timedelta(days=200)
    async with conn.transaction():
        await conn.execute("ALTER TABLE registry.event DISABLE TRIGGER USER")
        await conn.execute("DELETE FROM registry.event WHERE number % 2 = 0")
    assert findings([(await check(conn, vault, (), later))[0]]) == [Wrong.ROW_GONE] * 3
    for days in (180, 365):
        await retention.change(
            conn, SECURITY, name="records", amount=days, reason="试行", now=later
        )
    assert findings([(await check(conn, vault, (), later))[0]]) == []


async def test_numbers_that_were_drawn_for_nothing_leave_no_gap(
    conn: Connection, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A portion without a row; and a row that is put there later is found."""
    monkeypatch.setattr("kernel.chain.PORTION", 10)
    city = await sealed_city(conn, vault)
    await conn.execute(
        "SELECT setval(pg_get_serial_sequence('registry.event', 'number')::regclass, 5000)"
    )
    await write_some(conn, city, 30)
    await seal(conn, vault)
    checked = (await check(conn, vault))[0]
    assert (checked.rows, checked.open, findings([checked])) == (4 * (COPIES + 1), 0, [])
    await conn.execute(
        """
        INSERT INTO registry.event (movement_id, event_id, number, kind, occurred_at, received_at,
                                    actor, body)
        VALUES (1, gen_random_uuid(), 2500, 'entry', $1, $1, 'nobody', '{}')
        """,
        NOON,
    )
    assert findings([(await check(conn, vault))[0]]) == [Wrong.ROW_ALTERED]


async def test_a_restored_database_goes_on(conn: Connection, vault: Vault) -> None:
    """Its transactions are counted anew, and those that were waited for are none of its own."""
    city = await sealed_city(conn, vault)
    await conn.execute("UPDATE kernel.link_mark SET horizon = '900000000'")
    await write_some(conn, city, 40)
    assert await seal(conn, vault) == 2
    assert findings(await check(conn, vault)) == []


async def test_heads_are_read_from_the_log(conn: Connection, vault: Vault, tmp_path: Path) -> None:
    await sealed_city(conn, vault)
    link = await end_of(conn, EVENTS)
    said = {"event": "link_sealed", "name": "events", "count": link.number, "seal": link.tag.hex()}
    log = tmp_path / "service.log"
    other = msgspec.json.encode({"event": "served", "name": "link"}).decode()
    log.write_text(f"Serving\n{other}\n{msgspec.json.encode(said).decode()}\n", "utf-8")
    assert list(heads_of(log)) == [(await check(conn, vault))[0].head]


def test_a_head_is_read_as_it_is_shown() -> None:
    head = Head(stream="events", number=12, tag=bytes(range(32)))
    assert read_head(show_head(head)) == head
    for text in ("events:12", "events:twelve:00", "events:1:xyz", ""):
        with pytest.raises(Malformed, match="head_malformed"):
            read_head(text)


async def test_what_is_wrong_is_told_with_its_number(conn: Connection, vault: Vault) -> None:
    await sealed_city(conn, vault)
    await conn.execute("ALTER TABLE registry.event DISABLE TRIGGER USER")
    await conn.execute("UPDATE registry.event SET actor = 'somebody' WHERE number = 5")
    told = "\n".join(lines((await check(conn, vault))[0]))
    assert (
        "WRONG     events link 1: rows that are not what was sealed, or that were added: 5" in told
    )
    assert "head events:3:" in told
