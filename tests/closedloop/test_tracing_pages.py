"""Tracing as its people use it: by number and reason, by two where much is asked, all of it audited."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from checkpoint.retention import ERASERS
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from kernel.retention import erase_due
from registry.erasing import erase_people
from tests.checkpoint.moves import released, reported, scanned
from tests.city import IDS, City
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
API = "/api/v1/traces"
LATER = NOON + timedelta(hours=6)


async def two_trucks(conn: Connection, city: City) -> tuple[int, int]:
    """Six minutes apart at the same gate; the first has two people in the cab and goes to the mill."""
    crew = ({"name": "王小二", "id_type": "resident", "id_number": IDS[3], "phone": ""},)
    del crew
    first = await released(conn, city, NOON)
    second = await released(
        conn, city, NOON + timedelta(minutes=6), plate="豫B54321", id_number=IDS[1], name="赵大"
    )
    await scanned(conn, city, first, "arrival", NOON + timedelta(minutes=40))
    return first, second


def asked(movement_id: int, **about: Any) -> dict[str, Any]:
    return {
        "id": str(uuid7(NOON)),
        "number": "流调2022-7",
        "reason": "车辆超时未到",
        "since": (NOON - timedelta(days=1)).isoformat(),
        "until": (NOON + timedelta(days=1)).isoformat(),
        "subjects": [{"movement_id": movement_id}],
    } | about


async def opened(client: httpx.AsyncClient, movement_id: int, **about: Any) -> str:
    answer = await client.post(API, json=asked(movement_id, **about), headers=await token(client))
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def token(client: httpx.AsyncClient) -> dict[str, str]:
    return {"x-csrftoken": client.cookies["csrftoken"]}


async def send(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> httpx.Response:
    return await client.post(f"{API}/{path}", json=body, headers=await token(client))


async def audited(conn: Connection, action: str, kind: str = "person") -> list[str]:
    rows = await conn.fetch(
        "SELECT subject FROM kernel.audit WHERE action = $1 AND subject_kind = $2 ORDER BY subject",
        action,
        kind,
    )
    return [row["subject"] for row in rows]


async def people(conn: Connection, *movement_ids: int) -> list[str]:
    rows = await conn.fetch(
        "SELECT person_id FROM registry.movement_person WHERE movement_id = ANY($1)", movement_ids
    )
    return sorted(str(row["person_id"]) for row in rows)


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


async def test_reads_are_audit_rows_in_bulk(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
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
    print(f"{len(shown)} people shown, {len(await audited(conn, 'trace_contacts'))} rows")
    assert len(shown) == len(set(shown)) == 30
    assert await audited(conn, "trace_contacts") == sorted(shown)
    view = (await tracer.get(f"{API}/{case}")).json()
    assert view["people_shown"] == 30


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


async def test_many_subjects_need_a_second_officer_too(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    clock.at = LATER
    tracer = await logged_in("tracer")
    plates = [{"plate": f"豫B1234{n}"} for n in range(6)]
    case = await opened(tracer, 0, subjects=plates)
    assert (await tracer.get(f"{API}/{case}")).json()["state"] == "waiting"
    few = await opened(tracer, 0, subjects=plates[:5])
    assert (await tracer.get(f"{API}/{few}")).json()["state"] == "open"


async def test_a_day_has_its_quota_of_subjects(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
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
    clock.at += timedelta(days=1)
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
    from checkpoint.me import _looked

    first, _ = await two_trucks(conn, city)
    clock.at = LATER
    tracer = await logged_in("tracer")
    case = await opened(tracer, first)
    await tracer.get(f"/trace/{case}/subjects/1")
    (person,) = await people(conn, first)
    (told,) = await _looked(conn, UUID(person), [])
    assert (told["roles"], told["action"], told["reason"]) == (
        ("tracer",), "trace_trajectory", "tracing",
    )  # fmt: skip


async def test_a_report_leaves_the_house_by_two_and_says_what_the_page_says(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    first, _ = await two_trucks(conn, city)
    clock.at = LATER
    tracer, duty, third = (
        await logged_in("tracer"), await logged_in("duty"), await logged_in("tracer"),
    )  # fmt: skip
    case = await opened(tracer, first)
    assert "赵*" in (await tracer.get(f"/trace/{case}/report")).text
    refused = await tracer.get(f"/trace/{case}/report.csv")
    assert refused.status_code == 403
    export_id = str(uuid7(LATER))
    await send(tracer, f"{case}/exports", {"id": export_id})
    own = await send(tracer, f"{case}/exports/{export_id}/decision", {"approve": True})
    assert own.json()["code"] == "trace_second_person"
    with pytest.raises(asyncpg.CheckViolationError):
        async with conn.transaction():
            await conn.execute(
                """
                UPDATE closedloop.trace_export
                   SET decided_by = asked_by, decided_at = asked_at, approved = true
                """
            )
    allowed = await send(duty, f"{case}/exports/{export_id}/decision", {"approve": True})
    assert allowed.json()["approved"] is True
    file = await tracer.get(f"/trace/{case}/report.csv")
    text = file.content.decode("utf-8-sig")
    for told in ("流调2022-7", "北卡口", "第一面粉厂", "卡口扫码", "密接", "赵*", "豫B54321"):
        assert told in text, told
    assert "赵大" not in text
    paper = await duty.get(f"/trace/{case}/report.pdf")
    assert paper.headers["content-type"] == "application/pdf"
    assert paper.content.startswith(b"%PDF")
    assert BytesIO(paper.content).getbuffer().nbytes > 5_000
    assert (await third.get(f"/trace/{case}/report.pdf")).status_code == 403
    assert len(await audited(conn, "export_trace", "trace")) == 2
    clock.at += timedelta(hours=25)
    assert (await third.get(f"{API}/{case}/report.csv")).status_code == 403


async def test_marks_and_tasks_say_who_and_when(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    first, _ = await two_trucks(conn, city)
    clock.at = LATER
    tracer = await logged_in("tracer")
    case = await opened(tracer, first)
    for name in ("一队", "二队"):
        form = await tracer.get("/trace/teams")
        fields = {"name": name, "event_id": str(uuid7(NOON)), "police_1": "县公安局",
                  "health_1": "县疾控中心", "health_2": "县疾控中心", "health_3": "县疾控中心",
                  "community_1": "城关镇"}  # fmt: skip
        made = await submit(tracer, form, "/trace/teams", fields)
        assert made.status_code == 303, made.text
    lacking = await submit(
        tracer,
        form,
        "/trace/teams",
        fields | {"name": "三队", "health_3": "", "event_id": str(uuid4())},
    )
    assert lacking.status_code == 422
    one, two = (each["id"] for each in (await tracer.get(f"{API}/teams")).json()["teams"])
    clock.at += timedelta(minutes=12)
    marked = (await send(tracer, f"{case}/marks", {"mark": "assembled"})).json()
    assert (marked["marks"][0]["standing"], marked["marks"][0]["minutes"]) == ("done_late", 2)
    again = (await send(tracer, f"{case}/marks", {"mark": "assembled"})).json()
    assert again["marks"][0]["done_at"] == marked["marks"][0]["done_at"]
    task = {"id": str(uuid7(NOON)), "what": "到面粉厂核实", "team_id": one}
    given = (await send(tracer, f"{case}/tasks", task)).json()
    assert (given["state"], given["team"]) == ("assigned", "一队")
    assert (await send(tracer, f"{case}/tasks", task)).json() == given
    steps = f"{case}/tasks/{task['id']}/steps"
    taken = {"id": str(uuid7(NOON)), "kind": "acknowledged"}
    assert (await send(tracer, steps, taken)).json()["state"] == "acknowledged"
    assert len((await send(tracer, steps, taken)).json()["steps"]) == 2
    handed = {"id": str(uuid7(NOON)), "kind": "handed_over", "team_id": two}
    assert (await send(tracer, steps, handed)).json()["team"] == "二队"
    done = (await send(tracer, steps, {"id": str(uuid7(NOON)), "kind": "done"})).json()
    assert [(s["kind"], s["team"]) for s in done["steps"]] == [
        ("assigned", "一队"), ("acknowledged", "一队"), ("handed_over", "二队"), ("done", "二队"),
    ]  # fmt: skip
    late = await send(tracer, steps, {"id": str(uuid7(NOON)), "kind": "done"})
    assert late.json()["code"] == "trace_step_wrong"


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
