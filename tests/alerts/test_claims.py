"""Who looks after an alert: claims that end by themselves, are handed on, and win over nothing."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from alerts.claims import claim, give_back, hand_over, snooze
from alerts.queries import overdue
from kernel.auth import Actor
from kernel.db import SERVER_SETTINGS, Connection, prepare
from kernel.errors import Conflict, NotFound, Refused, Unprocessable
from kernel.ids import uuid7
from tests.alerts.enquiry import MINUTE, after, climb_up, officer
from tests.checkpoint.moves import released, scanned
from tests.city import IDS, City
from tests.conftest import NOON
from tests.support import run_on


async def late(conn: Connection, city: City, minutes: float = 20) -> int:
    movement_id = await released(conn, city)
    await climb_up(conn, city, minutes)
    return movement_id


async def test_one_claim_at_a_time_which_ends_by_itself(conn: Connection, city: City) -> None:
    movement_id = await late(conn, city)
    one, two = await officer(conn, "one"), await officer(conn, "two")
    assert (await claim(conn, movement_id, one, after(20))).until == after(35)
    with pytest.raises(Conflict, match="claimed_by_other"):
        await claim(conn, movement_id, two, after(34))
    assert (await claim(conn, movement_id, one, after(34))).until == after(49)
    assert (await claim(conn, movement_id, two, after(49))).account_id == two.id


async def test_a_claim_is_given_back_by_its_holder_alone(conn: Connection, city: City) -> None:
    movement_id = await late(conn, city)
    one, two = await officer(conn, "one"), await officer(conn, "two")
    await claim(conn, movement_id, one, after(20))
    await give_back(conn, movement_id, two, after(21))
    with pytest.raises(Conflict):
        await claim(conn, movement_id, two, after(22))
    await give_back(conn, movement_id, one, after(23))
    assert (await claim(conn, movement_id, two, after(24))).account_id == two.id


async def test_nobody_claims_what_has_arrived(conn: Connection, city: City) -> None:
    movement_id = await late(conn, city)
    one = await officer(conn, "one")
    await claim(conn, movement_id, one, after(20))
    await scanned(conn, city, movement_id, "arrival", after(21))
    for minutes in (22, 60):
        with pytest.raises(Conflict, match="alert_ended"):
            await claim(conn, movement_id, await officer(conn, f"o{minutes}"), after(minutes + 20))
    assert await overdue(conn, after(23)) == []


async def test_a_shift_ends_with_all_claims_handed_on(conn: Connection, city: City) -> None:
    first = await late(conn, city)
    second = await released(conn, city, NOON + MINUTE, plate="豫B54321", id_number=IDS[1])
    one, two = await officer(conn, "one"), await officer(conn, "two")
    registrar = await officer(conn, "registrar", "registrar")
    for movement_id in (first, second):
        await claim(conn, movement_id, one, after(20))
    for to in (registrar.id, one.id, uuid7(NOON)):
        with pytest.raises(NotFound, match="unknown_colleague"):
            await hand_over(conn, one, to, after(21))
    assert await hand_over(conn, one, two.id, after(30)) == 2
    assert {row.owner for row in await overdue(conn, after(44))} == {"two"}
    assert {row.owner for row in await overdue(conn, after(46))} == {""}


async def test_whoever_has_not_claimed_a_truck_hands_nothing_over(
    conn: Connection, city: City
) -> None:
    movement_id = await late(conn, city)
    one, two = await officer(conn, "one"), await officer(conn, "two")
    with pytest.raises(Conflict, match="claim_is_not_yours"):
        await hand_over(conn, one, two.id, after(20), movement_id)
    await claim(conn, movement_id, one, after(20))
    handed = [await hand_over(conn, one, two.id, after(21), movement_id) for _ in range(2)]
    assert handed == [1, 0]  # a second tap changes nothing and is no mistake
    assert {row.owner for row in await overdue(conn, after(22))} == {"two"}


async def test_what_is_put_off_comes_back_with_the_next_rung(conn: Connection, city: City) -> None:
    movement_id = await late(conn, city, 40)
    one = await officer(conn, "one")
    with pytest.raises(Unprocessable, match="snooze_out_of_range"):
        await snooze(conn, movement_id, 500, one, after(40))
    await snooze(conn, movement_id, 30, one, after(40))
    (row,) = await overdue(conn, after(41))
    assert row.snoozed_until == after(70)
    await climb_up(conn, city, 46)  # L3
    (row,) = await overdue(conn, after(47))
    assert (row.step, row.snoozed_until) == ("L3", None)


def test_of_two_officers_at_once_one_gets_it(cloned: str) -> None:
    """On connections of their own, a hundred times."""
    asyncio.run(run_on(cloned, GROUND))
    wins = asyncio.run(_race(cloned, 100))
    assert sorted(wins) == [1] * 100


GROUND = """
    INSERT INTO registry.account (id, login, password_hash, name, roles, created_at)
    SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'o' || n, '', 'o' || n, '{duty}', now()
      FROM generate_series(1, 3) n;
    INSERT INTO closedloop.deadline (movement_id, stop, limb, limit_no, due_at, flag_at, next_at)
    SELECT n, 0, 'arrival', 1, '2022-01-01', '2022-01-01', '2022-01-01' FROM generate_series(1, 100) n
"""


async def _race(dsn: str, movements: int) -> list[int]:
    conns = [await asyncpg.connect(dsn, server_settings=SERVER_SETTINGS) for _ in range(3)]
    for conn in conns:
        await prepare(conn)

    async def tries(number: int, movement_id: int) -> int:
        account = UUID(f"00000000-0000-0000-0000-00000000000{number + 1}")
        actor = Actor(id=account, kind="account", name="o", roles=frozenset({"duty"}))
        try:
            await claim(conns[number], movement_id, actor, after(20))
        except Refused:
            return 0
        return 1

    wins = [
        sum(await asyncio.gather(*(tries(number, movement_id) for number in range(3))))
        for movement_id in range(1, movements + 1)
    ]
    for conn in conns:
        await conn.close()
    return wins
