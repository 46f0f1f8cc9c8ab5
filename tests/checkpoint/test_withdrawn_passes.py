"""A pass is voided, issued again and cancelled, as its driver and the lane see it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from closedloop.model import State
from kernel.clock import SetClock
from kernel.db import Connection
from tests.checkpoint.moves import REPORTED, loop_of, number_of, released, reported
from tests.checkpoint.passes import ENGLISH, a_scan, act, offline, page_of, scans, told
from tests.city import City, add_proof
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]


# ── a pass is taken back, and given again ──


async def test_a_voided_pass_is_void_on_the_page_and_at_the_lane_until_it_is_issued_again(
    logged_in: LogIn, client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock
) -> None:
    movement_id = await reported(conn, city)
    page, signed = page_of(city, movement_id), await offline(conn, city, movement_id)
    assert "data-keep=" in (await client.get(page, headers=ENGLISH)).text
    registrar = await logged_in("registrar")
    answer = await act(registrar, movement_id, "void", reason="evidence_revoked", note="李小龙")
    assert answer.status_code == 200, answer.text

    shown = (await client.get(page, headers=ENGLISH)).text
    assert "Voided" in shown
    assert "was revoked" in shown
    assert f"{page}/full" not in shown
    assert f"{page}/cancel" in shown
    for ending in ("full", "pass.png", "pass.pdf", "pass.svg"):
        assert (await client.get(f"{page}/{ending}")).status_code == 409

    clock.at += timedelta(minutes=1)
    (result,) = await scans(client, city, a_scan(city, signed))
    assert result["card"] == "yellow"
    failed = await conn.fetchval(
        "SELECT body #>> '{reasons,0,code}' FROM registry.event WHERE kind = 'entry'"
    )
    assert failed == "pass_withdrawn"
    ((kind, _, facts),) = await told(conn, movement_id)
    assert kind == "pass_voided"
    assert set(facts) == {"movement_id", "reason", "window_to"}
    assert facts["reason"] == "evidence_revoked"


async def test_a_voided_pass_is_issued_again_on_new_proof(
    logged_in: LogIn, client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock
) -> None:
    movement_id = await reported(conn, city, tested=False)
    desk = await logged_in("desk", city.north)
    assert (await act(desk, movement_id, "void", reason="evidence_lapsed")).status_code == 200
    clock.at += timedelta(minutes=1)
    refused = await act(desk, movement_id, "reissue")
    assert (refused.status_code, refused.json()["code"]) == (422, "new_proof_needed")
    assert refused.json()["missing"]
    again = await act(desk, movement_id, "reissue", proof="paper of the lab, 10 o'clock")
    assert again.status_code == 200, again.text
    page = page_of(city, movement_id)
    assert "Pass issued" in (await client.get(page, headers=ENGLISH)).text
    assert (await client.get(f"{page}/full")).status_code == 200
    assert [kind for kind, _, _ in await told(conn, movement_id)] == [
        "pass_reissued",
        "pass_voided",
    ]


async def test_where_the_rules_find_nothing_any_more_no_words_are_needed(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    movement_id = await reported(conn, city)
    duty = await logged_in("duty")
    await act(duty, movement_id, "void", reason="details_wrong")
    clock.at += timedelta(minutes=1)
    assert (await act(duty, movement_id, "reissue")).status_code == 200
    assert (await loop_of(conn, movement_id)).state is State.ISSUED


@pytest.mark.parametrize(
    ("role", "kind", "about", "status", "code"),
    [
        ("duty", "void", {"reason": "because"}, 422, "void_reason_unknown"),
        ("duty", "void", {}, 422, "void_reason_unknown"),
        ("duty", "reissue", {"proof": "seen"}, 409, "nothing_to_reissue"),
        ("lane", "void", {"reason": "misused"}, 403, "not_your_role"),
        ("firm", "void", {"reason": "misused"}, 403, "not_your_role"),
        ("lane", "reissue", {"proof": "seen"}, 403, "not_your_role"),
        ("registrar", "confirm", {}, 403, "not_your_role"),
        ("registrar", "resumed", {}, 403, "not_your_role"),
        ("registrar", "delay", {}, 403, "not_your_truck"),
        ("registrar", "desk", {"outcome": "release"}, 403, "not_your_role"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    logged_in: LogIn,
    conn: Connection,
    city: City,
    role: str,
    kind: str,
    about: dict[str, str],
    status: int,
    code: str,
) -> None:
    movement_id = await reported(conn, city)
    place = {"lane": city.north, "firm": city.mill}.get(role)
    answer = await act(await logged_in(role, place), movement_id, kind, **about)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await loop_of(conn, movement_id)).state is State.ISSUED


async def test_a_pass_is_voided_before_the_barrier_and_issued_again_within_its_window(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    inside = await released(conn, city, NOON - timedelta(minutes=5))
    duty = await logged_in("duty")
    answer = await act(duty, inside, "void", reason="misused")
    assert answer.json()["code"] == "nothing_to_void"

    outside = await reported(conn, city, tested=False, plate="豫B54321")
    await act(duty, outside, "void", reason="misused")
    answer = await act(duty, outside, "void", reason="misused")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_void")
    clock.at += timedelta(days=4)
    duty = await logged_in("duty")
    answer = await act(duty, outside, "reissue", proof="seen")
    assert (answer.status_code, answer.json()["code"]) == (409, "window_is_over")


# ── the driver does not come ──


async def test_a_driver_cancels_on_the_page_and_is_told(
    client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock
) -> None:
    movement_id = await reported(conn, city)
    page = page_of(city, movement_id)
    asked = await client.get(f"{page}/cancel", headers=ENGLISH)
    assert "Do you want to cancel" in asked.text
    event_id = asked.text.partition('name="event_id" value="')[2].partition('"')[0]
    for _ in range(2):  # an impatient thumb
        answer = await submit(client, asked, f"{page}/cancel", {"event_id": event_id})
        assert (answer.status_code, answer.headers["location"]) == (303, page)
        clock.at += timedelta(seconds=1)
    shown = (await client.get(page, headers=ENGLISH)).text
    assert "Cancelled" in shown
    assert 'href="/d/new"' in shown
    assert [kind for kind, _, _ in await told(conn, movement_id)] == ["pass_cancelled"]
    (result,) = await scans(client, city, a_scan(city, number_of(city, movement_id)))
    assert result["card"] != "green"
    answer = await client.get(f"{page}/cancel")
    assert (answer.status_code, answer.headers["location"]) == (303, page)


async def test_once_inside_nothing_is_cancelled(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    page = page_of(city, movement_id)
    asked = await client.get(f"{page}/cancel")
    await scans(client, city, a_scan(city, number_of(city, movement_id)))
    answer = await submit(client, asked, f"{page}/cancel", {})
    assert answer.status_code == 409
    assert (await loop_of(conn, movement_id)).state is State.RELEASED
    assert f"{page}/cancel" not in (await client.get(page)).text


async def test_a_cancel_form_of_nonsense_is_refused(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    page = page_of(city, await reported(conn, city))
    asked = await client.get(f"{page}/cancel")
    answer = await submit(client, asked, f"{page}/cancel", {"event_id": "x"})
    assert answer.status_code == 400


async def test_a_lapsed_pass_offers_another_time_and_a_new_one_is_good(
    client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock
) -> None:
    movement_id = await reported(conn, city)
    await add_proof(conn, city.office.vault, "test", "negative", REPORTED)
    clock.at += timedelta(days=3)
    shown = (await client.get(page_of(city, movement_id), headers=ENGLISH)).text
    assert "Lapsed" in shown
    assert f"{page_of(city, movement_id)}/edit" in shown
    assert "<svg viewBox" not in shown.partition('class="qr"')[2]
    assert "/full" not in shown
