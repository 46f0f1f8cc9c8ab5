"""Either code of a pass at the lane, and everything in which a pass is handed out."""

import gzip
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pypdfium2
import pytest
import zxingcpp
from litestar import Litestar
from PIL import Image

from checkpoint.lane import LaneDoor
from closedloop.model import State
from kernel.db import Connection
from registry.signing_keys import retire
from registry.world import WorldCache
from tests.checkpoint.moves import loop_of, number_of, released, reported
from tests.checkpoint.passes import a_scan, offline, page_of, scans
from tests.checkpoint.test_lane import through
from tests.city import City
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]


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


async def test_a_key_that_cannot_sign_takes_nobody_the_short_code(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    page = page_of(city, movement_id)
    assert "code=offline" in (await client.get(page)).text
    await conn.execute("UPDATE registry.signing_key SET private_sealed = 'spoilt'")
    shown = (await client.get(page)).text
    assert f"{page}/full" in shown
    assert "code=offline" not in shown
    for ending in ("full", "pass.png", "pass.pdf"):
        assert (await client.get(f"{page}/{ending}")).status_code == 200
    assert (await client.get(f"{page}/full?code=offline")).status_code == 503


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
