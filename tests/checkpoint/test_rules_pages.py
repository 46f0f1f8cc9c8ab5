"""A rule set on its way into force, as the administrator and the security officer see it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx

from closedloop.shadow_runs import run_asked
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.rules import SCENARIOS
from registry.world import load_world
from tests.checkpoint.moves import released, verifying
from tests.city import IDS, City
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
STRICT = SCENARIOS / "epidemic-huiji.json"
LATER = NOON + timedelta(hours=2)


async def upload(admin: httpx.AsyncClient, content: bytes) -> httpx.Response:
    shown = await admin.get("/rules?lang=en")
    token = shown.text.split('name="_csrf_token" value="')[1].split('"')[0]
    return await admin.post(
        "/rules",
        data={"_csrf_token": token},
        files={"file": ("pack.json", content, "application/json")},
    )


async def test_from_a_file_to_the_lane(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    await verifying(conn, city)
    await released(conn, city, plate="豫B54321", id_number=IDS[1])
    clock.at = LATER
    admin, officer = await logged_in("admin"), await logged_in("security")
    answer = await upload(admin, STRICT.read_bytes())
    assert answer.status_code == 303, answer.text
    page = answer.headers["location"].split("?")[0]

    untried = await officer.get(f"{page}?lang=en")
    assert "was not tried yet" in untried.text
    assert "Epidemic control (Huiji, strict)" in untried.text
    assert "疫情防控（惠济，从严）" in (await officer.get(f"{page}?lang=zh")).text
    form = {"run_id": str(uuid7(clock.at)), "days": "7"}
    assert (await submit(officer, untried, f"{page}/shadow", form)).status_code == 303
    assert "It is running" in (await officer.get(f"{page}?lang=en")).text
    assert await run_asked(conn, clock.at) == 1
    assert await run_asked(conn, clock.at) == 0
    tried = await officer.get(f"{page}?lang=en")
    assert "2 scans, of which 1 would get another card" in tried.text
    assert "white TURN BACK" in tried.text

    at = (clock.at + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M")  # Shanghai
    done = await submit(officer, tried, f"{page}/release", {"in_force_from": at})
    assert done.status_code == 303, done.text
    rules = (await load_world(conn)).rules_at(clock.at + timedelta(hours=1))
    assert rules.scenario == "epidemic-huiji"
    assert (await load_world(conn)).rules_at(clock.at).scenario == "epidemic-henan"


async def test_cards_and_limits_are_changed_on_the_page(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    admin = await logged_in("admin")
    number = (await city.office.cache.now(conn)).rules_at(NOON).version
    shown = await admin.get(f"/rules/{number}?lang=en")
    said = {"card_test_missing": "white", "limit_desk_minutes": "30"}
    made = await submit(admin, shown, f"/rules/{number}", said)
    assert made.status_code == 303
    changed = await admin.get(f"{made.headers['location']}&lang=en")
    assert "A new version is proposed" in changed.text
    assert 'name="limit_desk_minutes" inputmode="decimal" autocomplete="off" value="30"' in (
        changed.text
    )
    refused = await submit(admin, shown, f"/rules/{number}", said | {"limit_desk_minutes": "x"})
    assert refused.status_code == 422
    assert "limits.desk_minutes" in refused.text
    assert 'value="x"' in refused.text


async def test_a_bad_file_is_refused_with_its_place(logged_in: LogIn, city: City) -> None:
    assert city
    admin = await logged_in("admin")
    answer = await upload(admin, b'{"scenario": 5}')
    assert answer.status_code == 422
    assert "$.scenario" in answer.text
    assert (await upload(admin, b"")).status_code == 422


async def test_whoever_proposed_cannot_release_and_others_only_read(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    number = (await city.office.cache.now(conn)).rules_at(NOON).version
    admin, auditor = await logged_in("admin"), await logged_in("auditor")
    shown = await auditor.get(f"/rules/{number}?lang=en")
    assert shown.status_code == 200
    assert "<select" not in shown.text
    own = await admin.get(f"/rules/{number}")
    tried = await submit(admin, own, f"/rules/{number}/release", {"in_force_from": ""})
    assert tried.status_code == 403
