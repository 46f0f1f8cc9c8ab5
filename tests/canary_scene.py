"""The stage of the walk: everybody who may log in, a journey, and ways to bring canaries in."""

import io
import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from litestar import Litestar
from msgspec import Struct

from kernel.auth import Actor
from kernel.db import Connection
from kernel.ids import uuid7
from registry.drafts import begin
from registry.reports import view_key
from tests.alerts.desk import pushed_to
from tests.alerts.enquiry import add_extension, alert_of
from tests.alerts.supervised import add_oversight
from tests.canaries import Canary
from tests.canary_walk import Answer, Route, Walk, application_of, evidence_of, form_of, report_of
from tests.checkpoint.moves import held, scanned
from tests.checkpoint.test_goes_first import give_pass
from tests.city import IDS, City, a_report, add_dead_letter, add_notice
from tests.closedloop.tracing_scene import add_trace
from tests.closedloop.venues import EAST, FINE, Venue, a_visit, item
from tests.conftest import NOON
from tests.offices import of_offices
from tests.phones import known_device

COUNT = 1_400
#: So many are refused by a database that is broken, in three ways each.
BROKEN = 40
TOKEN = "the-walking-driver"
LOCATION = re.compile(r"^location: (/d/r/[0-9a-f-]+)/", re.MULTILINE)
LATER = NOON + timedelta(hours=1)
#: What reaches a route that answers "not found" to anything made up.
PLAIN: dict[str, dict[str, str]] = {}


class Scene(Struct, frozen=True):
    app: Litestar
    conn: Connection
    city: City
    walk: Walk
    routes: list[Route]
    canaries: list[Canary]
    log: io.StringIO


async def known_ids(conn: Connection, city: City, venue: Venue, canary: Canary) -> dict[str, str]:
    """A journey of the first canary, whose driver has shown who they are; an application; a code."""
    said: dict[str, Any] = {"name": canary.name, "phone": canary.phone, "id_number": canary.number}
    seen = await a_report(conn, city, NOON - timedelta(minutes=5), **said)
    movement_id = seen.movement.movement_id
    person: UUID = await conn.fetchval("SELECT id FROM registry.person")
    await known_device(conn, TOKEN, person, NOON, proved_for=timedelta(days=1))
    await conn.execute(
        "INSERT INTO registry.code VALUES ('ABCDE12345', $1, '1', 'active', $2)", city.mill, NOON
    )
    vault, application = city.office.vault, uuid4()
    typed = {"phone": canary.phone, "name": canary.name, "id_number": canary.number}
    draft, _ = await begin(
        conn, vault, token=TOKEN, typed=typed, channel="driver", made_by="driver", now=NOON
    )
    _, link = await begin(
        conn, vault, token=None, typed=typed, channel="prepared", made_by="firm", now=NOON
    )
    await conn.execute(
        """
        INSERT INTO registry.application
               (id, kind, category, name, district_code, address, gates, contact_sealed,
                contact_phone_sealed, applied_at)
        VALUES ($1, 'destination', 'mill', '第零号面粉厂', '410221', '人民路零号东侧', '{1}', $2, $3, $4)
        """,
        application,
        vault.seal(canary.name, field="contact_name"),
        vault.seal(canary.phone, field="contact_phone"),
        NOON,
    )
    offices = await of_offices(conn, city, NOON)
    traced = await add_trace(conn, city, movement_id, NOON)
    # The walking tracer and an officer of nobody's: the report may be taken along.
    await conn.execute(
        """
        UPDATE closedloop.trace_export SET decided_by = $1, decided_at = $2, approved = true,
               asked_by = (SELECT id FROM registry.account WHERE login LIKE 'tracer-%')
        """,
        uuid4(),
        NOON,
    )
    return offices | {
        "movement_id": str(movement_id),
        "place_id": str(city.mill),
        "application_id": str(application),
        "pass_ref": f"{movement_id}-{view_key(movement_id, vault)}",
        "code": "ABCDE12345",
        "ordinal": "0",
        "name": "check",
        "draft_id": str(draft),
        "link": link or "",
        "kind": "test",
        "file_path": "/base.css",
        "notice_id": str(await add_notice(conn, city.north, NOON)),
        "outcome": "wait",
        "alert_id": alert_of(movement_id),
        "extension_id": str(await add_extension(conn, city, NOON)),
        "what": "claim",
        "step": "note",
        "ticket_id": str(await pushed_to(conn, city, f"place:{city.mill}", NOON, **said)),
        "channel_id": str(await add_dead_letter(conn, vault, NOON)),
        "message_id": str(await conn.fetchval("SELECT message_id FROM kernel.delivery")),
        "decision": "approve",
        "visit_id": str(
            await a_visit(conn, city, venue, NOON, number=canary.number, name=canary.name)
        ),
        "hold_id": str((await _hold(conn, city))[1]),
        "transport_no": await give_pass(conn, city, plate="豫B77777"),
        **traced,
        **await add_oversight(conn, NOON),
        "number": str(await conn.fetchval("SELECT max(version) FROM registry.rule_set")),
    }


async def _hold(conn: Connection, city: City) -> tuple[int, UUID]:
    desk = Actor(id=uuid4(), kind="account", name="desk", roles=frozenset({"desk"}))
    early = NOON - timedelta(minutes=30)
    return await held(conn, city, desk, early, plate="豫B99999", id_number=IDS[2])


def named(scene: Scene, label: str) -> Route:
    return next(each for each in scene.routes if each.label == label)


async def by_pages(scene: Scene, n: int) -> Answer:
    """One question after the other; the last answer leads to the pass."""
    said = form_of(scene.canaries[n], scene.city)
    begun = await scene.walk.send(
        named(scene, "POST /d/new"), client="nobody", sent=n, data={"phone": said["phone"]}
    )
    draft = LOCATION.search(begun.headers)
    assert draft is not None, begun
    skip = named(scene, "POST /d/r/{draft_id:uuid}/code")
    await scene.walk.send(
        skip, client="nobody", sent=n, url=f"{draft[1]}/code", data={"skip": "yes"}
    )
    answer, route = begun, named(scene, "POST /d/r/{draft_id:uuid}/{name:str}")
    for name in ("person", "plate", "way", "times", "declare", "check"):
        answer = await scene.walk.send(
            route, client="nobody", sent=n, url=f"{draft[1]}/{name}", data=said
        )
    return answer


async def well_formed(scene: Scene, first: int, last: int) -> None:
    """Reports by page and by call, corrections, applications and evidence, all as they should be."""
    walk, city = scene.walk, scene.city
    call = named(scene, "POST /api/v1/movements")
    amend = named(scene, "PATCH /api/v1/movements/{movement_id:int}")
    apply, apply_call = (
        named(scene, "POST /apply"),
        named(scene, "POST /api/v1/places/applications"),
    )
    done: set[int] = set()
    for n in range(first, last):
        each, by = scene.canaries[n], n % 5
        if by == 0:
            answer = await by_pages(scene, n)
        elif by in {1, 2}:
            answer = await walk.send(call, client="nobody", sent=n, json=report_of(each, city))
            told = httpx.Response(200, text=answer.text).json()
            if by == 2:
                await walk.send(
                    amend,
                    client="nobody",
                    sent=n,
                    url=f"/api/v1/movements/{told['id']}",
                    json={"id": str(uuid4()), "changes": {"phone": each.phone, "goods": "cold"}},
                    headers={"x-view-key": told["view_key"]},
                )
        elif by == 3:
            said = application_of(each, n) | {"send": "new"}
            answer = await walk.send(apply, client="nobody", sent=n, data=said)
        else:
            said = application_of(each, n) | {"gates": ["1"], "confirm_new": True}
            answer = await walk.send(apply_call, client="nobody", sent=n, json=said)
        done.add(answer.status)
    assert done <= {200, 201, 303}, done
    await imported(scene, first, last)


async def at_the_door(scene: Scene, first: int, last: int) -> None:
    """Visitors: by their own telephone, by a card reader, written by hand, and by a device."""
    walk, done = scene.walk, set[int]()
    paths = (
        "POST /t/{code:str}/visit",
        "POST /venue/enter",
        "POST /venue/enter",
        "POST /api/v1/visits",
    )
    for n in range(first, last):
        each, route = scene.canaries[n], named(scene, paths[n % 4])
        said = FINE | {"name": each.name, "id_number": each.number, "event_id": str(uuid7(NOON))}
        body: dict[str, Any] = {"data": said | {"address": f"杞县人民路{n}号院"}}
        if n % 4 == 1:
            body = {"data": {"read": each.number, "event_id": str(uuid7(NOON))}}
        if n % 4 == 3:
            body = {"json": {"visits": [item(id_number=each.number, name=each.name)]}}
        url = f"/t/{EAST}/visit" if n % 4 == 0 else None
        answer = await walk.send(route, client=walk.who(route), sent=n, url=url, **body)
        done.add(answer.status)
    assert done == {200}, done


async def imported(scene: Scene, first: int, last: int) -> None:
    route = named(scene, "POST /api/v1/evidence/{kind:str}")
    answer = await scene.walk.send(
        route,
        client="registrar",
        sent=None,
        params={"source": "lab"},
        content=evidence_of(scene.canaries[first:last]).encode(),
        headers={"content-type": "application/x-ndjson"},
    )
    assert answer.status == 200, answer.text
    assert await scene.conn.fetchval("SELECT count(*) FROM registry.evidence") > (last - first) // 2


async def seen_at_the_gate(scene: Scene) -> None:
    """Trucks that are let in: messages are written to the firms that expect them."""
    reported = await scene.conn.fetch(
        "SELECT movement_id FROM registry.movement ORDER BY 1 LIMIT 20"
    )
    for row in reported:
        await scanned(scene.conn, scene.city, row["movement_id"], "entry", LATER)
    assert await scene.conn.fetchval("SELECT count(*) FROM kernel.outbox") > 0


async def with_a_broken_database(scene: Scene, first: int, last: int) -> None:
    """Rows that the database refuses: it quotes them to whoever asks, and to its log."""
    tables = (
        "registry.draft",
        "registry.person",
        "registry.application",
        "registry.event",
        "registry.evidence_batch",
    )
    for table in tables:
        await scene.conn.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK (false) NOT VALID"
        )
    page, call = named(scene, "POST /d/new"), named(scene, "POST /api/v1/movements")
    apply = named(scene, "POST /apply")
    failed = 0
    for n in range(first, last):
        each = scene.canaries[n]
        bodies: list[tuple[Route, dict[str, Any]]] = [
            (page, {"data": form_of(each, scene.city)}),
            (call, {"json": report_of(each, scene.city)}),
            (apply, {"data": application_of(each, n) | {"send": "new"}}),
        ]
        for route, body in bodies:
            answer = await scene.walk.send(route, client="nobody", sent=n, **body)
            failed += answer.status >= 500
    assert failed == 3 * (last - first)
    for table in tables:
        await scene.conn.execute(f"ALTER TABLE {table} DROP CONSTRAINT broken")


async def walked(scene: Scene) -> None:
    """All canaries but the first are shared out among the ways in which they may come."""
    await well_formed(scene, 1, 500)
    await at_the_door(scene, 400, 440)
    await seen_at_the_gate(scene)
    at = 500
    for route in scene.routes:
        for _ in range(2):
            await scene.walk.everywhere(route, at, scene.canaries[at])
            at += 1
    await with_a_broken_database(scene, at, at + BROKEN)
    at += BROKEN
    page = named(scene, "POST /d/new")
    for n in range(at, COUNT):
        typed = form_of(scene.canaries[n], scene.city) | {"plate": "", "expected_exit_at": "x"}
        await scene.walk.send(page, client="nobody", sent=n, data=typed)
    for route in scene.routes:
        if route.method == "GET":
            for client in scene.walk.clients:
                await scene.walk.look(route, client)
    # Last: what it changes would be in the way of the others.
    for label, body in PLAIN.items():
        route = named(scene, label)
        await scene.walk.send(route, client=scene.walk.who(route), sent=None, data=body)
