"""Test scans, whose district a place is in, and acts that come side by side."""

import asyncio
from uuid import uuid4

import pytest

from kernel.clock import SetClock
from kernel.db import Connection, open_pool
from kernel.errors import NotFound, Refused
from kernel.ids import uuid7
from kernel.privacy import Vault
from registry.applications import apply
from registry.codes import CodeAct, Turn, act_on_codes
from registry.inspections import TrialScan, record_test_scan, trials_of
from registry.particulars import Application
from registry.places import codes_of, find_place
from registry.reviews import pending, review
from tests.http import add_account, log_in, opened, submit
from tests.registry.test_codes import ACTOR, NOON, Browser, a_place, codes_by_gate, do


@pytest.fixture(autouse=True)
async def _districts(conn: Connection) -> None:
    await conn.execute(
        "INSERT INTO registry.district VALUES ('410221', '杞县'), ('410222', '通许县') "
        "ON CONFLICT DO NOTHING"
    )


@pytest.mark.parametrize("role", ["registrar", "inspector"])
@pytest.mark.usefixtures("city")
async def test_a_test_scan_is_recorded_once_and_is_no_drivers_scan(
    conn: Connection, logged_in: Browser, role: str
):
    place_id = await a_place(conn)
    code = (await codes_by_gate(conn, place_id))["东门"]
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


@pytest.mark.usefixtures("city")
async def test_others_who_are_logged_in_get_what_a_driver_gets(
    conn: Connection, logged_in: Browser
):
    code = (await codes_by_gate(conn, await a_place(conn)))["东门"]
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
    place_id = await a_place(conn)
    fields = {
        "gate": "东门",
        "code": (await codes_by_gate(conn, place_id))["东门"],
        "result": "works",
    }
    with pytest.raises(Refused) as caught:
        said = TrialScan(id=uuid4(), **fields | changes)
        await record_test_scan(conn, place_id, said, ACTOR, NOON)
    assert caught.value.code == code
    assert await trials_of(conn, place_id) == []


@pytest.mark.usefixtures("city")
async def test_a_registrar_of_another_district_is_a_stranger(
    app: object, conn: Connection, vault: Vault, clock: SetClock
):
    place_id = await a_place(conn)
    code = (await codes_by_gate(conn, place_id))["东门"]
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
    ],
)
async def test_a_city_covers_its_districts(
    conn: Connection, vault: Vault, district: str | None, seen: bool
):
    place_id = await a_place(conn)
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
        place_id = await a_place(conn)

    async def rotate() -> None:
        async with pool.acquire() as conn, conn.transaction():
            await do(conn, place_id, Turn.ROTATE, gate="东门")

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
    assert min(told) == "already_reviewed"
    assert kept == 1
