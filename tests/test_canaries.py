"""A thousand made-up people through every page and call: none of them turns up where it must not."""

import io
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import structlog
from litestar import Litestar
from litestar.response import Redirect

import closedloop.question_pages
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.i18n import t
from kernel.logging import RequestLog, configure
from registry.drivers import COOKIE
from registry.model import Role
from tests.canaries import Net, hatch
from tests.canary_scene import (
    BROKEN,
    COUNT,
    TOKEN,
    Scene,
    by_pages,
    known_ids,
    named,
    walked,
    well_formed,
)
from tests.canary_walk import (
    LEFT_OUT,
    NOT_REACHED,
    PASSING,
    VENUE,
    Answer,
    Ground,
    Walk,
    form_of,
    routes_of,
)
from tests.city import City
from tests.closedloop.venues import add_venue
from tests.http import add_account, log_in, opened

PLACES: dict[str, str] = {Role.LANE: "north", Role.DESK: "north", Role.FIRM: "mill"}

#: Walked, and answered that there is no such thing.
NOTHING_THERE = {
    "POST /me/sessions/{session_id:uuid}/end": "ending a log-in of the walk would end the walk",
    "POST /security/sessions/{session_id:uuid}/end": "ending a log-in would end the walk",
    "POST /security/changes/{change_id:uuid}/refuse": "the change was released just before",
    "POST /api/v1/camera-reads": "no camera walks; it reads plates alone",
    "POST /api/v1/cameras/{key:str}/hikvision": "no camera walks; it reads plates alone",
    "POST /security/keys/{key_id:uuid}/refuse": "the key was released just before",
}

#: Where a person is shown to somebody else than whoever sent the request, and why that is right.
MAY_SHOW = {
    "POST /loops/{movement_id:int}/people/{ordinal:int}/reveal": "an audited act",
    "POST /api/v1/movements/{movement_id:int}/people/{ordinal:int}/reveal": "an audited act",
    "GET /d/r/{draft_id:uuid}/{name:str}": "the device that typed it",
    "POST /d/r/{draft_id:uuid}/{name:str}": "the device that typed it",
    "GET /d/r/{draft_id:uuid}/code": "the device that typed it",
    "POST /d/r/{draft_id:uuid}/code": "the device that typed it",
    "POST /reg/applications/{application_id:uuid}/contact": "an audited act",
    "POST /reg/places/{place_id:int}/contact": "an audited act",
    "POST /trace/{case_id:uuid}/people/{person_id:uuid}/reveal": "an audited act",
    "GET /d/me": "the person, proven",
    "POST /d/me/correct": "the person, proven",
    "POST /d/me/download": "the person, proven",
}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log as the service writes it, with each request's line."""
    root, written, stderr = logging.getLogger(), io.StringIO(), sys.stderr
    handlers, level = root.handlers[:], root.level
    sys.stderr = written
    configure(as_json=True, level=logging.INFO)
    yield written
    sys.stderr = stderr
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = handlers, level


@pytest.fixture
async def scene(
    app: Litestar, conn: Connection, city: City, clock: SetClock, log: io.StringIO
) -> AsyncIterator[Scene]:
    canaries = hatch(COUNT)
    async with AsyncExitStack() as stack:
        clients: dict[str, httpx.AsyncClient] = {}
        # A failing route answers 500, as behind the real server.
        logged = httpx.ASGITransport(app=cast("Any", RequestLog(app)), raise_app_exceptions=False)
        for role in ("nobody", PASSING, *(each for each in Role if each is not Role.DRIVER)):
            client = await stack.enter_async_context(opened(app))
            client._transport = logged
            if role != "nobody":
                place = getattr(city, PLACES[role]) if role in PLACES else None
                known = role if role in set(Role) else Role.AUDITOR
                answer = await log_in(client, await add_account(conn, known, clock, place))
                assert answer.status_code == 303
            else:
                await client.get("/login")
            clients[str(role)] = client
        venue = await add_venue(conn)
        client = await stack.enter_async_context(opened(app))
        client._transport = logged
        assert (
            await log_in(client, await add_account(conn, Role.FIRM, clock, venue.id))
        ).is_redirect
        clients[VENUE] = client
        ids = await known_ids(conn, city, venue, canaries[0])
        clients["nobody"].cookies.set(COOKIE, TOKEN)
        walk = Walk(clients, Ground(city=city, ids=ids))
        routes = [each for each in routes_of(app) if each.label not in LEFT_OUT]
        yield Scene(app, conn, city, walk, routes, canaries, log)


def leaks(net: Net, answers: list[Answer]) -> list[str]:
    """Headers name nobody, unless the caller put them into the address; a body only its sender."""
    found: list[str] = []
    for each in answers:
        own = each.sent if each.in_url else frozenset[int]()
        if net.find("headers and addresses", each.headers) - own:
            found.append(f"{each.label} tells {each.client} in a header")
        if net.find("pages and answers", each.text) - each.sent and each.label not in MAY_SHOW:
            found.append(f"{each.label} tells {each.client} of somebody else")
    return sorted(set(found))


async def server_log(conn: Connection) -> str:
    """PostgreSQL's own, where the server is ours."""
    if os.environ.get("DATABASE_URL"):
        return ""
    folder = await conn.fetchval("SELECT current_setting('data_directory')")
    return (Path(folder) / "server.log").read_text("utf-8", "replace")


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_no_canary_is_in_a_log_an_address_a_page_of_others_or_the_feed(scene: Scene) -> None:
    await walked(scene)
    net, answers = Net(scene.canaries), scene.walk.answers
    found = leaks(net, answers)
    reached = {each.label for each in answers if each.status not in NOT_REACHED | {500}}
    feed = await scene.walk.clients["duty"].get("/api/v1/feed")
    rows = await scene.conn.fetch("SELECT to_jsonb(o)::text AS row FROM kernel.outbox o")
    outbox = "\n".join([feed.text, *(row["row"] for row in rows)])
    audit = await scene.conn.fetch("SELECT to_jsonb(a)::text AS row FROM kernel.audit a")
    looked = {
        "the application's log": scene.log.getvalue(),
        "PostgreSQL's log": await server_log(scene.conn),
        "outbox and feed": outbox,
    }
    found += [what for what, text in looked.items() if net.find(what, text)]
    # A name that an officer wrote into a reason cannot be told from any other word.
    reasons = "\n".join(row["row"] for row in audit)
    found += ["accesses"] if net.find("the record of accesses", reasons, names=False) else []
    print(f"{len(answers)} answers of {len(scene.routes)} routes; {net.told()}")
    assert looked["the application's log"].count("\n") >= len(answers)
    unreached = {each.label for each in scene.routes} - reached
    print("not reached:", *sorted(unreached - NOTHING_THERE.keys()), sep="\n")
    assert unreached - NOTHING_THERE.keys() == set()
    # Without a sweep the service says that it is not ready; nothing else may fail.
    failed = [each for each in answers if each.status >= 500 and each.label != "GET /readyz"]
    assert len(failed) == 3 * BROKEN
    assert found == []
    # Whoever reads the record of accesses reads words and no codes.
    codes = await scene.conn.fetch("SELECT DISTINCT action, subject_kind FROM kernel.audit")
    keys = {
        key for row in codes for key in (f"act.{row['action']}", f"act.on.{row['subject_kind']}")
    }
    assert {key for key in keys if t(key) == key} == set()


async def test_a_log_line_that_names_a_canary_is_found(scene: Scene) -> None:
    await well_formed(scene, 1, 6)
    net = Net(scene.canaries)
    assert net.find("log", scene.log.getvalue()) == set()
    for text in scene.canaries[3].texts:
        before = len(scene.log.getvalue())
        structlog.get_logger("planted").error("lost", code=text)
        assert net.find("log", scene.log.getvalue()[before:]) == {3}


@pytest.mark.parametrize("part", ["name", "phone", "id_number"])
async def test_an_address_that_names_a_canary_is_found(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    await well_formed(scene, 1, 6)
    assert leaks(Net(scene.canaries), scene.walk.answers) == []
    said = form_of(scene.canaries[7], scene.city)
    planted = httpx.QueryParams({"who": said[part]})
    monkeypatch.setattr(
        closedloop.question_pages,
        "to_pass",
        lambda *_: Redirect(f"/d/new?{planted}", status_code=303),
    )
    await by_pages(scene, 7)
    assert leaks(Net(scene.canaries), scene.walk.answers) == [
        "POST /d/r/{draft_id:uuid}/{name:str} tells nobody in a header"
    ]


async def test_a_page_that_shows_a_canary_to_somebody_else_is_found(scene: Scene) -> None:
    route, canary = named(scene, "GET /loops"), scene.canaries[0]
    await scene.walk.look(route, "duty")
    assert leaks(Net(scene.canaries), scene.walk.answers) == []
    await scene.conn.execute("UPDATE registry.movement_person SET masked_name = $1", canary.name)
    await scene.walk.look(route, "duty")
    assert leaks(Net(scene.canaries), scene.walk.answers) == [
        "GET /loops tells duty of somebody else"
    ]
