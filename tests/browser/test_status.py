"""The status page, a board with queues and closures, and marks, as people look at them in Chromium."""

from datetime import timedelta
from uuid import uuid4

import pytest

from alerts.parts import WATCH, note_parts
from kernel.db import Connection, connected
from kernel.jobs import beat
from registry.gate_notices import Notice, say
from tests.alerts.enquiry import after, climb_up
from tests.browser.conftest import DESK, PHONE, Site
from tests.browser.looking import look
from tests.checkpoint.moves import released, scanned
from tests.city import IDS, City
from tests.conftest import NOON

pytestmark = pytest.mark.browser
JOBS = (WATCH, "sweep", "canary", "deliveries", "messages")
#: By day in Chinese on a telephone, by night in English at a desk.
LOOKS = (("zh", "day", PHONE), ("en", "night", DESK))
MINUTE = timedelta(minutes=1)


async def lived(conn: Connection, first: int, last: int, *, without: str = "") -> None:
    for minute in range(first, last + 1):
        at = NOON + minute * MINUTE
        await note_parts(conn, at, texts=True)
        for job in JOBS:
            if job != without:
                await beat(conn, job, at)


async def test_the_status_page_is_kind_to_everyone_and_renews_itself(site: Site) -> None:
    async with connected(site.dsn) as conn:
        await lived(conn, 0, 5)
        await lived(conn, 40, 50)
        await lived(conn, 51, 60, without="sweep")
        site.clock.at = NOON + 60 * MINUTE
        for lang, theme, view in LOOKS:
            page = await (await site.context(viewport=view, bypass_csp=True)).new_page()
            await page.clock.install()
            await page.goto(f"/status?lang={lang}&theme={theme}")
            await look(page, f"status-{lang}-{theme}")
        await lived(conn, 61, 63)
        site.clock.at = NOON + 63 * MINUTE
        assert "Part of the service" in await page.inner_text("main")
        async with page.expect_response("**/status*"):
            await page.clock.fast_forward(61_000)
        await page.get_by_text("The service works").wait_for()


async def troubled(conn: Connection, city: City) -> None:
    """Trucks through both gates, one closed, one with a long queue and one with a short one."""
    gates = (await city.office.cache.now(conn)).places[city.north].gates
    told = [
        (city.north, gates[0], "closed", None, 3, 5),
        (city.south, "", "wait", 75, 3, None),
        (city.south, "2", "wait", 10, 2, None),
        (city.south, "3", "wait", 40, 9, -4),
    ]
    for place_id, gate, kind, minutes, ago, ends in told:
        notice = Notice(
            id=uuid4(),
            place_id=place_id,
            gate=gate,
            kind="wait" if kind == "wait" else "closed",
            minutes=minutes,
            reason="",
            until=None if ends is None else NOON + timedelta(hours=ends),
            said_at=NOON - timedelta(hours=ago),
        )
        await say(conn, notice, "system")
    for number, plate in enumerate(("豫B12345", "豫BD12346", "豫B12347")):
        await released(conn, city, plate=plate, id_number=IDS[number])


@pytest.mark.parametrize(("lang", "theme", "view"), LOOKS)
async def test_a_board_in_trouble_is_kind_to_everyone(
    site: Site, lang: str, theme: str, view: dict[str, int]
) -> None:
    async with connected(site.dsn) as conn:
        await troubled(conn, site.city)
    site.clock.at = NOON + 5 * MINUTE
    duty = await site.log_in("duty", lang=lang, viewport=view, bypass_csp=True)
    await duty.goto(f"/duty/board?lang={lang}&theme={theme}")
    await duty.locator("section[aria-labelledby=b-queues] summary").click()
    await look(duty, f"board-queues-{lang}-{theme}")


@pytest.mark.parametrize(("lang", "theme", "view"), LOOKS)
async def test_marks_are_kind_to_everyone(
    site: Site, lang: str, theme: str, view: dict[str, int]
) -> None:
    city = site.city
    async with connected(site.dsn) as conn:
        await released(conn, city)
        found = await released(conn, city, plate="豫B54321", id_number=IDS[1])
        await climb_up(conn, city, 1445)
        await scanned(conn, city, found, "arrival", after(1446))
    site.clock.at = after(1450)
    ways = (
        ("duty", None, "/duty/marks", "marks"),
        ("duty", None, "/duty/report", "marks-daily"),
        ("duty", None, "/duty/ledger?side=firm", "marks-ledger"),
        ("registrar", None, f"/reg/places/{city.mill}", "marks-place"),
        ("firm", city.mill, "/firm", "marks-firm"),
    )
    for role, place_id, path, name in ways:
        page = await site.log_in(role, place_id, lang=lang, viewport=view, bypass_csp=True)
        await page.goto(f"{path}{'&' if '?' in path else '?'}lang={lang}&theme={theme}")
        await look(page, f"{name}-{lang}-{theme}")
