"""The life of a code: what ends it, what is said of it afterwards, and that looking never does."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Refused
from kernel.ids import uuid7
from registry.codes import CodeAct, Turn, act_on_codes, standing_of
from registry.places import NewPlace, codes_of, create_place, find_place
from tests.city import City
from tests.http import submit

NOON = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)
ACTOR = Actor(id=uuid4(), kind="account", name="李审核", roles=frozenset({"registrar"}))
Browser = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture(autouse=True)
async def districts_there(conn: Connection) -> None:
    await conn.execute(
        "INSERT INTO registry.district VALUES ('410221', '杞县'), ('410222', '通许县') "
        "ON CONFLICT DO NOTHING"
    )


async def a_place(conn: Connection, kind: str = "checkpoint", name: str = "西卡口") -> int:
    place = NewPlace(
        kind=kind,
        category="test",
        name=name,
        district_code="410221",
        address="杞县西环路1号",
        gates=("东门", "西门"),
        source="test",
    )
    return await create_place(conn, place, NOON)


async def codes_by_gate(conn: Connection, place_id: int) -> dict[str, str]:
    return {code.gate: code.code for code in await codes_of(conn, place_id, NOON)}


async def do(conn: Connection, place_id: int, act: Turn, **more: object) -> None:
    said = CodeAct(act=act, reason="检查", **more)  # pyright: ignore[reportArgumentType]
    await act_on_codes(conn, place_id, said, ACTOR, NOON)


async def test_every_act_is_on_record_with_who_and_why(conn: Connection):
    place_id = await a_place(conn)
    await do(conn, place_id, Turn.ROTATE, gate="东门")
    await do(conn, place_id, Turn.REVOKE_CODE, gate="西门")
    await do(conn, place_id, Turn.SUSPEND, until=NOON + timedelta(days=1))
    assert (await find_place(conn, place_id)).status == "suspended"
    await do(conn, place_id, Turn.RESUME)
    assert (await find_place(conn, place_id)).suspended_until is None
    await do(conn, place_id, Turn.REVOKE)
    assert await codes_by_gate(conn, place_id) == {}
    rows = await conn.fetch("SELECT action, actor_name, reason FROM kernel.audit")
    assert {tuple(row) for row in rows} == {
        ("rotate_code", "李审核", "东门: 检查"),
        ("revoke_code", "李审核", "西门: 检查"),
        ("suspend", "李审核", "检查"),
        ("resume", "李审核", "检查"),
        ("revoke", "李审核", "检查"),
    }


@pytest.mark.parametrize(
    ("before", "said", "code"),
    [
        ((), CodeAct(act=Turn.SUSPEND, reason=" "), "reason_needed"),
        ((), CodeAct(act=Turn.SUSPEND, reason="x" * 301), "reason_too_long"),
        ((), CodeAct(act=Turn.SUSPEND, reason="x", until=NOON), "until_past"),
        ((), CodeAct(act=Turn.RESUME, reason="x"), "place_is_active"),
        ((), CodeAct(act=Turn.ROTATE, reason="x", gate="南门"), "unknown_gate"),
        ((), CodeAct(act=Turn.REVOKE_CODE, reason="x", gate="南门"), "gate_without_code"),
        ((Turn.SUSPEND,), CodeAct(act=Turn.SUSPEND, reason="x"), "place_is_suspended"),
        ((Turn.REVOKE,), CodeAct(act=Turn.RESUME, reason="x"), "place_is_revoked"),
        ((Turn.REVOKE,), CodeAct(act=Turn.ROTATE, reason="x", gate="东门"), "place_is_revoked"),
    ],
)
async def test_an_act_that_cannot_be_is_refused(
    conn: Connection, before: tuple[Turn, ...], said: CodeAct, code: str
):
    place_id = await a_place(conn)
    for act in before:
        await do(conn, place_id, act)
    with pytest.raises(Refused) as caught:
        await act_on_codes(conn, place_id, said, ACTOR, NOON)
    assert caught.value.code == code


async def test_a_gate_whose_code_was_revoked_gets_a_new_one(conn: Connection):
    place_id = await a_place(conn)
    before = await codes_by_gate(conn, place_id)
    await do(conn, place_id, Turn.REVOKE_CODE, gate="东门")
    await do(conn, place_id, Turn.ROTATE, gate="东门")
    after = await codes_by_gate(conn, place_id)
    assert after["西门"] == before["西门"]
    assert after["东门"] != before["东门"]
    old = await standing_of(conn, before["东门"])
    assert old is not None
    assert old.ended == "code_revoked"


async def test_looking_and_printing_never_change_a_code(conn: Connection, logged_in: Browser):
    place_id = await a_place(conn)
    rows = "SELECT code, status, issued_at, ended_at FROM registry.code ORDER BY code"
    before = await conn.fetch(rows)
    browser = await logged_in("registrar")
    code = before[0]["code"]
    for path in (
        f"/reg/places/{place_id}",
        f"/reg/places/{place_id}/act?what=rotate_code&gate=东门",
        f"/reg/places/{place_id}/act?what=revoke",
        f"/api/v1/places/{place_id}/poster.svg",
        f"/t/{code}",
        "/places",
    ):
        assert (await browser.get(path)).status_code == 200, path
    assert await conn.fetch(rows) == before
    shown = await browser.get(f"/reg/places/{place_id}/act?what=rotate_code&gate=东门")
    said = {"act": "rotate_code", "gate": "东门", "reason": "旧了"}
    await submit(browser, shown, f"/reg/places/{place_id}/act", said)
    assert await conn.fetch(rows) != before


@pytest.mark.parametrize(
    ("act", "gate", "told", "door"),
    [
        (Turn.ROTATE, "东门", "code_rotated", "/d/new?entry_place_id="),
        (Turn.REVOKE_CODE, "东门", "code_revoked", "/d/new?entry_place_id="),
        (Turn.SUSPEND, "", "place_suspended", 'href="/places"'),
        (Turn.REVOKE, "", "place_revoked", 'href="/places"'),
    ],
)
@pytest.mark.usefixtures("city")
@pytest.mark.parametrize("kind", ["checkpoint", "destination"])
async def test_an_old_poster_says_which_it_is_and_what_to_do(
    client: httpx.AsyncClient,
    conn: Connection,
    act: Turn,
    gate: str,
    told: str,
    door: str,
    kind: str,
):
    place_id = await a_place(conn, kind)
    code = (await codes_by_gate(conn, place_id))["东门"]
    assert (await client.get(f"/t/{code}")).status_code in {200, 303}
    await do(conn, place_id, act, gate=gate)
    for lang, word in (("zh", "西卡口"), ("en", "12328")):
        answer = await client.get(f"/t/{code.lower()}", params={"lang": lang})
        assert answer.status_code == 404
        assert told in answer.text
        assert word in answer.text
        assert (door in answer.text) == (kind == "checkpoint")
    nobody = await client.get("/t/0000000000")
    assert nobody.status_code == 404
    assert told not in nobody.text


async def test_a_suspended_checkpoint_is_refused_at_its_lane_and_earlier_scans_stay(
    client: httpx.AsyncClient, conn: Connection, city: City
):
    lane = {"authorization": f"Bearer {city.lane_token}"}

    async def scan() -> str:
        said = {"id": str(uuid7(NOON)), "kind": "entry", "plate": "豫B12345"}
        said |= {"occurred_at": NOON.isoformat(), "place_id": city.north, "gate": "1"}
        answer = await client.post("/api/v1/scans", json={"scans": [said]}, headers=lane)
        (result,) = answer.json()["results"]
        return result.get("code") or result["status"]

    assert await scan() == "recorded"
    events = await conn.fetchval("SELECT count(*) FROM registry.event")
    assert events > 0
    await do(conn, city.north, Turn.SUSPEND)
    assert await scan() == "place_not_active"
    assert await conn.fetchval("SELECT count(*) FROM registry.event") == events
    await do(conn, city.north, Turn.RESUME)
    assert await scan() == "recorded"
