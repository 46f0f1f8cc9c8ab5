"""Other people's codes where ours are expected: each is called by its name, in both languages, and
told what to do next; nothing is recorded, and what was typed is still there.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from html import unescape

import httpx
import pytest

from checkpoint.app import FLOORS, ROOT
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.i18n import load_catalogues, t, use_locale
from kernel.privacy import Vault
from registry.passes import pass_number
from tests.checkpoint.moves import number_of, released, reported
from tests.city import City
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
LANGUAGES = ("zh", "en")
MILL_CODE = "0000000002"
#: What a camera or a scanner makes of codes that are not ours → what it is.
OTHERS = {
    "https://health.example/healthcode?token=abc": "health_code",
    "健康码:张*,绿码": "health_code",
    "https://xc.caict.ac.cn/wxapp?x=1": "itinerary_code",
    "134567890123456789": "payment_code",
    "281234567890123456": "payment_code",
    "wxp://f2f0abcdef": "payment_code",
    "https://qr.alipay.com/fkx123": "payment_code",
    "https://u.wechat.com/EAbCdEfGh": "contact_code",
    "https://qm.qq.com/cgi-bin/qm/qr?k=x": "contact_code",
    "https://other-city.example/t/ABCDE12345": "place_code",
    "http://test/t/0000000002": "place_code",
    "https://shop.example/menu?table=7": "url",
}


@pytest.fixture
async def posted(conn: Connection, city: City) -> City:
    await conn.execute(
        "INSERT INTO registry.code (code, place_id, gate, issued_at) VALUES ($1, $2, '1', $3)",
        MILL_CODE,
        city.mill,
        NOON,
    )
    return city


async def events(conn: Connection) -> int:
    return await conn.fetchval("SELECT count(*) FROM registry.event")


async def at_the_lane(lane: httpx.AsyncClient, said: str, lang: str) -> str:
    shown = await lane.get("/gate", params={"lang": lang})
    answer = await submit(lane, shown, "/gate", {"input": said})
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


async def arriving(client: httpx.AsyncClient, said: str, lang: str) -> str:
    shown = await client.get(f"/t/{MILL_CODE}", params={"lang": lang})
    answer = await submit(client, shown, f"/t/{MILL_CODE}", {"pass_number": said})
    assert answer.status_code == 422
    assert 'href="#f-pass_number"' in answer.text
    assert f'value="{said}"' in unescape(answer.text)
    return unescape(answer.text)


def test_every_kind_has_a_sentence_of_its_own_at_either_place() -> None:
    load_catalogues([ROOT / floor / "locale" for floor in FLOORS])
    kinds = {*OTHERS.values(), "text"}
    assert len(kinds) >= 6
    for lang in LANGUAGES:
        with use_locale(lang):
            said = [t(f"{where}.{kind}") for where in ("wrong", "arrive.wrong") for kind in kinds]
        assert len(set(said)) == 2 * len(kinds)
        assert not [each for each in said if "wrong." in each]


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_at_the_lane_it_is_called_by_its_name(
    logged_in: LogIn, conn: Connection, city: City, lang: str
) -> None:
    lane = await logged_in("lane", city.north)
    for said, kind in OTHERS.items():
        shown = await at_the_lane(lane, said, lang)
        assert 'data-card="wrong_code"' in shown, said
        with use_locale(lang):
            assert t(f"wrong.{kind}") in shown, said
    assert await events(conn) == 0
    assert await conn.fetchval("SELECT count(*) FROM registry.movement") == 0


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_on_the_arrival_page_it_is_called_by_its_name(
    client: httpx.AsyncClient, conn: Connection, posted: City, lang: str
) -> None:
    del posted
    for said, kind in (OTHERS | {"hello": "text", "豫B12345": "text"}).items():
        shown = await arriving(client, said, lang)
        with use_locale(lang):
            assert t(f"arrive.wrong.{kind}") in shown, said
    assert await events(conn) == 0


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_a_pass_of_another_city_names_it_at_either_place(
    logged_in: LogIn, client: httpx.AsyncClient, vault: Vault, posted: City, lang: str
) -> None:
    other = pass_number(1101 * 10**9 + 7, vault)
    with use_locale(lang):
        sentence = t("error.pass_of_other_city", city="1101")
    assert "1101" in sentence
    lane = await logged_in("lane", posted.north)
    assert sentence in await at_the_lane(lane, other, lang)
    assert sentence in await arriving(client, other, lang)


@pytest.mark.parametrize(("lang", "sentence"), [("zh", "有效"), ("en", "validity window")])
async def test_an_expired_pass_goes_to_the_desk_and_says_why(
    logged_in: LogIn,
    conn: Connection,
    clock: SetClock,
    city: City,
    lang: str,
    sentence: str,
) -> None:
    number = number_of(city, await reported(conn, city))
    clock.at += timedelta(days=3)
    shown = await at_the_lane(await logged_in("lane", city.north), number, lang)
    assert 'data-card="yellow"' in shown
    assert sentence in shown


async def test_a_payment_code_in_the_field_for_six_digits_closes_nothing(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock, posted: City
) -> None:
    movement_id = await released(conn, posted)
    number, before = number_of(posted, movement_id), await events(conn)
    clock.at += timedelta(minutes=45)
    shown = await client.get(f"/t/{MILL_CODE}?lang=en")
    said = {"pass_number": number, "code": "134567890123456789"}
    answer = await submit(client, shown, f"/t/{MILL_CODE}", said)
    assert answer.status_code == 422
    assert 'href="#f-code"' in answer.text
    assert number in answer.text
    assert await events(conn) == before
