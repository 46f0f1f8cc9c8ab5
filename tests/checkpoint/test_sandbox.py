"""The sandbox: scenarios with fixed outcomes, on a database of its own; the city plays none."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest
from litestar import Litestar
from litestar.types import ASGIApp

from checkpoint.app import create_app
from checkpoint.lane import LaneDoor
from checkpoint.sandbox import (
    CITY,
    Spaces,
    WrongSpaceError,
    sandbox_dsn,
    sandbox_settings,
)
from checkpoint.sandbox_command import prepare
from checkpoint.scenarios import OF_REPORTS
from kernel.clock import SystemClock
from kernel.db import connected
from kernel.keyring import unlock
from kernel.privacy import Vault, load_master_key
from kernel.problems import out_of_group
from kernel.settings import Settings
from registry.demo import seed
from registry.demo_logins import Secrets
from tests.support import MIGRATIONS, database_name, drop_database, make_database

Json = dict[str, Any]
SCENARIO = "Checkpoint-Scenario"
TABLES = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
     WHERE schemaname IN ('kernel', 'registry', 'closedloop', 'alerts')"""


class Both:
    """A city and its sandbox, served as `checkpoint serve` serves them."""

    def __init__(self, http: httpx.AsyncClient, dsn: str, folder: Path, settings: Settings) -> None:
        self.http, self.dsn, self.folder, self.settings = http, dsn, folder, settings
        self.tokens = Secrets(folder / "sandbox").known
        self.real = Secrets(folder).known

    def token(self, role: str, known: dict[str, tuple[str, str]] | None = None) -> Json:
        found = self.tokens if known is None else known
        key = next(name for name in found if name.startswith(f"token {role}-"))
        return {"authorization": f"Bearer {found[key][0]}"}

    async def call(self, method: str, path: str, scenario: str = "", **said: Any) -> httpx.Response:
        headers = said.pop("headers", {}) | ({SCENARIO: scenario} if scenario else {})
        return await self.http.request(method, f"/sandbox/api/v1{path}", headers=headers, **said)

    async def report(self, scenario: str = "", **changes: Any) -> Json:
        places = (await self.call("GET", "/places")).json()["places"]
        gate = next(each["id"] for each in places if each["kind"] == "checkpoint")
        firm = next(each["id"] for each in places if each["kind"] == "destination")
        now = SystemClock().now()
        answer = await self.call(
            "POST",
            "/movements",
            scenario,
            json={
                "id": str(uuid4()), "name": "李小龙", "id_number": "410221199001011239",
                "phone": "13812345678", "plate": "豫B12345", "origin": "山东省济南市",
                "entry_place_id": gate, "stops": [firm], "goods": "daily",
                "expected_entry_at": now.isoformat(), "expected_exit_at": (now + timedelta(days=1)).isoformat(),
                "declared": {"symptom": False, "risk_area": False},
            } | changes,
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
        return answer.json() | {"gate": gate, "firm": firm}

    async def scan(self, movement: Json, kind: str = "entry") -> Json:
        role, place = ("lane", "gate") if kind == "entry" else ("firm", "firm")
        scan = {
            "id": str(uuid4()), "kind": kind, "place_id": movement[place],
            "occurred_at": SystemClock().now().isoformat(), "pass_number": movement["pass_number"],
        }  # fmt: skip
        headers = await self.at(role, movement[place])
        answer = await self.call("POST", "/scans", json={"scans": [scan]}, headers=headers)
        return answer.json()["results"][0]

    async def at(self, role: str, place_id: int) -> Json:
        places = (await self.call("GET", "/places")).json()["places"]
        name = next(each["name"] for each in places if each["id"] == place_id)
        return {"authorization": f"Bearer {self.tokens[f'token {role}-{name}'][0]}"}

    async def rows_of_city(self) -> int:
        async with connected(self.dsn) as conn:
            tables = await conn.fetch(TABLES)
            counts = [await conn.fetchval(f"SELECT count(*) FROM {row[0]}") for row in tables]
        return sum(counts)


@pytest.fixture(scope="module")
async def both(
    server: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Both]:
    """Shared, because two demo cities take longer to make than all else here."""
    tmp_path = tmp_path_factory.mktemp("sandbox")
    cloned = await make_database(server, template=database_name(template))
    settings = Settings(data_dir=tmp_path, sandbox=True, pool_size=2)
    now = SystemClock().now()
    vault = Vault(load_master_key(settings))
    async with connected(cloned) as conn, conn.transaction():
        await unlock(conn, vault, now)
        await seed(conn, vault, now, tmp_path)
    await prepare(settings, cloned, MIGRATIONS, now)
    city = create_app(settings, dsn=cloned, ticking=False)
    made = create_app(
        sandbox_settings(settings), dsn=sandbox_dsn(cloned), ticking=False, sandbox=True
    )
    door = cast("ASGIApp", LaneDoor(city, secure=False))
    spaces = Spaces(door, cast("ASGIApp", made), made.lifespan)
    try:
        async with AsyncExitStack() as stack:
            for app in (city, made):
                await stack.enter_async_context(app.lifespan())
            transport = httpx.ASGITransport(app=cast("Any", spaces))
            http = httpx.AsyncClient(transport=transport, base_url="http://test")
            yield Both(await stack.enter_async_context(http), cloned, tmp_path, settings)
    finally:
        await drop_database(server, sandbox_dsn(cloned))
        await drop_database(server, cloned)


@pytest.mark.parametrize(
    ("scenario", "state", "card"),
    [
        ("", "issued", "yellow"),
        ("green", "issued", "green"),
        ("yellow", "issued", "yellow"),
        ("red", "issued", "red"),
        ("on_the_way", "released", None),
        ("late_arrival", "overdue", None),
        ("arrived", "confirmed", None),
        ("voided", "voided", None),
    ],
)
async def test_what_a_scenario_of_a_report_comes_to(
    both: Both, scenario: str, state: str, card: str | None
) -> None:
    movement = await both.report(scenario)
    headers = await both.at("lane", movement["gate"])
    read = await both.call("GET", f"/movements/{movement['id']}", headers=headers)
    found = read.json()["state"]
    assert found in {state, "discharged" if state == "confirmed" else state, "exit_pending"}
    if card is not None:
        assert (await both.scan(movement))["card"] == card
    if scenario == "late_arrival":
        arrived = await both.scan(movement, "arrival")
        assert arrived["status"] == "recorded"
        assert arrived["movement"]["state"] not in {"overdue", "enquiry"}


async def test_nothing_of_the_sandbox_touches_the_city(both: Both) -> None:
    """Every scenario, a day's scans and a camera's readings: not one row of the city is new."""
    before = await both.rows_of_city()
    for scenario in OF_REPORTS:
        movement = await both.report(scenario, plate="豫B54321")
    await both.scan(movement)
    camera = both.token("camera")
    for scenario in ("matched", "candidate", "unregistered"):
        reads = [a_read(scenario)]
        answer = await both.call(
            "POST", "/camera-reads", scenario, json={"reads": reads}, headers=camera
        )
        assert answer.json()["results"][0]["outcome"] == scenario, answer.text
    assert await both.rows_of_city() == before
    async with connected(sandbox_dsn(both.dsn)) as conn:
        assert await conn.fetchval("SELECT count(*) FROM registry.movement") > len(OF_REPORTS)


def a_read(scenario: str) -> Json:
    plate = {"matched": "豫B20001", "candidate": "豫C31502", "unregistered": "豫D46813"}[scenario]
    at = SystemClock().now().isoformat()
    return {"id": str(uuid4()), "plate": plate, "confidence": 0.95, "taken_at": at}


async def test_keys_and_passes_of_one_space_open_nothing_in_the_other(both: Both) -> None:
    movement = await both.report("green")
    assert str(movement["id"]).startswith(CITY)
    body: Json = {"json": {"scans": []}}
    real = both.token("lane", both.real)
    assert (await both.call("POST", "/scans", headers=real, **body)).status_code == 401
    own = both.token("lane")
    assert (await both.http.post("/api/v1/scans", headers=own, **body)).status_code == 401
    places = (await both.http.get("/api/v1/places?kind=checkpoint")).json()["places"]
    name, place_id = places[0]["name"], places[0]["id"]
    headers = {"authorization": f"Bearer {both.real[f'token lane-{name}'][0]}"}
    scan = {
        "id": str(uuid4()), "kind": "entry", "place_id": place_id,
        "occurred_at": SystemClock().now().isoformat(), "pass_number": movement["pass_number"],
    }  # fmt: skip
    shown = await both.http.post("/api/v1/scans", headers=headers, json={"scans": [scan]})
    result = shown.json()["results"][0]
    assert (result["card"], result["code"]) == ("wrong_code", "pass_of_other_city")


async def test_the_city_itself_plays_no_scenario(both: Both) -> None:
    """Also through the lanes' own door, whose way is shorter."""
    before = await both.rows_of_city()
    real = both.token("lane", both.real)
    await both.http.get("/api/v1/loops", headers=real)  # the tokens are in memory now
    for call in ("/api/v1/scans", "/api/v1/movements", "/login"):
        headers = real | {SCENARIO: "green", "accept": "application/json"}
        answer = await both.http.post(call, headers=headers, json={"scans": []})
        assert (answer.status_code, answer.json()["code"]) == (400, "not_a_sandbox"), call
    assert await both.rows_of_city() == before


async def test_troubles_on_the_way(both: Both) -> None:
    busy = await both.call("GET", "/places", "busy")
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
    many = await both.call("GET", "/places", "too_many")
    assert (many.status_code, many.headers["retry-after"]) == (429, "2")
    sent = str(uuid4())
    now = SystemClock().now().isoformat()
    said: Json = {"id": sent, "plate": "豫B70001", "expected_entry_at": now}
    lost = await both.call("POST", "/movements", "lost_answer", json=said)
    assert lost.status_code == 503
    again = await both.call("POST", "/movements", json=said)
    assert again.status_code == 201
    async with connected(sandbox_dsn(both.dsn)) as conn:
        reported = "SELECT count(*) FROM registry.movement WHERE plate = '豫B70001'"
        assert await conn.fetchval(reported) == 1, "what was sent twice is one report"


async def test_a_scenario_that_is_none_or_elsewhere_is_told(both: Both) -> None:
    unknown = await both.call("GET", "/places", "sunshine")
    assert unknown.json()["code"] == "unknown_scenario"
    assert "late_arrival" in unknown.json()["known"]
    elsewhere = await both.call("GET", "/places", "green")
    assert elsewhere.json()["code"] == "scenario_elsewhere"
    pages = await both.http.get("/sandbox/duty")
    assert pages.status_code == 404, "the sandbox has calls and no pages"


async def test_an_application_does_not_start_on_the_others_database(both: Both) -> None:
    own, beside = both.settings, sandbox_settings(both.settings)
    wrong: list[Litestar] = [
        create_app(own, dsn=sandbox_dsn(both.dsn), ticking=False),
        create_app(beside, dsn=both.dsn, ticking=False, sandbox=True),
    ]
    for app in wrong:
        with pytest.raises(Exception) as caught:
            async with app.lifespan():
                pass
        assert isinstance(out_of_group(caught.value), WrongSpaceError)


async def test_making_it_again_keeps_what_is_there(both: Both) -> None:
    kept = await prepare(both.settings, both.dsn, MIGRATIONS, SystemClock().now())
    assert Secrets(kept.parent).known == both.tokens
    assert load_master_key(sandbox_settings(both.settings)) != load_master_key(both.settings)
    assert urlsplit(sandbox_dsn(both.dsn)).path.endswith("_sandbox")
    assert asyncpg is not None
