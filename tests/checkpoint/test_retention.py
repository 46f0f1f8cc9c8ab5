"""What is due goes, what is open stays, and afterwards nothing of the person can be opened."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from checkpoint.retention import ERASERS
from closedloop.model import State
from kernel.db import Connection, prepare
from kernel.keyring import unlock
from kernel.retention import count_due, erase_due
from tests.checkpoint.moves import scanned
from tests.city import IDS, City, a_report
from tests.conftest import NOON
from tests.findings import columns, hashes, sealed_fields, traces

NAME, NUMBER, PHONE = "欧阳金丝雀", IDS[0], "13900001111"
PLAIN = (NAME, NUMBER, PHONE)


async def fill(conn: Connection, city: City, now: datetime) -> int:
    """A person in every place that stores one: report, draft, device, code, message, evidence."""
    vault = city.office.vault
    seen = await a_report(conn, city, now, name=NAME, phone=PHONE)
    person = await conn.fetchval("SELECT id FROM registry.person")
    await conn.execute(
        """
        INSERT INTO registry.driver_device (token_hash, person_id, bound_at, seen_at)
        VALUES ($1, $2, $3, $3)
        """,
        b"t" * 32,
        person,
        now,
    )
    await conn.execute("INSERT INTO registry.person_attempt VALUES ($1, 2)", person)
    await conn.execute(
        """
        INSERT INTO registry.draft (id, owner_hash, kind, channel, made_by, typed_sealed, event_id,
                                    created_at, updated_at, expires_at)
        VALUES ($1, $2, 'report', 'driver', 'driver', $3, $1, $4, $4, $5)
        """,
        uuid4(),
        b"t" * 32,
        vault.seal(f"{NAME}\n{NUMBER}\n{PHONE}", field="submission"),
        now,
        now + timedelta(days=1),
    )
    await conn.execute(
        "INSERT INTO registry.phone_code VALUES ($1, $2, $3, 0, 1, $4)",
        vault.blind(f"+86{PHONE}", field="phone"),
        b"c" * 32,
        now + timedelta(minutes=10),
        now,
    )
    await conn.execute(
        """
        INSERT INTO kernel.outbox (id, key, kind, recipient, facts, created_at, next_at, sent_at,
                                   sealed)
        VALUES ($1, 'canary', 'sms', 'movement:1', '{}', $2, $2, $2, $3)
        """,
        uuid4(),
        now,
        vault.seal(f"+86{PHONE} {NAME}", field="phone"),
    )
    return seen.movement.movement_id


async def test_after_retention_nothing_of_the_person_can_be_opened_anywhere(
    conn: Connection, city: City
) -> None:
    vault = city.office.vault
    await unlock(conn, vault, NOON)
    await fill(conn, city, NOON)
    before = await traces(conn, vault, PLAIN)
    assert {
        "registry.person.name_sealed",
        "registry.movement.submission_sealed",
        "registry.draft.typed_sealed",
        "kernel.outbox.sealed",
    } <= set(before)
    print(f"{len(await columns(conn))} columns, {len(sealed_fields())} fields, {before}")
    assert await hashes(conn, vault, NUMBER, f"+86{PHONE}")

    day_two = NOON + timedelta(days=2, minutes=1)
    done = await erase_due(conn, ERASERS, day_two)
    assert (done["drafts"], done["phone_codes"], done["messages"]) == (1, 1, 1)
    left = set(await traces(conn, vault, PLAIN))
    assert left == set(before) - {"registry.draft.typed_sealed", "kernel.outbox.sealed"}

    later = NOON + timedelta(days=25)
    due = await count_due(conn, ERASERS, later)
    assert (due["people"], due["submissions"], due["health"]) == (1, 1, 1)
    assert await erase_due(conn, ERASERS, later) == due
    assert await traces(conn, vault, PLAIN) == []
    assert await hashes(conn, vault, NUMBER, f"+86{PHONE}") == ["registry.evidence.subject"]
    assert await conn.fetchval("SELECT count(*) FROM registry.person WHERE erased_at = $1", later)

    assert sum((await erase_due(conn, ERASERS, later)).values()) == 0
    assert sum((await count_due(conn, ERASERS, later)).values()) == 0

    done = await erase_due(conn, ERASERS, NOON + timedelta(days=100))
    assert (done["evidence"], done["masked_names"]) == (1, 1)
    assert await hashes(conn, vault, NUMBER, f"+86{PHONE}") == []
    done = await erase_due(conn, ERASERS, NOON + timedelta(days=500))
    assert done["records"] == 1
    assert await conn.fetchval("SELECT count(*) FROM registry.event") == 0
    assert await conn.fetchval("SELECT count(*) FROM registry.receipt") == 1
    for table in ("plate_lookup", "vehicle"):
        assert await conn.fetchval(f"SELECT count(*) FROM registry.{table}") == 0


async def test_a_plate_stays_while_another_journey_has_it(conn: Connection, city: City) -> None:
    first = (await a_report(conn, city, NOON)).movement.movement_id
    much_later = NOON + timedelta(days=700)
    await a_report(conn, city, much_later)
    counted = "SELECT count(*) FROM registry.vehicle"
    before = await conn.fetchval(counted)
    assert before > 0
    assert (await erase_due(conn, ERASERS, much_later))["records"] == 1
    assert await conn.fetchval("SELECT count(*) FROM registry.movement") == 1
    assert not await conn.fetchval(
        "SELECT count(*) FROM registry.plate_lookup WHERE movement_id = $1", first
    )
    assert await conn.fetchval(counted) == before


@pytest.mark.parametrize("forgotten", ["people", "submissions", "drafts", "messages"])
async def test_an_eraser_that_is_forgotten_is_found(
    conn: Connection, city: City, forgotten: str
) -> None:
    await fill(conn, city, NOON)
    erasers = [each for each in ERASERS if each.name != forgotten]
    await erase_due(conn, erasers, NOON + timedelta(days=60))
    assert await traces(conn, city.office.vault, PLAIN) != []


async def test_what_an_open_journey_needs_stays(conn: Connection, city: City) -> None:
    movement_id = await fill(conn, city, NOON)
    await scanned(conn, city, movement_id, "entry", NOON + timedelta(minutes=1))
    assert await conn.fetchval("SELECT state FROM closedloop.loop") == State.RELEASED
    much_later = NOON + timedelta(days=800)
    done = await erase_due(conn, ERASERS, much_later)
    assert [done[name] for name in ("people", "submissions", "health", "masked_names")] == [0] * 4
    assert done["records"] == 0
    found = await traces(conn, city.office.vault, PLAIN)
    assert {"registry.person.name_sealed", "registry.movement.submission_sealed"} <= set(found)


async def test_a_pass_for_next_week_is_no_journey_that_is_over(
    conn: Connection, city: City
) -> None:
    entry = NOON + timedelta(days=3)
    await a_report(
        conn, city, NOON, expected_entry_at=entry, expected_exit_at=entry + timedelta(hours=9)
    )
    await conn.execute("UPDATE kernel.retention SET amount = 7 WHERE class = 'submissions'")
    window_to = await conn.fetchval("SELECT window_to FROM registry.movement")
    last_day = window_to + timedelta(days=7)
    assert (await count_due(conn, ERASERS, last_day))["submissions"] == 0
    assert (await count_due(conn, ERASERS, last_day + timedelta(seconds=1)))["submissions"] == 1


async def test_a_person_who_comes_back_is_kept_for_the_new_journey(
    conn: Connection, city: City
) -> None:
    await a_report(conn, city, NOON)
    again = NOON + timedelta(days=20)
    await a_report(conn, city, again, tested=False)
    assert (await count_due(conn, ERASERS, NOON + timedelta(days=25)))["people"] == 0
    await erase_due(conn, ERASERS, NOON + timedelta(days=60))
    assert await conn.fetchval("SELECT count(*) FROM registry.person WHERE erased_at IS NULL") == 0
    await a_report(conn, city, NOON + timedelta(days=61), tested=False)
    assert await conn.fetchval("SELECT count(*) FROM registry.person") == 2


async def test_what_is_append_only_lets_go_of_what_is_due_and_of_nothing_else(
    conn: Connection, city: City
) -> None:
    await a_report(conn, city, NOON)
    fresh = uuid4()
    await conn.execute(
        "INSERT INTO kernel.audit VALUES ($1, now(), $1, 'a', 'read', 'person', 'x', 'y')", fresh
    )
    statements = (
        ("", "DELETE FROM registry.event"),
        ("on", "UPDATE registry.event SET kind = 'x'"),
        ("on", f"DELETE FROM kernel.audit WHERE id = '{fresh}'"),
        ("on", "TRUNCATE kernel.audit"),
        ("on", "DELETE FROM registry.receipt"),
    )
    for setting, statement in statements:
        with pytest.raises(asyncpg.RestrictViolationError):
            async with conn.transaction():
                await conn.execute(f"SET LOCAL checkpoint.retention = '{setting}'")
                await conn.execute(statement)


async def at_once(dsn: str, now: datetime, count: int) -> list[dict[str, int]]:
    conns = [await asyncpg.connect(dsn) for _ in range(count)]
    try:
        for conn in conns:
            await prepare(conn)
        return await asyncio.gather(*(erase_due(conn, ERASERS, now) for conn in conns))
    finally:
        for conn in conns:
            await conn.close()


async def test_several_processes_erase_each_thing_once(cloned: str) -> None:
    conn = await asyncpg.connect(cloned)
    await prepare(conn)
    many = 1_200
    person = uuid4()
    await conn.execute(
        """
        INSERT INTO registry.person (id, id_type, created_at, updated_at)
        VALUES ($1, 'resident', $2, $3)
        """,
        person,
        NOON,
        NOON + timedelta(days=90),
    )
    await conn.execute(
        """
        INSERT INTO registry.driver_device (token_hash, person_id, bound_at, seen_at)
        SELECT int8send(n), $2, $3, $3 FROM generate_series(1, $1::bigint) n
        """,
        many,
        person,
        NOON,
    )
    now = NOON + timedelta(days=91)
    done = await at_once(cloned, now, 3)
    assert sum(each["devices"] for each in done) <= many
    done += await at_once(cloned, now, 1)
    assert sum(each["devices"] for each in done) == many
    assert await conn.fetchval("SELECT count(*) FROM registry.driver_device") == 0
    await conn.close()


async def test_every_class_has_an_eraser_and_bounds(conn: Connection) -> None:
    rows: list[Any] = await conn.fetch("SELECT class, amount, least, most FROM kernel.retention")
    assert {row["class"] for row in rows} - {"reveal_quota", "trace_quota"} == {
        each.name for each in ERASERS
    }
    with pytest.raises(asyncpg.CheckViolationError):
        await conn.execute("UPDATE kernel.retention SET amount = 9999")
