"""Help by urgency, nobody left behind, and a thousand requests in a minute: all taken, all ordered.

The order that the database gives is held against the same rule written once more in Python, over
requests of any mixture; a rule without ageing must be told apart from it.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from uuid import NAMESPACE_OID, uuid5

import asyncpg
import httpx
import msgspec
import pytest

from alerts.tickets import NewTicket, Origin, receive
from alerts.tickets_model import Kind, Ticket, TicketAct, queue_key, triaged, urgency
from alerts.tickets_queries import queue
from alerts.tickets_units import scope_of
from closedloop.reporting import Office
from kernel.clock import SetClock
from kernel.db import SERVER_SETTINGS, Connection, prepare
from kernel.ids import uuid7
from kernel.privacy import Vault
from registry.world import WorldCache
from tests.alerts.desk import PHONE, RULES, at, did, somebody, taken
from tests.city import City, build
from tests.conftest import NOON
from tests.http import MASTER_KEY

NEEDS = [each.code for each in RULES.needs]
MIXTURES = 12


async def mixed(conn: Connection, city: City, dice: Random, count: int) -> None:
    for _ in range(count):
        await taken(
            conn,
            city,
            Kind.HELP,
            at(-dice.randrange(0, 600)),
            category=dice.choice(NEEDS),
            phone=dice.choice(["", PHONE, "13900139000"]),
            yes=tuple(q.code for q in RULES.triage if dice.random() < 0.1),
        )
    await conn.execute(
        "UPDATE alerts.ticket SET not_before = $1 WHERE right(number, 1) = '7'", at(20)
    )


def without_ageing(ticket: Ticket) -> tuple[object, ...]:
    return ticket.due_at is None or ticket.due_at >= NOON, ticket.priority, ticket.received_at


@pytest.mark.parametrize("seed", range(MIXTURES))
async def test_the_list_is_in_the_order_of_the_rule(
    conn: Connection, city: City, seed: int
) -> None:
    await mixed(conn, city, Random(seed), 60)
    scope = scope_of(await somebody(conn, "hotline"))
    for minutes in (0, 45, 300):
        now = at(minutes)
        rows = await queue(conn, scope, now, RULES.ageing_minutes)
        found = [row.ticket for row in rows]
        assert len(found) == 60
        assert found == sorted(found, key=lambda t: queue_key(t, now, RULES.ageing_minutes))
        assert [row.urgency for row in rows] == [
            urgency(t.priority, t.received_at, now, RULES.ageing_minutes) for t in found
        ]


async def test_the_least_urgent_is_not_left_behind(conn: Connection, city: City) -> None:
    """New urgent requests come for hours; somebody who can wait is reached all the same, and would
    not be without ageing.
    """
    desk = await somebody(conn, "hotline")
    scope = scope_of(desk)
    patient = (await taken(conn, city, Kind.HELP, category="goods", phone="")).id
    done_at, stale_at, n = None, None, 0
    for minutes in range(0, 600, 10):
        now = at(minutes)
        # As many come as are done. Pushed limits play no part: what is late would go first anyway.
        await taken(conn, city, Kind.HELP, now, category="medicine", phone="")
        await conn.execute(
            "UPDATE alerts.ticket SET due_at = $1 WHERE due_at IS NOT NULL", at(9_999)
        )
        found = [row.ticket for row in await queue(conn, scope, now, RULES.ageing_minutes)]
        never = min(found, key=without_ageing)
        stale_at = minutes if never.id == patient else stale_at
        done_at = minutes if found[0].id == patient else done_at
        if done_at is not None:
            break
        await did(conn, city, found[0].id, TicketAct.ANSWER, desk, now, words="已送达")
        n += 1
    print(f"reached after {done_at} min and {n} others; without ageing: {stale_at}")
    assert done_at == RULES.ageing_minutes * 3
    assert stale_at is None


async def test_what_is_answered_with_yes_makes_it_urgent(city: City) -> None:
    assert triaged(RULES, Kind.HELP, "goods", frozenset()) == 4
    assert triaged(RULES, Kind.HELP, "goods", frozenset({"frail"})) == 2
    assert triaged(RULES, Kind.HELP, "goods", frozenset({"frail", "danger"})) == 1
    assert triaged(RULES, Kind.HELP, "medicine", frozenset()) == 1
    assert triaged(RULES, Kind.COMPLAINT, "rude", frozenset({"danger"})) == 3
    assert city.office.city == "4102"


async def test_the_six_hours_of_the_green_channel(conn: Connection, vault: Vault) -> None:
    """Seed 002: 144 pregnant women and 25 newborns in six hours; 99 and 7 of them, who may not go
    out, are the first. What makes them so is the rule set's: here the need alone is pressing.
    """
    desk = msgspec.to_builtins(RULES)
    for each in desk["needs"]:
        each["priority"] = max(each["priority"], 2)
    city = await build(conn, vault, NOON, desk=desk)
    said = [("childbirth", n < 99) for n in range(144)] + [("newborn", n < 7) for n in range(25)]
    Random(2).shuffle(said)
    for n, (category, confined) in enumerate(said):
        when, yes = NOON + timedelta(minutes=n * 360 / 169), ("confined",) if confined else ()
        await taken(conn, city, Kind.HELP, when, category=category, phone="", yes=yes)
    await conn.execute("UPDATE alerts.ticket SET due_at = $1", at(9_999))
    scope = scope_of(await somebody(conn, "hotline"))
    found = [row.ticket for row in await queue(conn, scope, at(360), 100_000)]
    first = [each.category for each in found[:106]]
    print(f"{len(found)} requests, first {first.count('childbirth')} + {first.count('newborn')}")
    assert {each.priority for each in found[:106]} == {1}
    assert (first.count("childbirth"), first.count("newborn"), len(found)) == (99, 7, 169)


async def test_more_from_one_telephone_is_taken_and_stands_behind(
    conn: Connection, city: City
) -> None:
    for n in range(6):
        await taken(conn, city, Kind.HELP, at(n), category="medicine")
    alone = await taken(conn, city, Kind.HELP, at(7), category="medicine", phone="13900139000")
    lesser = await taken(conn, city, Kind.HELP, at(8), category="fuel", phone="13900139001")
    scope = scope_of(await somebody(conn, "hotline"))
    found = [row.ticket for row in await queue(conn, scope, at(9), RULES.ageing_minutes)]
    assert [each.crowded for each in found] == [False] * 4 + [True] * 3 + [False]
    assert [found[3].id, found[-1].id] == [alone.id, lesser.id]
    later = await taken(conn, city, Kind.HELP, at(70), category="medicine")
    assert (
        await conn.fetchval("SELECT crowded FROM alerts.ticket WHERE id = $1", later.id)
    ) is False


async def test_each_request_over_http_gets_its_number(
    client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock
) -> None:
    """However many come from one telephone: 202, never a refusal."""
    numbers = list[str]()
    for n in range(80):
        clock.at = NOON + timedelta(milliseconds=60 * n)
        phone = PHONE if n % 4 == 0 else f"138{n:08d}"
        said = {"id": str(uuid7(clock.at)), "category": NEEDS[n % len(NEEDS)], "phone": phone}
        answer = await client.post("/api/v1/help-requests", json=said)
        assert answer.status_code == 202
        numbers.append(answer.json()["number"])
    crowded = await conn.fetchval("SELECT count(*) FROM alerts.ticket WHERE crowded")
    assert (len(set(numbers)), crowded) == (80, 20 - RULES.per_sender_hour)
    assert city.office.city


def test_a_thousand_requests_in_a_minute_are_all_taken_and_ordered(cloned: str) -> None:
    """From many telephones and from one, on eight connections at once, some sent twice."""
    sent, rows = asyncio.run(_surge(cloned, connections=8, each=125))
    numbers = {each.number for each in rows}
    print(f"{sent} requests, {len(rows)} taken, {len(numbers)} numbers")
    assert (sent, len(rows), len(numbers)) == (1_000, 1_000, 1_000)
    end = NOON + timedelta(minutes=1)
    assert rows == sorted(rows, key=lambda t: queue_key(t, end, RULES.ageing_minutes))
    assert len({each.priority for each in rows}) == 4


async def _surge(dsn: str, *, connections: int, each: int) -> tuple[int, list[Ticket]]:
    vault = Vault(MASTER_KEY)
    conns = await _connected(dsn, connections)
    city = await build(conns[0], vault, NOON)

    async def sends(number: int, conn: Connection) -> int:
        dice = Random(number)
        office = Office(cache=WorldCache(), vault=vault, city=city.office.city)
        for n in range(each):
            said = NewTicket(
                id=uuid5(NAMESPACE_OID, f"{number} {n}"),
                category=dice.choice(NEEDS),
                phone=PHONE if n % 4 == 0 else "",
            )
            when = NOON + timedelta(milliseconds=dice.randrange(60_000))
            for _ in range(2 if n % 10 == 0 else 1):
                async with conn.transaction():
                    await receive(conn, office, Kind.HELP, said, Origin(source="api"), None, when)
        return each

    sent = sum(await asyncio.gather(*(sends(n, conn) for n, conn in enumerate(conns))))
    scope, end = scope_of(await somebody(conns[0], "hotline")), NOON + timedelta(minutes=1)
    rows = await queue(conns[0], scope, end, RULES.ageing_minutes, limit=2_000)
    for conn in conns:
        await conn.close()
    return sent, [row.ticket for row in rows]


async def _connected(dsn: str, count: int) -> Sequence[Connection]:
    conns = [await asyncpg.connect(dsn, server_settings=SERVER_SETTINGS) for _ in range(count)]
    for conn in conns:
        await prepare(conn)
    return conns
