"""“Do you expect this truck?”: asked of firm and district before it comes, answered before or after,
and never a reason to turn a truck back.
"""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

import alerts.expecting
from alerts.expecting import Expected, Told, answer, ask_due
from alerts.expecting_queries import answers_of, expectations, refusals
from kernel.auth import Actor
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Unprocessable
from registry.model import Card
from tests.alerts.desk import at, somebody
from tests.checkpoint.moves import loop_of, reported, scanned, verifying
from tests.city import IDS, City
from tests.conftest import NOON
from tests.http import submit

EARLY = NOON - timedelta(minutes=5)


async def said(
    conn: Connection,
    city: City,
    movement_id: int,
    what: str,
    actor: Actor,
    now: datetime = EARLY,
    **more: Any,
) -> Told:
    fields = {"id": uuid4(), "answer": what} | more
    return await answer(conn, city.office, movement_id, Expected(**fields), actor, now)


async def firm_of(conn: Connection, city: City) -> Actor:
    return await somebody(conn, "firm", place_id=city.mill)


async def test_firm_and_district_are_told_once(conn: Connection, city: City) -> None:
    movement_id = await reported(conn, city)
    assert [await ask_due(conn, city.office, EARLY) for _ in range(3)] == [1, 0, 0]
    rows = await conn.fetch(
        "SELECT recipient, facts FROM kernel.outbox WHERE kind = 'truck_announced' ORDER BY 1"
    )
    assert [row["recipient"] for row in rows] == ["grid", f"place:{city.mill}"]
    assert rows[0]["facts"]["district"] == "410221"
    assert "豫B" not in str([row["facts"] for row in rows])
    (asked,) = await expectations(conn, EARLY, 60, place_id=city.mill)
    assert (asked.movement_id, asked.answer) == (movement_id, "")
    assert asked.due_at == EARLY + timedelta(minutes=60)


async def test_the_question_is_there_before_any_scheduler_has_run(
    conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    (asked,) = await expectations(conn, EARLY, 60, place_id=city.mill)
    assert asked.due_at == NOON - timedelta(minutes=10) + timedelta(minutes=60)
    await said(conn, city, movement_id, "yes", await firm_of(conn, city))
    (asked,) = await expectations(conn, EARLY, 60, place_id=city.mill)
    assert asked.answer == "yes"
    assert await expectations(conn, EARLY, 60, place_id=city.depot) == []
    assert await expectations(conn, EARLY, 60, district="410222") == []


async def test_a_stop_that_was_changed_is_asked_for_anew(conn: Connection, city: City) -> None:
    movement_id = await reported(conn, city)
    await ask_due(conn, city.office, EARLY)
    await said(conn, city, movement_id, "no", await firm_of(conn, city))
    await conn.execute(
        "UPDATE registry.movement SET stops = $2 WHERE movement_id = $1", movement_id, [city.depot]
    )
    assert await ask_due(conn, city.office, EARLY) == 1
    (asked,) = await expectations(conn, EARLY, 60)
    assert (asked.place_id, asked.answer) == (city.depot, "")
    assert await refusals(conn) == []


async def test_the_last_word_counts_and_all_are_kept(conn: Connection, city: City) -> None:
    movement_id, firm = await reported(conn, city), await firm_of(conn, city)
    grid = await somebody(conn, "grid", district="410221")
    await said(conn, city, movement_id, "no", firm)
    (refused,) = await refusals(conn, district="410221")
    assert (refused.place, refused.answer) == ("第一面粉厂", "no")
    assert await refusals(conn, district="410222") == []
    later = NOON + timedelta(hours=5)
    await said(conn, city, movement_id, "later", firm, at(-4), later_at=later)
    await said(conn, city, movement_id, "not_us", grid, at(-3), other_place_id=city.depot)
    (refused,) = await refusals(conn, movement_id=movement_id)
    assert refused.other_place == "城东仓库"
    await said(conn, city, movement_id, "yes", firm, at(-2))
    assert await refusals(conn, movement_id=movement_id) == []
    words = [each.answer for each in await answers_of(conn, movement_id)]
    assert words == ["no", "later", "not_us", "yes"]
    warned = await conn.fetchval(
        "SELECT count(*) FROM kernel.outbox WHERE kind = 'truck_not_expected'"
    )
    assert warned == 2
    with pytest.raises(Exception, match="append-only"):
        async with conn.transaction():
            await conn.execute("DELETE FROM alerts.expectation_answer")


async def test_sent_twice_it_is_one(conn: Connection, city: City) -> None:
    movement_id, firm, act_id = await reported(conn, city), await firm_of(conn, city), uuid4()
    first = await said(conn, city, movement_id, "no", firm, id=act_id)
    again = await said(conn, city, movement_id, "no", firm, at(3), id=act_id)
    assert (first.repeated, again.repeated) == (False, True)
    with pytest.raises(Conflict, match="event_id_taken"):
        await said(conn, city, movement_id, "yes", firm, id=act_id)


async def test_what_makes_no_sense_is_told(conn: Connection, city: City) -> None:
    movement_id, firm = await reported(conn, city), await firm_of(conn, city)
    wrong: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("perhaps", {}, "expectation_unknown"),
        ("later", {}, "later_needed"),
        ("yes", {"later_at": NOON}, "later_needed"),
        ("no", {"other_place_id": city.depot}, "destination_unknown"),
        ("not_us", {"other_place_id": city.north}, "destination_unknown"),
    )
    for what, more, code in wrong:
        with pytest.raises(Unprocessable, match=code):
            await said(conn, city, movement_id, what, firm, **more)
    other = await somebody(conn, "firm", place_id=city.depot)
    far = await somebody(conn, "grid", district="410222")
    for stranger in (other, far):
        with pytest.raises(NotFound, match="unknown_movement"):
            await said(conn, city, movement_id, "no", stranger)


async def test_a_no_turns_no_truck_back_and_is_kept_after_entry(
    conn: Connection, city: City
) -> None:
    movement_id, firm = await reported(conn, city), await firm_of(conn, city)
    await said(conn, city, movement_id, "no", firm)
    outcome = await scanned(conn, city, movement_id, "entry")
    assert outcome.loop is not None
    assert outcome.loop.last_card is Card.GREEN
    late = await said(conn, city, movement_id, "not_us", firm, at(10))
    assert late.after_entry
    assert [each.after_entry for each in await answers_of(conn, movement_id)] == [False, True]
    assert (await refusals(conn))[0].answer == "not_us"
    assert (await loop_of(conn, movement_id)).last_card is Card.GREEN
    await scanned(conn, city, movement_id, "arrival", at(45))
    assert await refusals(conn) == []


async def test_an_answer_that_does_not_come_in_time_is_seen_by_the_clock(
    logged_in, conn: Connection, city: City, clock: SetClock
) -> None:
    await reported(conn, city)
    await ask_due(conn, city.office, EARLY)
    grid = await logged_in("grid")
    clock.at = NOON
    assert "逾期未答复" not in (await grid.get("/expected")).text
    clock.at = NOON + timedelta(minutes=56)
    assert "逾期未答复" in (await grid.get("/expected")).text


async def test_a_firm_says_no_and_desk_and_duty_officer_are_advised(
    logged_in, conn: Connection, city: City, clock: SetClock
) -> None:
    movement_id = await verifying(conn, city, plate="豫B54321", id_number=IDS[1])
    firm = await logged_in("firm", city.mill)
    home = await firm.get("/firm")
    assert "/expected" in home.text
    shown = await firm.get("/expected")
    found = re.search(r'name="event_id" value="([0-9a-f-]+)"', shown.text)
    assert found
    fields = {"event_id": found[1], "answer": "no"}
    sent = await submit(firm, shown, f"/expected/{movement_id}", fields)
    assert sent.headers["location"] == "/expected?done=no"
    assert (await submit(firm, shown, f"/expected/{movement_id}", fields)).status_code == 303
    desk, duty = await logged_in("desk", city.north), await logged_in("duty")
    advised = await desk.get(f"/desk/{movement_id}")
    assert "目的地单位说没有预期此车" in advised.text
    assert "不得因此劝返" in advised.text
    assert "目的地未预期的车辆" in (await duty.get("/duty")).text
    assert clock.at == NOON
    other = await logged_in("firm", city.depot)
    refused = await submit(other, await other.get("/expected"), f"/expected/{movement_id}", fields)
    assert refused.status_code == 404


async def test_by_call(logged_in, conn: Connection, city: City) -> None:
    movement_id = await reported(conn, city)
    firm = await logged_in("firm", city.mill)
    await firm.get("/expected")
    token = {"x-csrftoken": firm.cookies["csrftoken"]}
    listed = (await firm.get("/api/v1/expectations")).json()["expectations"]
    assert [each["movement_id"] for each in listed] == [movement_id]
    url, act_id = f"/api/v1/expectations/{movement_id}/answer", str(UUID(int=7))
    sent = await firm.post(url, json={"id": act_id, "answer": "yes"}, headers=token)
    assert sent.json()["answer"] == "yes"
    late = await firm.post(url, json={"id": str(uuid4()), "answer": "later"}, headers=token)
    assert late.json()["code"] == "later_needed"


async def test_what_has_not_changed_since_the_last_run_is_not_gone_through_again(
    conn: Connection, city: City
) -> None:
    """A report that was being committed while that run looked is found: the margin is for it."""
    movement_id = await reported(conn, city)
    changed = await conn.fetchval(
        "SELECT updated_at FROM closedloop.loop WHERE movement_id = $1", movement_id
    )
    hour = timedelta(hours=1)
    assert await ask_due(conn, city.office, EARLY, changed + hour) == 0
    assert await ask_due(conn, city.office, EARLY, changed + timedelta(minutes=4)) == 1


async def test_whoever_is_beaten_to_a_portion_goes_on_to_the_end(
    conn: Connection, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has asked about the same ones meanwhile: that is no end."""
    monkeypatch.setattr(alerts.expecting, "MOST", 1)
    portions = iter([(1, 0), (1, 1), (0, 0)])

    async def some(*_: object) -> tuple[int, int]:
        return next(portions)

    monkeypatch.setattr(alerts.expecting, "_ask_some", some)
    assert await ask_due(conn, city.office, EARLY) == 1
    assert list(portions) == []


async def test_more_than_fit_into_a_statement_are_asked_about_in_one_run(
    conn: Connection, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts.expecting, "MOST", 1)
    for plate in ("豫B11111", "豫B22222"):
        await reported(conn, city, plate=plate, tested=False)
    assert await ask_due(conn, city.office, EARLY, EARLY) == 2
