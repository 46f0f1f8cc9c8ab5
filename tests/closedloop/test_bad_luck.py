"""Bad luck: two tabs, back after sending, a second tap, a form that lay too long. One report, one
application, and never a dead end.
"""

from datetime import timedelta
from html import unescape

import httpx
import msgspec
import pytest

from closedloop import questions
from kernel.clock import SetClock
from kernel.db import Connection
from registry.drafts import LIVES
from tests.city import City
from tests.closedloop.test_bad_days import (
    LANGUAGES,
    PERSON,
    movements,
    sentence,
    to_page,
    to_pass,
)
from tests.closedloop.walk import PHONE, Walk, answers
from tests.http import submit
from tests.phones import letters
from tests.registry.test_mending import MILL

FORM = {**msgspec.to_builtins(MILL), "gates": "东门\n西门"}


@pytest.fixture
async def walk(client: httpx.AsyncClient, conn: Connection, city: City) -> Walk:
    """Behind the code, at the first question."""
    made = Walk(client, conn, city)
    await made.begins()
    return made


async def test_two_tabs_are_two_reports_that_do_not_mix(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    first, second = Walk(client, conn, city), Walk(client, conn, city)
    await first.begins()
    second.at = "/d/new?first=yes"
    await second.says(phone=PHONE)
    await second.says(skip="yes")
    for page, said in answers(city).items():
        for tab, plate in ((first, "豫B12345"), (second, "豫B54321")):
            assert tab.at.endswith(f"/{page}")
            await tab.says(**(said | {"plate": plate} if page == "plate" else said))
    plates = await conn.fetch("SELECT plate FROM registry.movement ORDER BY plate")
    assert [row["plate"] for row in plates] == ["豫B12345", "豫B54321"]


async def test_two_tabs_on_one_report_keep_what_each_has_answered(
    walk: Walk, conn: Connection
) -> None:
    """A page writes its own fields and no others, however old it is."""
    await to_page(walk, "check")
    draft = walk.at.removesuffix("/check")
    pages = {name: await walk.client.get(f"{draft}/{name}") for name in ("plate", "person")}
    await submit(walk.client, pages["plate"], f"{draft}/plate", {"plate": "豫B54321"})
    other = PERSON | {"name": "李大龙"}
    await submit(walk.client, pages["person"], f"{draft}/person", other)
    check = await walk.client.get(walk.at)
    assert "豫B54321" in check.text
    assert "李大龙" in check.text
    await walk.says()
    assert await conn.fetchval("SELECT plate FROM registry.movement") == "豫B54321"


async def test_back_after_sending_leads_to_the_pass_from_every_page(
    walk: Walk, conn: Connection, city: City
) -> None:
    draft = walk.at.rpartition("/")[0]
    shown = await walk.client.get(walk.at)
    done = await to_pass(walk)
    sent = len(await letters(conn, city.office.vault))
    for name in (*questions.ASKED, "code", "known", "care", "check", "again", "goods", "crew_1"):
        opened = await walk.client.get(f"{draft}/{name}")
        assert (opened.status_code, opened.headers.get("location")) == (303, done), name
        said = answers(city).get(name, {}) | {"again": "yes"}
        answer = await submit(walk.client, shown, f"{draft}/{name}", said)
        assert (answer.status_code, answer.headers.get("location")) == (303, done), name
    assert await movements(conn) == 1
    assert await conn.fetchval("SELECT version FROM registry.movement") == 1
    assert len(await letters(conn, city.office.vault)) == sent


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_a_report_that_has_lain_too_long_says_to_begin_again_and_where(
    walk: Walk, conn: Connection, clock: SetClock, lang: str
) -> None:
    await to_page(walk, "check")
    shown = await walk.client.get(walk.at)
    clock.at += LIVES
    await walk.client.get("/", params={"lang": lang})
    for answer in (
        await walk.client.get(walk.at),
        await submit(walk.client, shown, walk.at, {}),
    ):
        assert answer.status_code == 404
        for each in LANGUAGES:
            assert sentence("unknown_draft", each) in unescape(answer.text)
        assert '<a class="btn" href="/d/new">' in answer.text
    assert await movements(conn) == 0


async def test_a_report_that_lies_until_its_hour_has_passed_asks_for_the_times_alone(
    walk: Walk, conn: Connection, clock: SetClock
) -> None:
    await to_page(walk, "check")
    clock.at += timedelta(hours=10)
    assert (await walk.says()).status_code == 303
    assert walk.at.endswith("/times")
    times = {"entry_day": "2022-05-02", "entry_hour": "8", "stay": "24"}
    await walk.says(**times)
    assert walk.at.endswith("/check")
    await walk.says()
    assert await movements(conn) == 1


# ── applications ──


async def applies(
    client: httpx.AsyncClient, shown: httpx.Response, **changes: str
) -> httpx.Response:
    form_id = shown.text.partition('name="event_id" value="')[2].partition('"')[0]
    return await submit(client, shown, "/apply", FORM | {"event_id": form_id} | changes)


async def applications(conn: Connection) -> int:
    return await conn.fetchval("SELECT count(*) FROM registry.application")


@pytest.mark.usefixtures("city")
async def test_a_second_tap_and_back_after_sending_make_one_application(
    client: httpx.AsyncClient, conn: Connection
) -> None:
    shown = await client.get("/apply")
    answers_given = [await applies(client, shown) for _ in range(3)]
    assert {answer.status_code for answer in answers_given} == {303}
    assert len({answer.headers["location"] for answer in answers_given}) == 1
    status = await client.get(answers_given[0].headers["location"])
    assert MILL.name in status.text
    assert await applications(conn) == 1


@pytest.mark.usefixtures("city")
async def test_the_same_application_typed_anew_on_its_device_leads_to_the_first(
    client: httpx.AsyncClient, conn: Connection
) -> None:
    sent = [await applies(client, await client.get("/apply")) for _ in range(2)]
    assert len({answer.headers.get("location") for answer in sent}) == 1
    client.cookies.delete("last_applied")
    stranger = await applies(client, await client.get("/apply"))
    assert stranger.status_code == 422
    assert sent[0].headers["location"] not in stranger.text
    assert await applications(conn) == 1


@pytest.mark.usefixtures("city")
async def test_another_place_typed_over_the_sent_form_is_an_application_of_its_own(
    client: httpx.AsyncClient, conn: Connection
) -> None:
    shown = await client.get("/apply")
    first = await applies(client, shown)
    other = {"name": "城西农机配件库", "address": "杞县文化路7号", "contact_phone": "13900000002"}
    second = await applies(client, shown, **other)
    assert second.status_code == 303, second.text
    assert first.headers["location"] != second.headers["location"]
    same_place = await applies(client, shown, contact_name="欧阳𠮷")
    assert same_place.status_code == 422
    assert "欧阳𠮷" in same_place.text
    assert await applications(conn) == 2


@pytest.mark.usefixtures("city")
async def test_a_form_with_a_damaged_id_is_an_application_all_the_same(
    client: httpx.AsyncClient, conn: Connection
) -> None:
    shown = await client.get("/apply")
    assert (await applies(client, shown, event_id="x' OR 1")).status_code == 303
    assert await applications(conn) == 1


@pytest.mark.usefixtures("city")
async def test_look_alikes_that_were_asked_about_twice_make_one_application(
    client: httpx.AsyncClient, conn: Connection
) -> None:
    await applies(client, await client.get("/apply"))
    asked = await applies(client, await client.get("/apply"), name="祥云面粉有限公司")
    assert asked.status_code == 200
    sent = [await applies(client, asked, name="祥云面粉有限公司", send="new") for _ in range(2)]
    assert len({answer.headers.get("location") for answer in sent}) == 1
    assert await applications(conn) == 2
