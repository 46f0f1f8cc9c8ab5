"""The offline pass and the pass that was taken back, at the lane and on the driver's page."""

import gzip
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pypdfium2
import pytest
import zxingcpp
from litestar import Litestar
from PIL import Image

from checkpoint.lane import LaneDoor
from closedloop.model import State
from closedloop.printouts import offline_digits
from closedloop.reporting import situation_of
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.reports import view_key
from registry.signing_keys import retire
from registry.world import WorldCache
from tests.checkpoint.moves import REPORTED, loop_of, number_of, released, reported
from tests.checkpoint.test_lane import bearer, through
from tests.city import City, add_proof
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
ENGLISH = {"accept-language": "en"}


async def offline(conn: Connection, city: City, movement_id: int) -> str:
    situation = await situation_of(conn, movement_id)
    world = await city.office.cache.now(conn)
    return await offline_digits(conn, city.office, situation.movement, world, NOON)


def a_scan(city: City, number: str, **about: Any) -> dict[str, Any]:
    return {
        "id": str(uuid7(NOON)),
        "kind": "entry",
        "pass_number": number,
        "place_id": city.north,
        "gate": "1",
        "occurred_at": NOON.isoformat(),
    } | about


async def scans(client: httpx.AsyncClient, city: City, *said: dict[str, Any]) -> list[Any]:
    answer = await client.post(
        "/api/v1/scans", json={"scans": said}, headers=bearer(city.lane_token) | ENGLISH
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


def page_of(city: City, movement_id: int) -> str:
    return f"/d/{movement_id}-{view_key(movement_id, city.office.vault)}"


async def act(client: httpx.AsyncClient, movement_id: int, kind: str, **about: str) -> Any:
    token = client.cookies.get("csrftoken") or ""
    return await client.post(
        f"/api/v1/movements/{movement_id}/events",
        json={"id": str(uuid7(NOON)), "kind": kind} | about,
        headers={"X-CSRFToken": token},
    )


async def told(conn: Connection, movement_id: int) -> list[tuple[str, str, dict[str, Any]]]:
    rows = await conn.fetch(
        "SELECT kind, recipient, facts FROM kernel.outbox WHERE kind LIKE 'pass%' ORDER BY kind"
    )
    assert {row["recipient"] for row in rows} <= {f"movement:{movement_id}"}
    return [(row["kind"], row["recipient"], row["facts"]) for row in rows]


# ── either code is the same pass ──


async def test_a_lane_that_reads_the_offline_code_gets_the_same_movement(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    signed = await offline(conn, city, movement_id)
    first, second = await scans(
        client, city, a_scan(city, signed), a_scan(city, number_of(city, movement_id))
    )
    assert (first["status"], first["card"]) == ("recorded", "green")
    assert (second["status"], second["card"]) == ("recorded", "duplicate")
    assert first["movement"]["id"] == second["movement"]["id"] == movement_id


async def test_the_offline_code_asks_no_more_of_the_database(
    app: Litestar, conn: Connection, city: City, client: httpx.AsyncClient
) -> None:
    movement_id = await reported(conn, city)
    signed = await offline(conn, city, movement_id)
    cache: WorldCache = app.state.office.cache
    cache._world = await city.office.cache.now(conn)
    await cache.now(conn)
    assert client

    async def asked(_: Connection) -> None:
        pytest.fail("the epoch was asked for once more")

    cache.now = asked  # type: ignore[method-assign]
    async with through(LaneDoor(app, secure=False)) as door:
        assert cache.held is not None
        (result,) = await scans(door, city, a_scan(city, signed))
    assert (result["status"], result["card"]) == ("recorded", "green")


async def test_the_lanes_page_reads_the_offline_code(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    lane = await logged_in("lane", city.north)
    shown = await lane.get("/gate?gate=1&lang=en")
    typed = {"input": await offline(conn, city, movement_id), "gate": "1"}
    answer = await submit(lane, shown, "/gate", typed)
    assert 'data-card="green"' in answer.text
    assert (await loop_of(conn, movement_id)).state is State.RELEASED


async def test_a_driver_arrives_with_the_offline_code(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    movement_id = await released(conn, city, NOON - timedelta(minutes=5))
    await conn.execute(
        """
        INSERT INTO registry.code (code, place_id, gate, status, issued_at)
        VALUES ('ABCDE12345', $1, '1', 'active', $2)
        """,
        city.mill,
        NOON,
    )
    shown = await client.get("/t/ABCDE12345?lang=en")
    said = {"pass_number": await offline(conn, city, movement_id)}
    answer = await submit(client, shown, "/t/ABCDE12345", said)
    assert answer.status_code == 200, answer.text
    assert (await loop_of(conn, movement_id)).stops[0].claimed_at is not None


@pytest.mark.parametrize("fault", ["forged", "retired"])
async def test_an_offline_code_that_is_not_ours_gets_the_card_for_that(
    client: httpx.AsyncClient, conn: Connection, city: City, fault: str
) -> None:
    movement_id = await reported(conn, city)
    signed = await offline(conn, city, movement_id)
    if fault == "retired":
        await retire(conn, 1, NOON)
    else:
        signed = signed[:-1] + str((int(signed[-1]) + 5) % 10)
    (result,) = await scans(client, city, a_scan(city, signed))
    assert (result["status"], result["card"]) == ("refused", "wrong_code")
    code = {"forged": "pass_forged", "retired": "pass_key_unknown"}[fault]
    assert result["code"] == code
    assert (await loop_of(conn, movement_id)).state is State.ISSUED


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


# ── what is handed out ──


@pytest.mark.parametrize("size", ["a6", "80mm"])
async def test_the_pass_is_printed_by_its_driver_and_by_the_desk(
    logged_in: LogIn, client: httpx.AsyncClient, conn: Connection, city: City, size: str
) -> None:
    movement_id = await reported(conn, city)
    desk = await logged_in("desk", city.north)
    for browser, address in (
        (client, f"{page_of(city, movement_id)}/pass.pdf"),
        (desk, f"/api/v1/movements/{movement_id}/pass.pdf"),
    ):
        answer = await browser.get(address, params={"size": size})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/pdf"
        document = pypdfium2.PdfDocument(answer.content)
        drawn = [each.render(scale=4).to_pil() for each in document]
        read = {code.text for each in drawn for code in zxingcpp.read_barcodes(each)}
        assert number_of(city, movement_id) in read
        assert await offline(conn, city, movement_id) in read
        document.close()


async def test_another_firm_prints_nothing(logged_in: LogIn, conn: Connection, city: City) -> None:
    movement_id = await reported(conn, city)
    depot = await logged_in("firm", city.depot)
    assert (await depot.get(f"/api/v1/movements/{movement_id}/pass.pdf")).status_code == 404


@pytest.mark.parametrize("wish", ["pass.pdf?size=a0", "pass.png?code=x", "full?code="])
async def test_a_form_of_the_pass_that_there_is_not_is_refused(
    client: httpx.AsyncClient, conn: Connection, city: City, wish: str
) -> None:
    movement_id = await reported(conn, city)
    assert (await client.get(f"{page_of(city, movement_id)}/{wish}")).status_code == 400


async def test_the_picture_of_the_pass_is_the_code_that_was_asked_for(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    page = page_of(city, movement_id)
    for code, digits in (
        ("short", number_of(city, movement_id)),
        ("offline", await offline(conn, city, movement_id)),
    ):
        answer = await client.get(f"{page}/pass.png", params={"code": code})
        assert answer.headers["content-type"] == "image/png"
        drawn = Image.open(io.BytesIO(answer.content))
        assert [each.text for each in zxingcpp.read_barcodes(drawn)] == [digits]


async def test_a_draft_has_nothing_to_show_and_a_wrong_key_opens_nothing(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    draft = page_of(city, await reported(conn, city, expected_entry_at=None))
    endings = ("full", "pass.png", "pass.pdf", "pass.svg")
    assert {(await client.get(f"{draft}/{each}")).status_code for each in endings} == {404}
    assert 'data-keep=""' in (await client.get(draft)).text
    foreign = draft[:-1] + ("0" if draft[-1] != "0" else "1")
    answers = [await client.get(f"{foreign}/{each}") for each in (*endings, "cancel")]
    assert {answer.status_code for answer in answers} == {404}


async def test_the_signature_stays_the_same_while_nothing_changes(
    conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    assert await offline(conn, city, movement_id) == await offline(conn, city, movement_id)


async def test_the_worker_stays_below_its_folder_and_is_never_old(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/d/sw.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    assert "service-worker-allowed" not in answer.headers
    enhancement = await client.get("/static/pass.js")
    assert len(enhancement.content) <= 2048


async def test_the_page_of_a_pass_is_light(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city, trailer_plate="豫B1234挂")
    page = page_of(city, movement_id)
    parts = [page, *(f"/static/{name}" for name in ("base.css", "pass.css", "pass.js"))]
    sizes = [len(gzip.compress((await client.get(part)).content)) for part in parts]
    print(f"pass page: {sizes} bytes compressed")
    assert sum(sizes) <= 30 * 1024
