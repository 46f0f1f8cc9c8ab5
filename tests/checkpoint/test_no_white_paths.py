"""Every path to white or to a hold, for trucks that meet every rule and for trucks that do not."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from msgspec.structs import replace

import checkpoint.desk
import checkpoint.verdicts
from closedloop.breaches import breaches_since, today
from closedloop.model import State
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.ids import uuid7
from registry.model import Card
from tests.checkpoint.moves import loop_of, reported, scanned, verifying
from tests.checkpoint.test_desk import LATER, compliant, decide
from tests.city import City
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]


async def by_the_desk(conn: Connection, city: City, movement_id: int) -> str:
    reason = (await city.office.cache.now(conn)).rules_at(LATER).turn_back_reasons[0].code
    try:
        await decide(conn, city, movement_id, "turn_back", reason=reason)
    except Refused as refused:
        return refused.code
    return "done"


async def by_an_upload(conn: Connection, city: City, movement_id: int) -> str:
    at = LATER - timedelta(minutes=1)
    shown = await scanned(conn, city, movement_id, "entry", at, received=LATER, card_shown="white")
    assert shown.event is not None
    flags = shown.event.body["flags"]
    return "white_against_rules" if "white_against_rules" in flags else "done"


async def by_sql(conn: Connection, _: City, movement_id: int) -> str:
    """Somebody at the database itself."""
    try:
        async with conn.transaction():
            await conn.execute(
                """
                INSERT INTO registry.event
                       (movement_id, event_id, kind, occurred_at, received_at, actor, body)
                VALUES ($1, $2, 'entry', $3, $3, 'somebody', '{"card": "white"}')
                """,
                movement_id,
                uuid4(),
                LATER,
            )
    except asyncpg.CheckViolationError as error:
        return str(error.constraint_name)
    return "done"


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        (by_the_desk, "must_not_turn_back"),
        (by_an_upload, "white_against_rules"),
        (by_sql, "white_names_a_failed_rule"),
    ],
)
async def test_each_path_is_shut_to_a_compliant_truck(
    conn: Connection, city: City, path: Any, refused: str
) -> None:
    movement_id = await compliant(conn, city)
    assert await path(conn, city, movement_id) == refused
    loop = await loop_of(conn, movement_id)
    assert loop.state is State.VERIFYING
    listed = await breaches_since(conn, NOON)
    known = [] if path is by_sql else [(movement_id, refused)]
    assert [(each.movement_id, each.code) for each in listed] == known


@pytest.mark.parametrize("path", [by_the_desk, by_an_upload])
async def test_each_path_is_open_for_a_truck_that_fails_a_rule(
    conn: Connection, city: City, path: Any
) -> None:
    movement_id = await verifying(conn, city)
    assert await path(conn, city, movement_id) == "done"
    assert (await loop_of(conn, movement_id)).state is State.TURNED_BACK
    assert await breaches_since(conn, NOON) == []
    assert (await today(conn, NOON)).turned_back == 1
    assert (await today(conn, NOON, district="410221")).turned_back == 1
    assert (await today(conn, NOON, district="410222")).turned_back == 0


async def test_the_page_refuses_says_why_and_tells_the_duty_desk(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await compliant(conn, city)
    clock.at = LATER
    desk = await logged_in("desk", city.north)
    shown = await desk.get("/desk?lang=en")
    form = {"event_id": str(uuid7(LATER)), "reason": "no_valid_test"}
    for _ in range(2):
        answer = await submit(desk, shown, f"/desk/{movement_id}/turn-back", form)
        assert answer.status_code == 422
        assert "may not be turned back" in answer.text
    duty = await logged_in("duty")
    told = await duty.get("/duty?lang=en")
    assert told.text.count("Somebody tried to turn back") == 1
    assert f"/loops/{movement_id}" in told.text


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("entry", '{"card": "red"}'),
        ("entry", '{"card": "red", "source": " ", "reason": "red_code"}'),
        ("desk", '{"outcome": "hold", "reason": "red_code_held"}'),
        ("hold", '{"source": "令", "reason": ""}'),
        ("entry", '{"card": "white", "rules_version": 1, "reasons": []}'),
        ("entry", '{"card": "white", "rules_version": 1, "reasons": [{"card": "green"}]}'),
        ("entry", '{"card": "white", "reasons": [{"card": "yellow"}]}'),
        ("desk", '{"outcome": "turn_back", "rules_version": 1}'),
    ],
)
async def test_the_record_itself_refuses(
    conn: Connection, city: City, kind: str, body: str
) -> None:
    movement_id = await reported(conn, city)
    with pytest.raises(asyncpg.CheckViolationError):
        await _insert(conn, movement_id, kind, body)


async def _insert(conn: Connection, movement_id: int, kind: str, body: str) -> None:
    async with conn.transaction():
        await conn.execute(
            """
            INSERT INTO registry.event
                   (movement_id, event_id, kind, occurred_at, received_at, actor, body)
            VALUES ($1, $2, $3, $4, $4, 'somebody', $5::text::jsonb)
            """,
            movement_id,
            uuid4(),
            kind,
            LATER,
            body,
        )


async def test_nobody_is_held_without_a_source_and_the_board_counts_it(
    conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    at = LATER - timedelta(minutes=1)
    await scanned(conn, city, movement_id, "entry", at, received=LATER, card_shown="red")
    assert (await loop_of(conn, movement_id)).state is State.VERIFYING
    assert [each.code for each in await breaches_since(conn, NOON)] == ["hold_without_source"]
    assert (await today(conn, NOON)).without_source == 0
    await conn.execute("UPDATE closedloop.loop SET state = 'held', view = '{}'")
    assert (await today(conn, NOON)).without_source == 1


# ── each guard is taken away ──


async def test_without_the_check_at_the_desk_the_fold_and_the_record_refuse(
    conn: Connection, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    movement_id = await compliant(conn, city)
    real = checkpoint.desk.standing_verdict

    def careless(*case: Any) -> Any:
        return replace(real(*case), card=Card.YELLOW)

    monkeypatch.setattr(checkpoint.desk, "standing_verdict", careless)
    with pytest.raises(asyncpg.CheckViolationError):
        await by_the_desk(conn, city, movement_id)


async def test_without_the_constraint_the_fold_still_verifies(conn: Connection, city: City) -> None:
    movement_id = await compliant(conn, city)
    await conn.execute("ALTER TABLE registry.event DROP CONSTRAINT white_names_a_failed_rule")
    assert await by_sql(conn, city, movement_id) == "done"
    loop = await loop_of(conn, movement_id)
    assert loop.state is State.VERIFYING
    assert "white_without_reason" in loop.flags
