"""The life of a code: what ends it, what is said of it afterwards, and that looking never does."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from kernel.auth import Actor
from kernel.clock import SetClock
from kernel.db import Connection, open_pool
from kernel.errors import NotFound, Refused
from kernel.ids import uuid7
from kernel.privacy import Vault
from registry.applications import apply
from registry.codes import CodeAct, Turn, act_on_codes, standing_of
from registry.inspections import TrialScan, record_test_scan, trials_of
from registry.particulars import Application
from registry.places import NewPlace, codes_of, create_place, find_place
from registry.reviews import pending, review
from tests.city import City
from tests.http import add_account, log_in, opened, submit

NOON = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)
ACTOR = Actor(id=uuid4(), kind="account", name="李审核", roles=frozenset({"registrar"}))
Browser = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture(autouse=True)
async def _districts(conn: Connection) -> None:
    await conn.execute(
        "INSERT INTO registry.district VALUES ('410221', '杞县'), ('410222', '通许县') "
        "ON CONFLICT DO NOTHING"
    )


async def _a_place(conn: Connection, kind: str = "checkpoint", name: str = "西卡口") -> int:
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


async def _codes(conn: Connection, place_id: int) -> dict[str, str]:
    return {code.gate: code.code for code in await codes_of(conn, place_id, NOON)}


async def _do(conn: Connection, place_id: int, act: Turn, **more: object) -> None:
    said = CodeAct(act=act, reason="检查", **more)  # pyright: ignore[reportArgumentType]
    await act_on_codes(conn, place_id, said, ACTOR, NOON)


async def test_every_act_is_on_record_with_who_and_why(conn: Connection):
    place_id = await _a_place(conn)
    await _do(conn, place_id, Turn.ROTATE, gate="东门")
    await _do(conn, place_id, Turn.REVOKE_CODE, gate="西门")
    await _do(conn, place_id, Turn.SUSPEND, until=NOON + timedelta(days=1))
    assert (await find_place(conn, place_id)).status == "suspended"
    await _do(conn, place_id, Turn.RESUME)
    assert (await find_place(conn, place_id)).suspended_until is None
    await _do(conn, place_id, Turn.REVOKE)
    assert await _codes(conn, place_id) == {}
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
    place_id = await _a_place(conn)
    for act in before:
        await _do(conn, place_id, act)
    with pytest.raises(Refused) as caught:
        await act_on_codes(conn, place_id, said, ACTOR, NOON)
    assert caught.value.code == code


async def test_a_gate_whose_code_was_revoked_gets_a_new_one(conn: Connection):
    place_id = await _a_place(conn)
    before = await _codes(conn, place_id)
    await _do(conn, place_id, Turn.REVOKE_CODE, gate="东门")
    await _do(conn, place_id, Turn.ROTATE, gate="东门")
    after = await _codes(conn, place_id)
    assert after["西门"] == before["西门"]
    assert after["东门"] != before["东门"]
    old = await standing_of(conn, before["东门"])
    assert old is not None
    assert old.ended == "code_revoked"


async def test_looking_and_printing_never_change_a_code(conn: Connection, logged_in: Browser):
    place_id = await _a_place(conn)
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
@pytest.mark.parametrize("kind", ["checkpoint", "destination"])
async def test_an_old_poster_says_which_it_is_and_what_to_do(
    client: httpx.AsyncClient,
    conn: Connection,
    city: City,
    act: Turn,
    gate: str,
    told: str,
    door: str,
    kind: str,
):
    place_id = await _a_place(conn, kind)
    code = (await _codes(conn, place_id))["东门"]
    assert (await client.get(f"/t/{code}")).status_code in {200, 303}
    await _do(conn, place_id, act, gate=gate)
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
    await _do(conn, city.north, Turn.SUSPEND)
    assert await scan() == "place_not_active"
    assert await conn.fetchval("SELECT count(*) FROM registry.event") == events
    await _do(conn, city.north, Turn.RESUME)
    assert await scan() == "recorded"


@pytest.mark.parametrize("role", ["registrar", "inspector"])
async def test_a_test_scan_is_recorded_once_and_is_no_drivers_scan(
    conn: Connection, logged_in: Browser, city: City, role: str
):
    place_id = await _a_place(conn)
    code = (await _codes(conn, place_id))["东门"]
    browser = await logged_in(role)
    shown = await browser.get(f"/t/{code}")
    assert shown.status_code == 200
    assert "西卡口" in shown.text
    assert code[:5] in shown.text
    events = await conn.fetchval("SELECT count(*) FROM registry.event")
    said = {"event_id": str(uuid7(NOON)), "result": "damaged", "note": "下角撕破"}
    for _ in range(2):
        done = await submit(browser, shown, f"/t/{code}/test", said)
        assert (done.status_code, done.headers["location"]) == (303, f"/reg/places/{place_id}")
    assert "下角撕破" in (await browser.get(f"/reg/places/{place_id}")).text
    listed = (await browser.get(f"/api/v1/places/{place_id}/test-scans")).json()["test_scans"]
    assert [(each["result"], each["gate"], each["code"]) for each in listed] == [
        ("damaged", "东门", code)
    ]
    taken = await submit(browser, shown, f"/t/{code}/test", said | {"result": "works"})
    assert taken.status_code == 422
    empty = await submit(browser, shown, f"/t/{code}/test", {"note": "写了一半", "event_id": str(uuid7(NOON))})  # fmt: skip
    assert empty.status_code == 422
    assert "写了一半" in empty.text
    assert await conn.fetchval("SELECT count(*) FROM registry.event") == events
    assert await conn.fetchval("SELECT count(*) FROM registry.movement") == 0
    codes = [c.scans_7d for c in await codes_of(conn, place_id, NOON)]
    assert codes == [0, 0]


async def test_others_who_are_logged_in_get_what_a_driver_gets(
    conn: Connection, logged_in: Browser, city: City
):
    code = (await _codes(conn, await _a_place(conn)))["东门"]
    for role in ("duty", "auditor", "desk"):
        answer = await (await logged_in(role)).get(f"/t/{code}")
        assert answer.status_code == 303, role


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"result": "fine"}, "test_result_needed"),
        ({"note": "x" * 501}, "note_too_long"),
        ({"gate": "南门"}, "unknown_gate"),
        ({"gate": "西门"}, "code_of_other_gate"),
    ],
)
async def test_an_unsound_test_scan_is_not_kept(
    conn: Connection, changes: dict[str, str], code: str
):
    place_id = await _a_place(conn)
    fields = {"gate": "东门", "code": (await _codes(conn, place_id))["东门"], "result": "works"}
    with pytest.raises(Refused) as caught:
        said = TrialScan(id=uuid4(), **fields | changes)
        await record_test_scan(conn, place_id, said, ACTOR, NOON)
    assert caught.value.code == code
    assert await trials_of(conn, place_id) == []


async def test_a_registrar_of_another_district_is_a_stranger(
    app: object, conn: Connection, vault: Vault, clock: SetClock, city: City
):
    place_id = await _a_place(conn)
    code = (await _codes(conn, place_id))["东门"]
    said = Application(
        kind="destination",
        category="面粉厂",
        name="祥云面粉厂",
        district="410221",
        address="杞县金城大道18号",
        gates=("东门",),
        contact_name="王小明",
        contact_phone="13812345678",
    )
    made = await apply(conn, vault, said, NOON)
    login = await add_account(conn, "registrar", clock)
    await conn.execute(
        "UPDATE registry.account SET district_code = '410222' WHERE login = $1", login
    )
    async with opened(app) as browser:  # pyright: ignore[reportArgumentType]
        await log_in(browser, login)
        listed = await browser.get("/reg/applications")
        assert "祥云面粉厂" not in listed.text
        assert (await browser.get(f"/t/{code}")).status_code == 303
        for path in (f"/reg/places/{place_id}", f"/reg/places/{place_id}/act?what=suspend", f"/api/v1/places/{place_id}/test-scans"):  # fmt: skip
            assert (await browser.get(path)).status_code == 404, path
        act = {"act": "suspend", "reason": "x"}
        for path, fields in (
            (f"/reg/places/{place_id}/act", act),
            (f"/reg/places/{place_id}/contact", {"reason": "x"}),
            (f"/reg/applications/{made}/review", {"decision": "approve"}),
            (f"/reg/applications/{made}/contact", {"reason": "x"}),
            (f"/t/{code}/test", {"result": "works"}),
        ):
            assert (await submit(browser, listed, path, fields)).status_code == 404, path
    assert (await find_place(conn, place_id)).status == "active"
    assert await conn.fetchval("SELECT count(*) FROM kernel.audit") == 0


@pytest.mark.parametrize(
    ("district", "seen"),
    [
        (None, True),
        ("410221", True),
        ("410200", True),
        ("410222", False),
        ("410100", False),
    ],  # fmt: skip
)
async def test_a_city_covers_its_districts(
    conn: Connection, vault: Vault, district: str | None, seen: bool
):
    place_id = await _a_place(conn)
    said = Application(
        kind="destination", category="厂", name="祥云面粉厂", district="410221",
        address="杞县金城大道18号", gates=("东门",), contact_name="王小明", contact_phone="13812345678",
    )  # fmt: skip
    made = await apply(conn, vault, said, NOON)
    assert bool(await pending(conn, vault, ACTOR, NOON, district=district)) is seen
    act = CodeAct(act=Turn.SUSPEND, reason="x")
    if seen:
        await find_place(conn, place_id, district)
        await act_on_codes(conn, place_id, act, ACTOR, NOON, district=district)
        await review(conn, made, "reject", "x", ACTOR, NOON, district=district)
        return
    for attempt in (
        lambda: find_place(conn, place_id, district),
        lambda: act_on_codes(conn, place_id, act, ACTOR, NOON, district=district),
        lambda: review(conn, made, "reject", "x", ACTOR, NOON, district=district),
    ):
        with pytest.raises(NotFound):
            await attempt()


async def test_two_rotations_side_by_side_leave_one_code(cloned: str):
    pool = await open_pool(cloned, size=3)
    async with pool.acquire() as conn:
        await conn.execute("INSERT INTO registry.district VALUES ('410221', '杞县')")
        place_id = await _a_place(conn)

    async def rotate() -> None:
        async with pool.acquire() as conn, conn.transaction():
            await _do(conn, place_id, Turn.ROTATE, gate="东门")

    await asyncio.gather(rotate(), rotate(), rotate())
    async with pool.acquire() as conn:
        rows = await conn.fetch("SELECT status FROM registry.code WHERE gate = '东门'")
    await pool.close()
    assert sorted(row["status"] for row in rows) == ["active", "rotated", "rotated", "rotated"]


@pytest.mark.parametrize("second", ["approve", "reject"])
async def test_of_two_reviews_side_by_side_one_is_told_that_it_is_done(
    cloned: str, vault: Vault, second: str
):
    pool = await open_pool(cloned, size=3)
    said = Application(
        kind="destination", category="厂", name="祥云面粉厂", district="410221",
        address="杞县金城大道18号", gates=("东门",), contact_name="王小明", contact_phone="13812345678",
    )  # fmt: skip
    async with pool.acquire() as conn:
        await conn.execute("INSERT INTO registry.district VALUES ('410221', '杞县')")
        made = await apply(conn, vault, said, NOON)

    async def decide(decision: str) -> str:
        try:
            async with pool.acquire() as conn, conn.transaction():
                return (await review(conn, made, decision, "x", ACTOR, NOON)).state
        except Refused as refused:
            return refused.code

    told = await asyncio.gather(decide("approve"), decide(second))
    async with pool.acquire() as conn:
        kept = await conn.fetchval("SELECT count(*) FROM registry.application_review")
    await pool.close()
    assert sorted(told)[0] == "already_reviewed"
    assert kept == 1
