"""Where one driver was, and who was there too, over many events; and that both are exact.

Each reading is the whole use-case: the questions, the classes, a row of the record of accesses for
every person shown. Ends with an error where rows and people differ, or where a generated day
differs from brute force. The last line is one JSON object.

Environment: CHECKPOINT_TRACING_EVENTS (300000; 10000000 for the real run), CHECKPOINT_TRACING_DAYS
(1000 generated days; 10000), BENCH_ROUNDS (7).
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec

from bench.bench_scans import show
from bench.city import make_database
from bench.service import own_server
from closedloop.reporting import Office
from closedloop.tracing_cases import Asked, NewCase, open_case
from closedloop.tracing_reading import MOST_SECOND, looking, read_contacts, read_trajectory
from kernel.auth import Actor
from kernel.db import SERVER_SETTINGS, Connection, connected, prepare
from kernel.privacy import Vault
from registry.world import WorldCache
from tests.city import build
from tests.closedloop.tracing_days import differing

EVENTS = int(os.environ.get("CHECKPOINT_TRACING_EVENTS", "300000"))
DAYS = int(os.environ.get("CHECKPOINT_TRACING_DAYS", "1000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
FIRST, PLACES = 4_102_000_000_000, 1_000_000
CHECKPOINTS, FIRMS, GATES = 20, 500, 4
#: All that happened lies within so many days.
SPAN_DAYS = 90
#: The busiest driver of a city makes so many trips a day; others one in about four days.
SHUTTLE = 4
NOW = datetime(2026, 4, 1, tzinfo=UTC)
#: Of a journey `n`: when it began, and which checkpoint and firm it went to; strewn, not in turn.
_STREWN = "(hashint8(n + {})::bigint & 2147483647) % {}"
_AGO = _STREWN.format(0, SPAN_DAYS * 86_400)
_BEGAN = f"$1::timestamptz - interval '1 second' * ({_AGO})"
_GATE = f"{PLACES} + {_STREWN.format(1, CHECKPOINTS)}"
_FIRM = f"{PLACES} + {CHECKPOINTS} + {_STREWN.format(2, FIRMS)}"
_EVENT = """INSERT INTO registry.event (movement_id, event_id, kind, occurred_at, received_at,
                                        uncertainty_ms, place_id, gate, offline, actor, body)"""
CHUNK = 200_000


def driver(number: int) -> UUID:
    return UUID(int=number + 1)


async def fill(conn: Connection, journeys: int) -> None:
    """Three events a journey (in, arrived, left), written by the server itself; every fiftieth
    entry was uploaded later and is uncertain, and every twentieth journey was read by a camera and
    met a visitor at the firm.
    """
    every = max(1, journeys // (SHUTTLE * SPAN_DAYS))
    drivers = max(2, journeys // 24)
    who = f"CASE WHEN n % {every} = 0 THEN 0 ELSE 1 + {_STREWN.format(3, drivers)} END"
    person = f"lpad(to_hex(({who}) + 1), 32, '0')::uuid"
    places = (("checkpoint", 0, CHECKPOINTS), ("destination", CHECKPOINTS, FIRMS))
    for kind, first, number in places:
        await conn.execute(
            """
            INSERT INTO registry.place
                   (id, kind, category, name, district_code, screen_secret, created_at)
            SELECT $1 + n, $2, 'bench', $2 || n, '410221', '', now()
              FROM generate_series(1, $3::int) n
            """,
            PLACES + first - 1,
            kind,
            number,
        )
    await conn.execute("SET synchronous_commit = off")
    # Made anew afterwards, which is quicker than keeping them up to date by the million.
    await conn.execute("DROP INDEX registry.event_by_place")
    for start in range(0, journeys, CHUNK):
        span = (start, min(start + CHUNK, journeys) - 1)
        for statement in _statements(person):
            await conn.execute(statement, NOW, *span)
        print(f"  {span[1] + 1} journeys", flush=True)
    await conn.execute("CREATE INDEX event_by_place ON registry.event (place_id, occurred_at)")
    await conn.execute("VACUUM ANALYZE")


def _statements(person: str) -> list[str]:
    numbers = f"generate_series($2::bigint, $3::bigint) n, LATERAL (SELECT {_BEGAN} AS began) b"
    return [
        f"""INSERT INTO registry.movement (movement_id, version, plate, channel, actor, reported_at)
            SELECT {FIRST} + n, 1, '豫C' || lpad(to_hex(n), 7, '0'), 'driver', 'driver', began
              FROM {numbers}""",
        f"""INSERT INTO registry.movement_person
                   (movement_id, ordinal, person_id, subject, masked_name, role)
            SELECT {FIRST} + n, 0, {person}, '', '某*', 'driver' FROM {numbers}""",
        f"""{_EVENT}
            SELECT {FIRST} + n, md5('in' || n)::uuid, 'entry', began, began,
                   CASE WHEN n % 50 = 0 THEN 28000 WHEN n % 997 = 0 THEN 900000 ELSE 0 END,
                   {_GATE}, (1 + n % {GATES})::text, n % 50 = 0, 'device', '{{"card": "green"}}'
              FROM {numbers}""",
        f"""{_EVENT}
            SELECT {FIRST} + n, md5('at' || n)::uuid, 'arrival', began + interval '50 minutes',
                   began + interval '50 minutes', 0, {_FIRM}, '1', false, 'device',
                   '{{"level": "A"}}'
              FROM {numbers}""",
        f"""{_EVENT}
            SELECT {FIRST} + n, md5('off' || n)::uuid, 'departed', began + interval '110 minutes',
                   began + interval '110 minutes', 0, {_FIRM}, '', false, 'device', '{{}}'
              FROM {numbers}""",
        f"""INSERT INTO registry.camera_read (device_id, id, body_hash, place_id, gate, plate,
                   confidence, taken_at, received_at, movement_id, outcome)
            SELECT md5('camera')::uuid, n::text, '', {_GATE}, '1', '豫C' || lpad(to_hex(n), 7, '0'),
                   0.9, began, began, {FIRST} + n, 'matched' FROM {numbers} WHERE n % 20 = 0""",
        f"""INSERT INTO closedloop.visit (id, body_hash, place_id, person_id, masked_name, way,
                   shown, visited_at, received_at, actor)
            SELECT md5('visit' || n)::uuid, '', {_FIRM}, md5('visitor' || n)::uuid, '客*', 'scan',
                   'clear', began + interval '60 minutes', began, 'x'
              FROM {numbers} WHERE n % 20 = 7""",
    ]


async def case_of(conn: Connection, office: Office, tracer: Actor, number: int) -> UUID:
    """A case over the last fourteen days; its subject is put in by hand, since the drivers of the
    bench have no documents.
    """
    said = NewCase(
        id=uuid4(), number="bench", reason="bench", since=NOW - timedelta(days=14), until=NOW,
        subjects=(Asked(place_id=PLACES),),
    )  # fmt: skip
    case = await open_case(conn, office, said, tracer, NOW)
    await conn.execute(
        """
        UPDATE closedloop.trace_subject SET kind = 'person', person_id = $2, place_id = NULL
         WHERE case_id = $1
        """,
        case.id,
        driver(number),
    )
    return case.id


async def timed(read: Callable[[], Awaitable[Any]]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = await read()
    return (time.perf_counter() - began) * 1000, found


async def measure_driver(
    conn: Connection, office: Office, name: str, drivers: list[int]
) -> dict[str, Any]:
    """Medians over the rounds, each with another driver where there are several, or the same."""
    tracer = Actor(id=uuid4(), kind="account", name="bench", roles=frozenset({"tracer"}))
    trajectories: list[float] = []
    contacts: list[float] = []
    sizes: list[tuple[int, int, int]] = []
    for turn in range(ROUNDS + 1):
        undo = conn.transaction()
        await undo.start()
        case = await case_of(conn, office, tracer, drivers[turn % len(drivers)])
        at = await looking(conn, office, case, 1, tracer, NOW)
        took, traced = await timed(lambda at=at: read_trajectory(conn, at))
        trajectories.append(took)
        took, met = await timed(lambda at=at: read_contacts(conn, at, limit=MOST_SECOND))
        contacts.append(took)
        sizes.append((len(traced.sightings), met.met, len(met.contacts)))
        people = {c.meeting.person_id for c in met.contacts if c.meeting.person_id}
        rows = await conn.fetchval(
            """
            SELECT count(*) FROM kernel.audit
             WHERE action = 'trace_contacts' AND subject_kind = 'person'
            """
        )
        await undo.rollback()
        if rows != len(people):
            sys.exit(f"{len(people)} people were shown and {rows} rows written")
    # The first one of a connection makes the plan.
    show(f"trajectory, {name}, ms", trajectories[1:])
    show(f"contacts, {name}, ms", contacts[1:])
    print(f"  sightings, people near, contacts: {sizes[-1]}; the first took {contacts[0]:.0f} ms")
    return {
        f"trajectory_ms_{name}": round(median(trajectories[1:]), 1),
        f"contacts_ms_{name}": round(median(contacts[1:]), 1),
        f"sizes_{name}": sizes[-1],
    }


async def measure(server: str) -> dict[str, Any]:
    load = round(os.getloadavg()[0], 1)
    dsn = await make_database(server, "bench")
    began = time.perf_counter()
    async with connected(dsn) as conn:
        city = await build(conn, Vault(os.urandom(32)), NOW)
        await fill(conn, max(EVENTS // 3, 1_000))
        events = await conn.fetchval("SELECT count(*) FROM registry.event")
    print(f"{events} events prepared in {time.perf_counter() - began:.0f} s", flush=True)
    conn = await asyncpg.connect(dsn, server_settings=SERVER_SETTINGS)
    await prepare(conn)
    office = Office(cache=WorldCache(), vault=city.office.vault, city="4102")
    figures = await measure_driver(conn, office, "typical", list(range(1, ROUNDS + 2)))
    figures |= await measure_driver(conn, office, "busiest", [0])
    await conn.close()
    return {"events": events} | figures | await exactness(server) | {"load_before": load}


async def exactness(server: str) -> dict[str, Any]:
    dsn = await make_database(server, "exact")
    conn = await asyncpg.connect(
        dsn, server_settings=SERVER_SETTINGS | {"idle_in_transaction_session_timeout": "0"}
    )
    await prepare(conn)
    differ, met = await differing(conn, DAYS)
    await conn.close()
    print(f"{DAYS} generated days, {met} meetings, {differ} days differ from brute force")
    if differ:
        sys.exit("a day differs from brute force")
    return {"days": DAYS, "meetings": met, "days_differing": differ}


def main() -> None:
    with own_server() as (server, _):
        figures = asyncio.run(measure(server))
    print(msgspec.json.encode(figures).decode())


if __name__ == "__main__":
    main()
