"""The pages of supervision as their people open them, over HTTP; and who may not."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar

from kernel.clock import SetClock
from kernel.db import Connection
from tests.alerts.supervised import HEAD, a_place, visited
from tests.city import City
from tests.conftest import NOON
from tests.http import add_account, log_in, opened, submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
ROWS = (
    "第一面粉厂,,杞县,城关镇,粮食局,",
    "烩面馆,91410221MA44ABCD1X,杞县,城关镇,商务局,北大街1号",
    "书店,,杞县,葛岗镇,文旅局,南大街2号",
    "没有这个区的店,,别处,,,",
)


async def upload(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    shown = await client.get("/supervision/import")
    token = re.search(r'name="_csrf_token" value="([^"]+)"', shown.text)
    said = {"source": "市场主体台账", "office": "市场监督管理局", "as_of": "2022-04-30"} | fields
    return await client.post(
        "/supervision/import",
        data={"_csrf_token": token.group(1) if token else ""} | said,
        files={"file": ("台账.csv", "\n".join([HEAD, *ROWS]).encode("gbk"), "text/csv")},
    )


async def test_a_list_is_tried_imported_and_its_figures_lead_to_its_rows(
    conn: Connection, city: City, logged_in: LogIn
):
    client = await logged_in("registrar")
    assert (await client.get("/supervision")).status_code == 200
    tried = await upload(client, dry_run="yes")
    assert "district" not in tried.text
    assert await conn.fetchval("SELECT count(*) FROM registry.due_place") == 0
    assert (await upload(client, source="")).status_code == 422
    taken = await upload(client)
    assert taken.status_code == 200
    rejects = re.search(r'href="(/supervision/import/[^"]+/rejects.csv)"', taken.text)
    assert rejects is not None
    file = await client.get(rejects.group(1))
    assert "没有这个区的店" in file.text
    await visited(conn, city.mill, NOON - timedelta(hours=1))
    await conn.execute(
        "INSERT INTO registry.code VALUES ('0000000001', $1, '1', 'active', $2)",
        city.mill,
        NOON - timedelta(days=20),
    )
    page = await client.get("/supervision")
    assert "市场主体台账" in page.text
    for what, names in (
        ("due", {"第一面粉厂", "烩面馆", "书店"}),
        ("today", {"第一面粉厂"}),
        ("missing", {"烩面馆", "书店"}),
    ):
        rows = await client.get(f"/supervision/rows?what={what}")
        shown = {name for name in ("第一面粉厂", "烩面馆", "书店") if f">{name}<" in rows.text}
        assert shown == names
    street = await client.get("/supervision/rows", params={"what": "due", "street": "葛岗镇"})
    assert "书店" in street.text
    assert "烩面馆" not in street.text


async def a_row(conn: Connection, client: httpx.AsyncClient, name: str = "烩面馆") -> int:
    await upload(client)
    return await conn.fetchval("SELECT id FROM registry.due_place WHERE name = $1", name)


def form_id(page: httpx.Response) -> str:
    found = re.search(r'name="event_id" value="([^"]+)"', page.text)
    return found.group(1) if found else str(uuid4())


@pytest.mark.usefixtures("city")
async def test_a_place_is_linked_put_on_a_ladder_and_its_problem_struck_off(
    conn: Connection, app: Litestar, clock: SetClock, logged_in: LogIn
):
    client = await logged_in("registrar")
    due = await a_row(conn, client)
    place = await a_place(conn, "烩面馆北大街店", address="北大街1号")
    url = f"/supervision/places/{due}"
    shown = await client.get(url)
    assert "烩面馆北大街店" in shown.text
    said = {"act": "link", "place_id": str(place)}
    assert (await submit(client, shown, f"{url}/act", said)).status_code == 422
    linked = await submit(client, shown, f"{url}/act", said | {"reason": "现场核实"})
    assert linked.status_code == 303
    problem = await submit(client, shown, f"{url}/problem", {"finding": "not_visible"})
    assert problem.status_code == 303
    case = await submit(
        client, shown, f"{url}/case", {"ladder": "mend", "reason": "未张贴", "days": "3"}
    )
    assert case.headers["location"].startswith("/supervision/cases/")
    page = await client.get(case.headers["location"])
    assert page.status_code == 200
    early = await submit(
        client, page, f"{page.url.path}/step", {"step": "notice", "reason": "x", "evidence": "y"}
    )
    assert early.status_code == 422
    joint = {"party": ["police", "market"], "purpose": "难点", "meets_at": "2022-05-02T10:00"}
    assert (await submit(client, shown, f"{url}/joint", joint)).status_code == 303
    assert "难点" in (await client.get("/supervision/joint")).text
    problem_id = await conn.fetchval("SELECT id FROM alerts.problem")
    about = f"/supervision/problems/{problem_id}"
    assert "烩面馆" in (await client.get("/supervision/problems")).text
    mended = await submit(
        client, await client.get(about), f"{about}/act", {"act": "mend", "evidence": "照片"}
    )
    assert mended.status_code == 303
    own = await submit(
        client, await client.get(about), f"{about}/act", {"act": "close", "evidence": "看过"}
    )
    assert own.status_code == 422
    async with opened(app) as other:
        await log_in(other, await add_account(conn, "inspector", clock))
        closed = await submit(
            other, await other.get(about), f"{about}/act", {"act": "close", "evidence": "看过"}
        )
        assert closed.status_code == 303
    again = await client.get(f"{about}?done=act")
    assert again.status_code == 200


@pytest.mark.usefixtures("city")
async def test_a_round_is_walked_by_forms_and_sent_late_by_the_api(
    conn: Connection, logged_in: LogIn
):
    client = await logged_in("registrar")
    await upload(client)
    listed = await client.get("/supervision/rounds")
    made = await submit(
        client,
        listed,
        "/supervision/rounds",
        {"event_id": form_id(listed), "name": "五月扫街", "district": "410221", "teams": "2"},
    )
    assert made.status_code == 303
    round_url = made.headers["location"].partition("?")[0]
    assert "五月扫街" in (await client.get(round_url)).text
    team = await client.get(f"{round_url}/teams/1")
    due = re.search(r'name="due_id" value="(\d+)"', team.text)
    assert due is not None
    said = {"due_id": due.group(1), "team": "1", "finding": ["not_visible", "closed"]}
    visit = await submit(client, team, f"{round_url}/visits", said | {"event_id": form_id(team)})
    assert visit.status_code == 303
    assert await conn.fetchval("SELECT count(*) FROM alerts.problem") == 2
    wrong = await submit(client, team, f"{round_url}/visits", said | {"finding": "nothing"})
    assert wrong.status_code == 422
    token = client.cookies["csrftoken"]
    entry: dict[str, Any] = {
        "id": str(uuid4()),
        "round_id": round_url.rpartition("/")[2],
        "due_id": int(due.group(1)),
        "visited_at": (NOON - timedelta(hours=1)).isoformat(),
    }
    for status in ("recorded", "repeated"):
        sent = await client.post(
            "/api/v1/supervision/visits",
            json={"visits": [entry]},
            headers={"x-csrftoken": token},
        )
        assert [each["status"] for each in sent.json()["results"]] == [status]
    assert (await submit(client, team, f"{round_url}/end", {})).status_code == 303


@pytest.mark.usefixtures("city")
async def test_the_report_is_a_page_a_file_and_a_sheet(
    conn: Connection, clock: SetClock, logged_in: LogIn
):
    client = await logged_in("registrar")
    await a_row(conn, client)
    clock.at = NOON + timedelta(days=1)
    client = await logged_in("registrar")
    page = await client.get("/supervision/report?day=2022-05-01")
    assert page.status_code == 200
    file = await client.get("/supervision/report.csv?day=2022-05-01")
    assert "城关镇" in file.text
    sheet = await client.get("/supervision/report.pdf?day=2022-05-01")
    assert sheet.content.startswith(b"%PDF")
    bare = await submit(client, page, "/supervision/report", {"day": "2022-05-01"})
    assert bare.status_code == 422
    said = {"day": "2022-05-01", "reason": "漏报"}
    assert (await submit(client, page, "/supervision/report", said)).status_code == 303
    assert "漏报" in (await client.get("/supervision/report?day=2022-05-01")).text


@pytest.mark.usefixtures("city")
async def test_the_api_tells_the_same(conn: Connection, logged_in: LogIn):
    client = await logged_in("registrar")
    due = await a_row(conn, client)
    headers = {"x-csrftoken": client.cookies["csrftoken"]}
    lines = (await client.get("/api/v1/coverage")).json()["lines"]
    assert (lines[0]["due"], lines[0]["set_up"]) == (3, 0)
    rows = (await client.get("/api/v1/coverage/rows?what=missing&limit=2")).json()
    assert len(rows["rows"]) == 2
    rest = await client.get(f"/api/v1/coverage/rows?what=missing&cursor={rows['cursor']}")
    assert len(rest.json()["rows"]) == 1
    said = {"due_id": due, "ladder": "remind",
            "step": {"id": str(uuid4()), "step": "remind", "reason": "未设", "days": 3}}  # fmt: skip
    made = await client.post("/api/v1/supervision/cases", json=said, headers=headers)
    assert made.status_code == 201
    step = await client.post(
        f"/api/v1/supervision/cases/{made.json()['case_id']}/steps",
        json={"id": str(uuid4()), "step": "law", "reason": "x", "evidence": "y"},
        headers=headers,
    )
    assert (step.status_code, step.json()["code"]) == (409, "step_too_early")
    found = await client.post(
        "/api/v1/supervision/problems",
        json={"id": str(uuid4()), "due_id": due, "finding": "none_posted"},
        headers=headers,
    )
    assert found.status_code == 201
    listed = (await client.get("/api/v1/supervision/problems?which=open")).json()
    assert [each["finding"] for each in listed["problems"]] == ["none_posted"]
    acted = await client.post(
        f"/api/v1/supervision/problems/{found.json()['problem_id']}/acts",
        json={"id": str(uuid4()), "act": "close", "evidence": "x"},
        headers=headers,
    )
    assert acted.json()["code"] == "problem_not_mended"
    detail = (await client.get(f"/api/v1/coverage/rows/{due}")).json()
    assert detail["row"]["source"] == "市场主体台账"
    moved = await client.post(
        f"/api/v1/coverage/rows/{due}/acts",
        json={"id": str(uuid4()), "act": "strike", "reason": "注销"},
        headers=headers,
    )
    assert moved.json()["result"] == "recorded"
    assert (await client.get("/api/v1/coverage/sources")).json()["lists"][0]["rows"] == 2
    assert (await client.get("/api/v1/supervision/flags")).json() == {"flags": []}
    report = (await client.get("/api/v1/supervision/report")).json()
    assert report["version"] == 0
    round_said = {"id": str(uuid4()), "name": "扫街", "district": "410221", "teams": 2}
    made = await client.post("/api/v1/supervision/rounds", json=round_said, headers=headers)
    assert made.json()["stops"] == 2
    stops = await client.get(f"/api/v1/supervision/rounds/{round_said['id']}/teams/1")
    assert len(stops.json()["stops"]) == 1
    tried = await client.post(
        "/api/v1/coverage/import?source=甲&of_office=乙",
        content="\n".join([HEAD, *ROWS]).encode(),
        headers=headers | {"content-type": "text/csv"},
    )
    assert tried.json().get("dry_run") is True, tried.text


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("auditor", "/supervision", 200),
        ("auditor", "/supervision/report", 200),
        ("auditor", "/supervision/import", 403),
        ("inspector", "/supervision/import", 403),
        ("lane", "/supervision", 403),
        ("firm", "/supervision/problems", 403),
        ("grid", "/supervision/rounds", 200),
        ("police", "/supervision/cases", 200),
        ("duty", "/supervision/proposals", 200),
    ],
)
async def test_readers_read_and_others_do_not(
    city: City, logged_in: LogIn, role: str, path: str, status: int
):
    place = {"lane": city.north, "firm": city.mill}.get(role)
    client = await logged_in(role, place)
    assert (await client.get(path)).status_code == status
