"""Tracing by number and reason, by two where much is asked, within a quota, under a clock."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from checkpoint.me import everything
from checkpoint.retention import ERASERS
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.retention import erase_due
from tests.checkpoint.moves import released
from tests.city import IDS, City
from tests.closedloop.tracing_office import (
    API,
    LATER,
    LogIn,
    asked,
    opened,
    people,
    send,
    token,
    two_trucks,
)
from tests.conftest import NOON


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ({"reason": "  "}, "trace_reason_needed"),
        ({"number": ""}, "trace_number_needed"),
        ({"number": f"流调{IDS[0]}"}, "trace_number_personal"),
        ({"since": (NOON - timedelta(days=364)).isoformat()}, "trace_window_too_long"),
        ({"since": (NOON + timedelta(days=2)).isoformat()}, "trace_window_wrong"),
        ({"subjects": []}, "trace_without_subject"),
        ({"subjects": [{"id_number": IDS[2]}]}, "trace_person_unknown"),
    ],
)
async def test_a_case_is_refused_with_a_sentence(
    conn: Connection,
    city: City,
    clock: SetClock,
    logged_in: LogIn,
    about: dict[str, Any],
    code: str,
) -> None:
    movement_id = await released(conn, city)
    clock.at = LATER
    tracer = await logged_in("tracer")
    answer = await tracer.post(API, json=asked(movement_id, **about), headers=await token(tracer))
    assert answer.json()["code"] == code, answer.text
    assert await conn.fetchval("SELECT count(*) FROM closedloop.trace_case") == 0


async def test_neither_number_nor_reason_keeps_a_persons_number(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    movement_id = await released(conn, city)
    clock.at = LATER
    tracer = await logged_in("tracer")
    await opened(tracer, movement_id, reason=f"找 {IDS[0]} 13812345678")
    assert await conn.fetchval("SELECT reason FROM closedloop.trace_case") == "找 *** ***"


async def test_many_days_need_a_second_officer_and_the_database_refuses_the_first(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    first, _ = await two_trucks(conn, city)
    clock.at = LATER
    tracer, duty = await logged_in("tracer"), await logged_in("duty")
    case = await opened(tracer, first, since=(NOON - timedelta(days=14)).isoformat())
    for path in ("trajectory", "contacts"):
        waits = await tracer.get(f"{API}/{case}/subjects/1/{path}")
        assert (waits.status_code, waits.json()["code"]) == (409, "trace_waits")
    own = await send(tracer, f"{case}/decision", {"approve": True})
    assert (own.status_code, own.json()["code"]) == (403, "trace_second_person")
    opener = await conn.fetchval("SELECT opened_by FROM closedloop.trace_case")
    with pytest.raises(asyncpg.CheckViolationError):
        async with conn.transaction():
            await conn.execute(
                "UPDATE closedloop.trace_case SET decided_by = $1, decided_at = $2, approved = true",
                opener,
                LATER,
            )
    agreed = await send(duty, f"{case}/decision", {"approve": True})
    assert agreed.json()["state"] == "open"
    assert (await tracer.get(f"{API}/{case}/subjects/1/trajectory")).status_code == 200
    assert (await duty.get(f"{API}/{case}/subjects/1/trajectory")).status_code == 403


@pytest.mark.usefixtures("city")
async def test_many_subjects_need_a_second_officer_too(clock: SetClock, logged_in: LogIn) -> None:
    clock.at = LATER
    tracer = await logged_in("tracer")
    plates = [{"plate": f"豫B1234{n}"} for n in range(6)]
    case = await opened(tracer, 0, subjects=plates)
    assert (await tracer.get(f"{API}/{case}")).json()["state"] == "waiting"
    few = await opened(tracer, 0, subjects=plates[:5])
    assert (await tracer.get(f"{API}/{few}")).json()["state"] == "open"


@pytest.mark.usefixtures("city")
async def test_a_day_has_its_quota_of_subjects(
    conn: Connection, clock: SetClock, logged_in: LogIn
) -> None:
    await conn.execute("UPDATE kernel.retention SET amount = 2 WHERE class = 'trace_quota'")
    clock.at = LATER
    tracer = await logged_in("tracer")
    plates = [{"plate": f"豫B1234{n}"} for n in range(3)]
    case = await opened(tracer, 0, subjects=plates)
    statuses = [
        (await tracer.get(f"{API}/{case}/subjects/{n}/trajectory")).status_code
        for n in (1, 1, 2, 1, 3, 3)
    ]
    assert statuses == [200, 200, 200, 200, 429, 429]
    count = await conn.fetchrow("SELECT traced, refused FROM closedloop.trace_count")
    assert count is not None
    assert tuple(count) == (2, 2)
    assert (await tracer.get(f"/trace/{case}/subjects/3")).status_code == 429
    for table in ("trace_count", "trace_counted"):
        await conn.execute(f"UPDATE closedloop.{table} SET day = day - 1")
    assert (await tracer.get(f"{API}/{case}/subjects/3/trajectory")).status_code == 200


async def test_far_more_people_than_usual_are_told_to_those_who_watch(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    first, _ = await two_trucks(conn, city)
    clock.at = LATER
    tracer = await logged_in("tracer")
    case = await opened(tracer, first)
    await tracer.get(f"{API}/{case}/subjects/1/contacts")
    await conn.execute("UPDATE closedloop.trace_count SET shown = 200")
    await tracer.get(f"{API}/{case}/subjects/1/contacts")
    await tracer.get(f"{API}/{case}/subjects/1/contacts")
    told = await conn.fetch(
        "SELECT recipient, facts FROM kernel.outbox WHERE kind = 'access_unusual'"
    )
    assert [(row["recipient"], row["facts"]["shown"]) for row in told] == [("security", 201)]
    assert await conn.fetchval("SELECT shown FROM kernel.access_alarm") == 202
    for role, path in (("auditor", "/audit"), ("security", "/security/accounts")):
        page = await (await logged_in(role)).get(path)
        assert "查阅量异常" in page.text
        assert "202" in page.text


async def test_whoever_is_confined_to_a_district_sees_what_is_of_it(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    first, _ = await two_trucks(conn, city)
    clock.at = LATER
    tracer, other = await logged_in("tracer"), await logged_in("tracer")
    await conn.execute("INSERT INTO registry.district VALUES ('410222', '通许县')")
    await conn.execute(
        "UPDATE registry.place SET district_code = '410222' WHERE id = $1", city.mill
    )
    whole = await opened(tracer, first)
    logins = await conn.fetch(
        "SELECT id FROM registry.account WHERE 'tracer' = ANY(roles) ORDER BY created_at, id"
    )
    opener = await conn.fetchval("SELECT opened_by FROM closedloop.trace_case")
    mine = next(row["id"] for row in logins if row["id"] != opener)
    await conn.execute("UPDATE registry.account SET district_code = '410221' WHERE id = $1", mine)
    assert (await other.get(f"{API}/{whole}")).status_code == 404
    assert (await other.get(f"/trace/{whole}")).status_code == 404
    case = await opened(other, first)
    seen = (await other.get(f"{API}/{case}/subjects/1/trajectory")).json()["sightings"]
    assert [each["place_id"] for each in seen] == [city.north]
    assert len((await tracer.get(f"{API}/{case}/subjects/1/trajectory")).json()["sightings"]) == 2
    refused = await other.post(
        API, json=asked(0, subjects=[{"place_id": city.mill}]), headers=await token(other)
    )
    assert refused.json()["code"] == "unknown_place"


async def test_when_its_time_is_over_a_case_keeps_its_number_and_its_counts(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    first, _ = await two_trucks(conn, city)
    clock.at = LATER
    tracer = await logged_in("tracer")
    case = await opened(tracer, first)
    await tracer.get(f"{API}/{case}/subjects/1/contacts")
    closed = await send(tracer, f"{case}/close", {})
    assert closed.json()["state"] == "closed"
    refused = await tracer.get(f"{API}/{case}/subjects/1/contacts")
    assert refused.json()["code"] == "trace_closed"
    mine = [each for each in ERASERS if each.name == "traces"]
    assert await erase_due(conn, mine, LATER + timedelta(days=179)) == {"traces": 0}
    assert await erase_due(conn, mine, LATER + timedelta(days=181)) == {"traces": 1}
    assert await erase_due(conn, mine, LATER + timedelta(days=181)) == {"traces": 0}
    row = await conn.fetchrow(
        """
        SELECT c.number, c.people_shown, s.person_id FROM closedloop.trace_case c
          JOIN closedloop.trace_subject s ON s.case_id = c.id
        """
    )
    assert row is not None
    assert tuple(row) == ("流调2022-7", 1, None)


async def test_the_person_reads_that_they_were_looked_at_for_tracing(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:

    first, _ = await two_trucks(conn, city)
    clock.at = LATER
    tracer = await logged_in("tracer")
    case = await opened(tracer, first)
    await tracer.get(f"/trace/{case}/subjects/1")
    (person,) = await people(conn, first)
    own = await everything(conn, city.office, UUID(person), LATER, action="read_own")
    (told,) = own["looked"]
    assert (told["roles"], told["action"], told["reason"]) == (
        ("tracer",), "trace_trajectory", "tracing",
    )  # fmt: skip
