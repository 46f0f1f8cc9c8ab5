"""A venue with two doors, a visitor with a telephone, and staff at the screen."""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from msgspec import Struct

from closedloop.visit_model import Coming
from closedloop.visits import take_one
from kernel.auth import Actor, new_token, token_hash
from kernel.db import Connection
from kernel.ids import uuid7
from registry.visitors import Document
from tests.city import IDS, City, add_device, add_proof, device_actor
from tests.conftest import NOON
from tests.http import submit

HIDDEN = re.compile(r'type="hidden" name="((?!_csrf)\w+)" value="([^"]*)"')
EAST, WEST = "VENVE00001", "VENVE00002"
NAME, NUMBER, ADDRESS = "欧阳小红", IDS[1], "开封市杞县金城大道18号院"
FINE = {"q_affected_area": "no", "q_suspected_contact": "no", "q_temperature_normal": "yes"}
ANSWERS = {"affected_area": False, "suspected_contact": False, "temperature_normal": True}
FORM = {"name": NAME, "id_number": NUMBER, "address": ADDRESS} | FINE


class Venue(Struct, frozen=True):
    id: int
    device: Actor
    token: str


async def add_venue(
    conn: Connection, name: str = "杞县第一商场", *, codes: tuple[str, str] = (EAST, WEST)
) -> Venue:
    place_id = await conn.fetchval(
        """
        INSERT INTO registry.place
               (kind, category, name, district_code, address, screen_secret, created_at)
        VALUES ('venue', 'mall', $1, '410221', '金城大道1号', $2, $3) RETURNING id
        """,
        name,
        b"s" * 20,
        NOON,
    )
    for gate, code in zip(("东门", "西门"), codes, strict=True):
        await conn.execute(
            "INSERT INTO registry.gate (place_id, gate) VALUES ($1, $2)", place_id, gate
        )
        await conn.execute(
            "INSERT INTO registry.code (code, place_id, gate, issued_at) VALUES ($1, $2, $3, $4)",
            code,
            place_id,
            gate,
            NOON,
        )
    device_id, token = await add_device(conn, "firm", place_id, NOON), new_token()
    await conn.execute(
        """
        INSERT INTO registry.token (token_hash, device_id, label, created_at)
        VALUES ($1, $2, 'screen', $3)
        """,
        token_hash(token),
        device_id,
        NOON,
    )
    return Venue(place_id, device_actor(device_id, "firm", place_id), token)


async def scans(client: httpx.AsyncClient, code: str = EAST, **said: str) -> httpx.Response:
    """A visitor opens the code and sends the form that is shown."""
    shown = await client.get(f"/t/{code}?lang=en")
    assert shown.status_code == 200, shown.text
    return await sends(client, shown, f"/t/{code}/visit", **said)


async def sends(
    client: httpx.AsyncClient, shown: httpx.Response, path: str, **said: str
) -> httpx.Response:
    """With what stands hidden in the first form of the page."""
    form = shown.text[shown.text.index(f'action="{path}"') :].partition("</form>")[0]
    return await submit(client, shown, path, dict(HIDDEN.findall(form)) | said)


def item(at: datetime = NOON, **said: Any) -> dict[str, Any]:
    usual = {"id": str(uuid7(at)), "occurred_at": at.isoformat(), "id_number": NUMBER}
    return usual | said


async def sent(client: httpx.AsyncClient, venue: Venue, *items: Any) -> list[dict[str, Any]]:
    answer = await client.post(
        "/api/v1/visits?lang=en",
        json={"visits": list(items)},
        headers={"authorization": f"Bearer {venue.token}"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


async def a_visit(
    conn: Connection,
    city: City,
    venue: Venue,
    now: datetime,
    *,
    number: str = NUMBER,
    name: str = NAME,
) -> UUID:
    """A visitor with a yellow code, whose card was held to the venue's reader."""
    vault = city.office.vault
    await add_proof(conn, vault, "health_code", "yellow", now, number)
    document = Document(
        subject=vault.blind(number, field="person_id"), id_type="resident", number=number, name=name
    )
    coming = Coming(
        id=uuid7(now), place_id=venue.id, gate="东门", way="id_card", at=now,
        actor=f"device:{venue.device.id}", digest=b"", document=document,
    )  # fmt: skip
    return (await take_one(conn, city.office, coming, now)).id


async def visits(conn: Connection) -> list[dict[str, Any]]:
    rows = await conn.fetch("SELECT * FROM closedloop.visit ORDER BY received_at, ctid")
    return [dict(row) for row in rows]


async def fresh_lists(conn: Connection, city: City, at: datetime = NOON) -> None:
    del city
    await conn.execute("UPDATE registry.evidence_source SET as_of = $1", at - timedelta(hours=1))


async def add_area(conn: Connection, words: list[str], *, spared: list[str] | None = None) -> None:
    batch = uuid4()
    await conn.execute(
        """
        INSERT INTO registry.evidence_batch
               (id, kind, source, as_of, accepted, refused, imported_at)
        VALUES ($1, 'risk_area', 'city', $2, 1, 0, $2)
        """,
        batch,
        NOON,
    )
    await conn.execute(
        """
        INSERT INTO registry.area
               (kind, source, name, since, level, words, included, spared, batch_id)
        VALUES ('risk_area', 'city', '试验小区', $1, 'high', $2, '{}', $3, $4)
        """,
        NOON - timedelta(hours=1),
        words,
        spared or [],
        batch,
    )
