"""What is done on a case: marks of the clock, teams and their tasks, the report that is taken along."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pypdfium2
import pytest

from closedloop.tracing_demo import seed_tracing
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from kernel.privacy import Vault
from registry.demo import seed
from tests.city import City
from tests.closedloop.tracing_office import (
    API,
    LATER,
    LogIn,
    audited,
    opened,
    send,
    two_trucks,
)
from tests.conftest import NOON
from tests.http import submit


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
    printed = "".join(
        page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(paper.content)
    )
    for told in ("流调2022-7", "第一面粉厂", "卡口扫码", "密接", "赵*", "豫B54321", "1 / 1"):
        assert told in printed, told
    assert "赵大" not in printed
    assert (await third.get(f"/trace/{case}/report.pdf")).status_code == 403
    assert len(await audited(conn, "export_trace", "trace")) == 2
    await conn.execute(
        "UPDATE closedloop.trace_export SET decided_at = $1", LATER - timedelta(hours=24)
    )
    over = await tracer.get(f"{API}/{case}/report.csv")
    assert (over.status_code, over.json()["code"]) == (403, "trace_export_not_allowed")


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
    teams = (await tracer.get(f"{API}/teams")).json()["teams"]
    one, two = (each["id"] for each in sorted(teams, key=lambda team: team["name"]))
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


async def test_the_demo_city_has_fourteen_teams_of_five_and_a_clock_that_runs(
    conn: Connection, clock: SetClock, logged_in: LogIn, vault: Vault, tmp_path: Path
) -> None:
    await seed(conn, vault, NOON, tmp_path)
    for _ in range(2):
        await seed_tracing(conn, NOON)
    clock.at = NOON + timedelta(minutes=11)
    tracer = await logged_in("tracer")
    teams = (await tracer.get(f"{API}/teams")).json()["teams"]
    assert [len(each["members"]) for each in teams] == [5] * 14
    (case,) = (await tracer.get(API)).json()["traces"]
    assert [each["standing"] for each in case["marks"]] == ["overdue"] + ["running"] * 3
    assert (await tracer.get(f"{API}/{case['id']}/subjects/1/contacts")).status_code == 200
