"""The public directory: found by name, road and district, light, closed places shown as closed."""

import gzip
from datetime import UTC, datetime

import httpx
import pytest

from kernel.db import Connection
from registry.directory import MOST_LISTED, pattern, search_places

NOON = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
async def _places(conn: Connection) -> None:
    await conn.execute(
        "INSERT INTO registry.district VALUES ('410221', '杞县'), ('410222', '通许县') "
        "ON CONFLICT DO NOTHING"
    )
    for name, district, road, status in (
        ("郑民高速杞县站", "410221", "S82", "active"),
        ("傅集检查站", "410221", "G106", "suspended"),
        ("100%_物流口", "410222", "", "active"),
        ("旧卡口", "410222", "G106", "revoked"),
    ):
        await conn.execute(
            """
            INSERT INTO registry.place (kind, category, name, district_code, road, status,
                                        screen_secret, created_at)
            VALUES ('checkpoint', 'x', $1, $2, $3, $4, '\\x00', $5)
            """,
            name,
            district,
            road,
            status,
            NOON,
        )


async def _names(conn: Connection, said: str = "", district: str = "") -> list[str]:
    found, _ = await search_places(conn, kind="checkpoint", said=said, district=district)
    return [place.name for place in found]


@pytest.mark.parametrize(
    ("said", "district", "names"),
    [
        ("杞县站", "", ["郑民高速杞县站"]),
        ("s82", "", ["郑民高速杞县站"]),
        ("通许", "", ["100%_物流口"]),
        ("%", "", ["100%_物流口"]),
        ("_", "", ["100%_物流口"]),
        ("\\", "", []),
        ("0%_物", "", ["100%_物流口"]),
        ("杞县", "410222", []),
        ("", "410221", ["郑民高速杞县站", "傅集检查站"]),
        ("旧卡口", "", []),
    ],
)
async def test_a_search_means_what_was_typed(
    conn: Connection, said: str, district: str, names: list[str]
):
    assert await _names(conn, said, district) == names


async def test_a_pattern_is_short_and_holds_no_nul():
    assert pattern("a\0b") == "%ab%"
    assert len(pattern("%" * 1000)) <= 122


async def test_a_closed_place_is_shown_closed_and_begins_no_report(
    client: httpx.AsyncClient, conn: Connection
):
    ids = {
        row["name"]: row["id"] for row in await conn.fetch("SELECT id, name FROM registry.place")
    }
    answer = await client.get("/places", params={"lang": "en"})
    assert f"entry_place_id={ids['郑民高速杞县站']}" in answer.text
    assert f"entry_place_id={ids['傅集检查站']}" not in answer.text
    assert "傅集检查站" in answer.text
    assert "Closed" in answer.text
    assert "旧卡口" not in answer.text
    assert "/reg/places/" not in answer.text


@pytest.mark.parametrize("query", ["q=%00", "q=" + "x" * 3000, "district=%00", "kind=castle", "q=%25%25%25'%22<script>"])  # fmt: skip
async def test_odd_questions_get_an_answer(client: httpx.AsyncClient, query: str):
    answer = await client.get(f"/places?{query}")
    assert answer.status_code in {200, 400}
    assert "<script>" not in answer.text.partition("<main")[2]


async def test_a_large_city_still_makes_a_light_page(client: httpx.AsyncClient, conn: Connection):
    await conn.execute(
        """
        INSERT INTO registry.place (kind, category, name, district_code, road, screen_secret,
                                    created_at)
        SELECT 'checkpoint', 'x', '第' || n || '号国省干道检查站点', '410222', 'G' || n, '\\x00', $1
          FROM generate_series(1, 500) n
        """,
        NOON,
    )
    answer = await client.get("/places")
    assert answer.text.count("entry_place_id=") <= MOST_LISTED
    assert len(gzip.compress(answer.content)) <= 30 * 1024
    assert "第499号" in (await client.get("/places", params={"q": "第499号"})).text
