"""The board and the duty desk full of work, in Chromium: five thousand open loops, two hundred overdue."""

from datetime import timedelta

import pytest
from playwright.async_api import Page

from kernel.db import Connection, connected
from tests.alerts.enquiry import DUE
from tests.browser.conftest import DESK, Site
from tests.browser.looking import look
from tests.checkpoint.moves import released
from tests.city import City
from tests.conftest import NOON

pytestmark = pytest.mark.browser
OPEN, OVERDUE = 5_000, 200
#: What a duty page may weigh, compressed (docs/pages.md).
MOST_BYTES = 200_000
NARROW = {"width": 390, "height": 844}


async def a_busy_city(conn: Connection, city: City) -> None:
    """One truck that really drove, and copies of it: its limit, its loop, its people."""
    model = await released(conn, city)
    for statement in COPIES:
        await conn.execute(statement, model, OPEN, OVERDUE, DUE)
    await conn.execute("ANALYZE")


COPIES = (
    """
    INSERT INTO registry.movement
    SELECT (jsonb_populate_record(m, jsonb_build_object(
               'movement_id', 4102000000000 + n, 'plate', '豫B' || lpad(n::text, 5, '0')))).*
      FROM registry.movement m, generate_series(1, $2::int) n
     WHERE m.movement_id = $1 AND $3::int IS NOT NULL AND $4::timestamptz IS NOT NULL
    """,
    """
    INSERT INTO registry.movement_person
    SELECT (jsonb_populate_record(p, jsonb_build_object('movement_id', 4102000000000 + n))).*
      FROM registry.movement_person p, generate_series(1, $2::int) n
     WHERE p.movement_id = $1 AND $3::int IS NOT NULL AND $4::timestamptz IS NOT NULL
    """,
    """
    INSERT INTO closedloop.loop
    SELECT (jsonb_populate_record(l, jsonb_build_object('movement_id', 4102000000000 + n))).*
      FROM closedloop.loop l, generate_series(1, $2::int) n
     WHERE l.movement_id = $1 AND $3::int IS NOT NULL AND $4::timestamptz IS NOT NULL
    """,
    """
    INSERT INTO closedloop.deadline
           (movement_id, stop, limb, limit_no, due_at, flag_at, next_at, place_id)
    SELECT 4102000000000 + n, 0, 'arrival', 1, at, at, at, d.place_id
      FROM closedloop.deadline d, generate_series(1, $2::int) n,
           LATERAL (SELECT $4::timestamptz + CASE WHEN n <= $3
                        THEN n * interval '-2 minutes' ELSE interval '1 hour' END AS at) AS moments
     WHERE d.movement_id = $1
    """,
)


async def measure(page: Page, path: str) -> tuple[int, float]:
    """Bytes on the wire of the page with all it loads, and its first paint on a fourth of the speed."""
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda e: sizes.append(int(e["encodedDataLength"])))
    await page.goto(path)
    await page.wait_for_timeout(300)
    painted = await page.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"
    )
    await session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    return sum(sizes), painted


@pytest.mark.parametrize("view", [DESK, NARROW])
async def test_the_duty_desk_and_the_board_full_of_work(site: Site, view: dict[str, int]) -> None:
    async with connected(site.dsn) as conn:
        await a_busy_city(conn, site.city)
    site.clock.at = DUE + timedelta(seconds=1)
    assert site.clock.at > NOON
    duty = await site.log_in("duty", lang="zh", viewport=view, bypass_csp=True)
    for path in ("/duty", "/duty/board", "/duty/ledger"):
        bytes_, painted = await measure(duty, path)
        print(f"{path} at {view['width']}: {bytes_} bytes, first paint {painted:.0f} ms at 4x CPU")
        assert bytes_ <= MOST_BYTES, path
        for theme in ("night", "day"):
            await duty.evaluate(
                "theme => { document.documentElement.dataset.theme = theme }", theme
            )
            await look(duty, f"busy{path.replace('/', '-')}-{view['width']}-{theme}")
