"""Tracing as its people use it: whom it shows, and that each reading is on record."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

import closedloop.tracing_reading
from kernel.audit import record_accesses
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.erasing import erase_people
from tests.checkpoint.moves import released, reported, scanned
from tests.city import IDS, City
from tests.closedloop.tracing_office import (
    API,
    LATER,
    LogIn,
    audited,
    opened,
    people,
    two_trucks,
)
from tests.conftest import NOON
from tests.http import submit


async def test_a_driver_is_traced_and_each_who_is_shown_has_a_row(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    first, second = await two_trucks(conn, city)
    clock.at = LATER
    tracer = await logged_in("tracer")
    case = await opened(tracer, first)
    seen = (await tracer.get(f"{API}/{case}/subjects/1/trajectory")).json()
    assert [(s["how"], s["place_id"], s["doubt_ms"]) for s in seen["sightings"]] == [
        ("gate", city.north, 0),
        ("tapped", city.mill, 0),
    ]
    assert await audited(conn, "trace_trajectory") == await people(conn, first)
    met = (await tracer.get(f"{API}/{case}/subjects/1/contacts")).json()
    assert [(c["code"], c["rule"], c["certain"]) for c in met["contacts"]] == [
        ("close", "gate_10", True)
    ]
    assert await audited(conn, "trace_contacts") == await people(conn, second)
    assert await audited(conn, "trace_contacts", "trace") == [case]
    page = await tracer.get(f"/trace/{case}/subjects/1/contacts")
    assert "赵*" in page.text
    assert "赵大" not in page.text
    reasons = await conn.fetch(
        "SELECT DISTINCT reason FROM kernel.audit WHERE subject_kind = 'person'"
    )
    assert [row["reason"] for row in reasons] == ["tracing: 流调2022-7"]


async def shown_and_rows(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> tuple[str, list[str], list[str]]:
    """A case, the thirty visitors that it showed in parts, and whom the record of accesses has."""
    subject = await released(conn, city, NOON)
    for n in range(30):
        await conn.execute(
            """
            WITH person AS (
                INSERT INTO registry.person (id, id_type, id_blind, id_sealed, name_sealed, created_at,
                                             updated_at)
                VALUES ($1, 'resident', $2, '', '', $3, $3) RETURNING id)
            INSERT INTO closedloop.visit (id, body_hash, place_id, gate, person_id, masked_name, way,
                                          shown, visited_at, received_at, actor)
            SELECT gen_random_uuid(), '', $4, '', id, '客*', 'scan', 'clear', $3, $3, 'x' FROM person
            """,
            uuid4(),
            n.to_bytes(4),
            NOON + timedelta(minutes=n),
            city.north,
        )
    clock.at = LATER
    tracer = await logged_in("tracer")
    case = await opened(tracer, subject)
    shown: list[str] = []
    cursor = ""
    while True:
        part = (
            await tracer.get(
                f"{API}/{case}/subjects/1/contacts", params={"limit": 7, "cursor": cursor}
            )
        ).json()
        shown += [c["meeting"]["person_id"] for c in part["contacts"]]
        cursor = part["cursor"] or ""
        if not cursor:
            break
    return case, sorted(shown), await audited(conn, "trace_contacts")


async def test_reads_are_audit_rows_in_bulk(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    case, shown, rows = await shown_and_rows(conn, city, clock, logged_in)
    print(f"{len(shown)} people shown, {len(rows)} rows")
    assert len(shown) == len(set(shown)) == 30
    assert rows == shown
    count = await conn.fetchval(
        "SELECT people_shown FROM closedloop.trace_case WHERE id = $1", UUID(case)
    )
    assert count == 30


async def test_a_twin_that_forgets_a_row_is_found(
    conn: Connection,
    city: City,
    clock: SetClock,
    logged_in: LogIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def forgetful(*args: Any, subjects: list[str], **about: Any) -> None:
        await record_accesses(*args, subjects=subjects[1:], **about)

    monkeypatch.setattr(closedloop.tracing_reading, "record_accesses", forgetful)
    _, shown, rows = await shown_and_rows(conn, city, clock, logged_in)
    assert rows != shown


async def test_a_place_keeps_its_number_whatever_it_is_called(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    first, _ = await two_trucks(conn, city)
    clock.at = LATER
    tracer = await logged_in("tracer")
    case = await opened(tracer, first)
    await conn.execute("UPDATE registry.place SET name = '新名面粉厂' WHERE id = $1", city.mill)
    page = await tracer.get(f"/trace/{case}/subjects/1")
    assert "新名面粉厂" in page.text
    assert "第一面粉厂" not in page.text


async def test_whoever_was_erased_is_in_no_trajectory_and_the_counts_remain(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    first, second = await two_trucks(conn, city)
    clock.at = LATER
    tracer = await logged_in("tracer")
    case = await opened(tracer, first)
    for path in ("trajectory", "contacts"):
        await tracer.get(f"{API}/{case}/subjects/1/{path}")
    before = (await tracer.get(f"{API}/{case}")).json()
    assert (before["subjects"], before["people_shown"]) == (1, 2)
    gone = [UUID(each) for each in await people(conn, first, second)]
    await erase_people(conn, gone, LATER)
    seen = (await tracer.get(f"{API}/{case}/subjects/1/trajectory")).json()
    assert seen["sightings"] == []
    met = (await tracer.get(f"{API}/{case}/subjects/1/contacts")).json()
    assert met["contacts"] == []
    assert len(await audited(conn, "trace_trajectory")) == 1
    after = (await tracer.get(f"{API}/{case}")).json()
    assert (after["subjects"], after["people_shown"]) == (1, 2)


async def test_a_claim_is_told_and_is_no_presence(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    first = await released(conn, city, NOON)
    claimed = await released(
        conn, city, NOON - timedelta(hours=3), plate="豫B54321", id_number=IDS[1]
    )
    await scanned(conn, city, first, "arrival", NOON + timedelta(minutes=40))
    await conn.execute(
        """
        INSERT INTO registry.event (movement_id, event_id, kind, occurred_at, received_at, place_id,
                                    actor, body)
        VALUES ($1, gen_random_uuid(), 'arrival', $2, $2, $3, 'driver', '{"level": "C"}')
        """,
        claimed,
        NOON + timedelta(minutes=41),
        city.mill,
    )
    clock.at = LATER
    tracer = await logged_in("tracer")
    own = await opened(tracer, claimed)
    seen = (await tracer.get(f"{API}/{own}/subjects/1/trajectory")).json()["sightings"]
    assert [each["how"] for each in seen] == ["gate", "claim"]
    assert "不作为到场依据" in (await tracer.get(f"/trace/{own}/subjects/1")).text
    for case in (own, await opened(tracer, first)):
        met = (await tracer.get(f"{API}/{case}/subjects/1/contacts")).json()
        assert met["contacts"] == []


async def test_an_offline_scan_carries_the_error_of_its_clock(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    """Ten minutes and a second apart: certain of nothing, and possible within ten."""
    first = await reported(conn, city)
    second = await reported(conn, city, plate="豫B54321", id_number=IDS[1])
    await scanned(conn, city, first, "entry", NOON)
    at = NOON + timedelta(minutes=10, seconds=1)
    await scanned(conn, city, second, "entry", at, received=at + timedelta(hours=5), sequence=7)
    clock.at = LATER
    tracer = await logged_in("tracer")
    case = await opened(tracer, first)
    (met,) = (await tracer.get(f"{API}/{case}/subjects/1/contacts")).json()["contacts"]
    assert (met["code"], met["certain"]) == ("close", False)
    assert "±4" in (await tracer.get(f"/trace/{case}/subjects/1/contacts")).text


async def test_without_rules_only_the_trajectory_is_shown(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    await conn.execute("UPDATE registry.rule_set SET body = body - 'tracing'")
    first, _ = await two_trucks(conn, city)
    clock.at = LATER
    tracer = await logged_in("tracer")
    case = await opened(tracer, first)
    page = await tracer.get(f"/trace/{case}/subjects/1/contacts")
    assert "没有接触人员的判定规则" in page.text
    assert "北卡口" in (await tracer.get(f"/trace/{case}/subjects/1")).text


async def test_a_missing_truck_leads_to_a_trace_of_its_crew(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    movement_id = await released(conn, city)
    clock.at = NOON + timedelta(hours=6)
    duty, tracer = await logged_in("duty"), await logged_in("tracer")
    link = f"/trace/new?movement={movement_id}"
    assert link in (await duty.get(f"/duty/{movement_id}")).text
    assert link in (await tracer.get(f"/loops/{movement_id}")).text
    form = await duty.get(link)
    assert f"在途车辆 {movement_id}" in form.text
    fields = {
        "event_id": str(uuid7(NOON)), "number": f"在途车辆 {movement_id}", "reason": "追查 L5",
        "since": "2022-04-25T20:00", "until": "2022-05-02T02:00", "movement_id": str(movement_id),
    }  # fmt: skip
    sent = await submit(duty, form, "/trace/new", fields)
    assert sent.status_code == 303, sent.text
    case = sent.headers["location"].partition("?")[0]
    assert (await duty.get(f"{case}/subjects/1")).status_code == 403
    assert "北卡口" in (await tracer.get(f"{case}/subjects/1")).text
    auditor = await (await logged_in("auditor")).get(case)
    assert auditor.status_code == 200
    assert "李*" not in auditor.text
