"""Showing a person is an act: a reason, a quota, a row of the audit for each."""

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

import registry.reveal
from kernel.clock import SetClock
from kernel.db import Connection
from registry.reveal import REASONS
from tests.city import IDS, City, a_report, add_proof
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
STEPS = 500


async def a_movement(conn: Connection, city: City, clock: SetClock, **changes: Any) -> int:
    return (await a_report(conn, city, clock.now(), **changes)).movement.movement_id


def address(movement_id: int, ordinal: int = 0) -> str:
    return f"/loops/{movement_id}/people/{ordinal}/reveal"


async def ask(
    client: httpx.AsyncClient, movement_id: int, reason: str, note: str = "", ordinal: int = 0
) -> httpx.Response:
    url = address(movement_id, ordinal)
    shown = await client.get(url)
    return await submit(client, shown, url, {"reason": reason, "note": note})


async def rows(conn: Connection) -> int:
    return await conn.fetchval("SELECT count(*) FROM kernel.audit WHERE action = 'reveal'")


async def test_an_officer_is_shown_a_person_once_for_a_reason_that_is_kept(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    movement_id = await a_movement(conn, city, clock)
    duty = await logged_in("duty")
    history = await duty.get(f"/loops/{movement_id}")
    assert address(movement_id) in history.text
    assert IDS[0] not in history.text
    answer = await ask(duty, movement_id, "call", "no answer at the firm 13812345678")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    for told in ("李小龙", IDS[0], "+8613812345678"):
        assert told in answer.text
    row = await conn.fetchrow(
        "SELECT actor_name, subject_kind, subject, reason, at FROM kernel.audit"
        " WHERE action = 'reveal'"
    )
    assert row is not None
    assert row["reason"] == "call: no answer at the firm ***"
    person = await conn.fetchval("SELECT id FROM registry.person")
    assert (row["subject_kind"], row["subject"]) == ("person", str(person))
    assert IDS[0] not in (await duty.get(address(movement_id))).text


async def test_the_desk_sees_those_of_its_own_checkpoint(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    movement_id = await a_movement(conn, city, clock)
    assert (await ask(await logged_in("desk", city.north), movement_id, "identity")).is_success
    other = await logged_in("desk", city.south)
    refused = await other.get(address(movement_id))
    assert refused.status_code == 403
    assert await rows(conn) == 1


@pytest.mark.parametrize("role", ["lane", "firm", "registrar", "admin", "auditor", "security"])
async def test_whoever_has_no_need_is_refused(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn, role: str
) -> None:
    movement_id = await a_movement(conn, city, clock)
    client = await logged_in(role, city.mill if role == "firm" else None)
    assert (await client.get(address(movement_id))).status_code == 403
    assert (await ask(client, movement_id, "call")).status_code == 403
    assert await rows(conn) == 0


@pytest.mark.parametrize(("reason", "note"), [("", ""), ("curious", ""), ("other", "  ")])
async def test_without_a_reason_nothing_is_shown(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn, reason: str, note: str
) -> None:
    movement_id = await a_movement(conn, city, clock)
    answer = await ask(await logged_in("duty"), movement_id, reason, note)
    assert answer.status_code == 422
    assert IDS[0] not in answer.text
    assert await rows(conn) == 0


async def test_a_day_has_its_quota_and_the_next_day_another(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    await conn.execute("UPDATE kernel.retention SET amount = 3 WHERE class = 'reveal_quota'")
    movement_id = await a_movement(conn, city, clock)
    duty, other = await logged_in("duty"), await logged_in("duty")
    answers = [await ask(duty, movement_id, "call") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert IDS[0] not in answers[-1].text
    api = await duty.post(f"/api/v1/movements/{movement_id}/people/0/reveal", json={})
    assert api.status_code in {403, 422}
    count = await conn.fetchrow("SELECT used, refused FROM registry.reveal_count")
    assert count is not None
    assert tuple(count) == (3, 2)
    assert await rows(conn) == 3
    assert (await ask(other, movement_id, "call")).status_code == 200
    clock.at += timedelta(hours=5)  # past midnight in Shanghai
    assert (await ask(duty, movement_id, "call")).status_code == 200


async def test_a_person_who_was_erased_is_not_shown(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    movement_id = await a_movement(conn, city, clock)
    await conn.execute("UPDATE registry.person SET name_sealed = NULL, id_sealed = NULL")
    answer = await ask(await logged_in("duty"), movement_id, "call")
    assert answer.status_code == 422
    assert await rows(conn) == 0
    await conn.execute("UPDATE registry.movement_person SET masked_name = ''")
    duty = await logged_in("duty")
    assert "已删除" in (await duty.get(f"/loops/{movement_id}")).text


class Walk:
    """Officers at random: what each was shown, counted from the answers alone."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.shown = self.asked = 0

    async def step(self, officers: list[httpx.AsyncClient], movements: list[int]) -> None:
        client, movement_id = self.dice.choice(officers), self.dice.choice(movements)
        if self.dice.random() < 0.2:
            await client.get(f"/loops/{movement_id}")
            return
        reason = self.dice.choice((*REASONS, "", "curious"))
        answer = await ask(
            client,
            movement_id,
            reason,
            note="x" if self.dice.random() < 0.5 else "",
            ordinal=self.dice.choice((0, 0, 0, 1, 7)),
        )
        self.asked += 1
        assert answer.status_code < 500
        self.shown += any(number in answer.text for number in IDS)


async def walked(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn, steps: int
) -> tuple[int, int]:
    """People shown, and rows of the audit that say so."""
    for number in IDS:
        await add_proof(
            conn, city.office.vault, "test", "negative", clock.now() - timedelta(hours=4), number
        )
    crew = ({"name": "王五", "id_number": IDS[1]},)
    movements = [
        await a_movement(conn, city, clock, tested=False, crew=crew),
        await a_movement(conn, city, clock, tested=False, id_number=IDS[2]),
        await a_movement(
            conn, city, clock, tested=False, id_number=IDS[3], entry_place_id=city.south
        ),
    ]
    await conn.execute("UPDATE kernel.retention SET amount = 60 WHERE class = 'reveal_quota'")
    officers = [
        await logged_in("duty"),
        await logged_in("tracer"),
        await logged_in("hotline"),
        await logged_in("desk", city.north),
        await logged_in("lane", city.north),
    ]
    walk = Walk(20)
    for _ in range(steps):
        await walk.step(officers, movements)
    print(f"{steps} steps, {walk.asked} asked, {walk.shown} shown, {await rows(conn)} rows")
    return walk.shown, await rows(conn)


@pytest.mark.slow
async def test_readings_and_rows_of_the_audit_are_as_many(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    shown, audited = await walked(conn, city, clock, logged_in, STEPS)
    assert shown == audited > STEPS / 10


async def test_a_reading_that_leaves_no_row_is_found(
    conn: Connection,
    city: City,
    clock: SetClock,
    logged_in: LogIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def forgotten(*_: object, **__: object) -> None: ...

    monkeypatch.setattr(registry.reveal, "record_access", forgotten)
    shown, audited = await walked(conn, city, clock, logged_in, 40)
    assert shown > audited == 0


async def test_the_api_shows_the_same_under_the_same_rules(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    movement_id = await a_movement(conn, city, clock)
    await conn.execute("UPDATE kernel.retention SET amount = 1 WHERE class = 'reveal_quota'")
    duty = await logged_in("duty")
    await duty.get("/loops")
    token = {"x-csrftoken": duty.cookies["csrftoken"]}
    url = f"/api/v1/movements/{movement_id}/people/0/reveal"
    refused = await duty.post(url, json={"reason": "curious"}, headers=token)
    assert (refused.status_code, refused.json()["code"]) == (422, "reveal_reason_unknown")
    answer = await duty.post(url, json={"reason": "tracing"}, headers=token)
    assert answer.status_code == 200, answer.text
    assert answer.json()["id_number"] == IDS[0]
    again = await duty.post(url, json={"reason": "tracing"}, headers=token)
    assert (again.status_code, again.json()["code"]) == (429, "reveal_quota_used")
    assert await conn.fetchval("SELECT refused FROM registry.reveal_count") == 1
    assert await rows(conn) == 1
