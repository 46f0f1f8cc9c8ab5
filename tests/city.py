"""A small city for tests: two checkpoints, two firms, and people whose proofs are in order."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from closedloop.reporting import Office, Reported, report
from kernel.auth import Actor, new_token, token_hash
from kernel.channels import NewChannel, add_channel
from kernel.db import Connection
from kernel.ids import uuid7
from kernel.outbox import post
from kernel.outgoing import NOTHING
from kernel.privacy import Vault
from registry.gate_notices import Notice, say
from registry.rules import SCENARIOS
from registry.submission import Submission
from registry.world import WorldCache

#: Resident numbers with right check digits; nobody's.
IDS = ("410221199001011239", "410221198505052312", "410221199203034324", "410221197912126548")


HENAN: dict[str, Any] = msgspec.json.decode((SCENARIOS / "epidemic-henan.json").read_bytes())


class City(Struct, frozen=True, kw_only=True):
    office: Office
    north: int
    south: int
    mill: int
    depot: int
    lane: Actor
    lane_token: str
    gatekeeper: Actor
    firm_token: str


async def build(conn: Connection, vault: Vault, now: datetime, **rules: Any) -> City:
    """Places 30 minutes apart, the default rules (changed by `rules`), a fresh list."""
    await conn.execute(
        "INSERT INTO registry.district VALUES ('410221', '杞县') ON CONFLICT DO NOTHING"
    )
    north = await _place(conn, "checkpoint", "北卡口", now)
    south = await _place(conn, "checkpoint", "南卡口", now)
    mill = await _place(conn, "destination", "第一面粉厂", now)
    depot = await _place(conn, "destination", "城东仓库", now)
    for origin in (north, south, mill, depot):
        for target in (mill, depot):
            if origin != target:
                await conn.execute(
                    "INSERT INTO registry.road_time VALUES ($1, $2, 30)", origin, target
                )
    body = HENAN | rules
    await conn.execute(
        """
        INSERT INTO registry.rule_set (scenario, name, body, in_force_from, created_at)
        VALUES ('epidemic-henan', 'test', $1, $2, $3)
        """,
        body,
        now - timedelta(days=365),
        now,
    )
    await conn.execute(
        "INSERT INTO registry.evidence_source VALUES ('health_code', 'province', $1)", now
    )
    lane, lane_token = await _device(conn, "lane", north, now)
    gatekeeper, firm_token = await _device(conn, "firm", mill, now)
    return City(
        office=Office(cache=WorldCache(), vault=vault, city="4102"),
        north=north,
        south=south,
        mill=mill,
        depot=depot,
        lane=lane,
        lane_token=lane_token,
        gatekeeper=gatekeeper,
        firm_token=firm_token,
    )


async def _place(conn: Connection, kind: str, name: str, now: datetime) -> int:
    place_id = await conn.fetchval(
        """
        INSERT INTO registry.place (kind, category, name, district_code, screen_secret, created_at)
        VALUES ($1, 'test', $2, '410221', $3, $4) RETURNING id
        """,
        kind,
        name,
        b"s" * 20,
        now,
    )
    await conn.execute("INSERT INTO registry.gate (place_id, gate) VALUES ($1, '1')", place_id)
    return place_id


async def add_body(conn: Connection, now: datetime, *, district: str = "410221") -> int:
    """A receiving body."""
    return await conn.fetchval(
        """
        INSERT INTO registry.place (kind, category, name, district_code, screen_secret, created_at)
        VALUES ('venue', 'receiving_body', $1, $2, $3, $4) RETURNING id
        """,
        f"集中观察点{uuid4().hex[:6]}",
        district,
        b"s" * 20,
        now,
    )


async def add_notice(conn: Connection, place_id: int, now: datetime) -> UUID:
    """A queue at a checkpoint, told to drivers."""
    notice = Notice(
        id=uuid4(),
        place_id=place_id,
        gate="",
        kind="wait",
        minutes=20,
        reason="",
        until=None,
        said_at=now,
    )
    await say(conn, notice, "account:x")
    return notice.id


async def _device(conn: Connection, role: str, place_id: int, now: datetime) -> tuple[Actor, str]:
    device_id = await add_device(conn, role, place_id, now)
    token = new_token()
    await conn.execute(
        """
        INSERT INTO registry.token (token_hash, device_id, label, created_at)
        VALUES ($1, $2, $3, $4)
        """,
        token_hash(token),
        device_id,
        role,
        now,
    )
    return device_actor(device_id, role, place_id), token


async def add_device(conn: Connection, role: str, place_id: int, now: datetime) -> UUID:
    return await conn.fetchval(
        """
        INSERT INTO registry.device (id, name, place_id, role, created_at)
        VALUES ($1, $2, $3, $2, $4) RETURNING id
        """,
        uuid4(),
        role,
        place_id,
        now,
    )


def device_actor(device_id: UUID, role: str, place_id: int) -> Actor:
    return Actor(
        id=device_id,
        kind="device",
        name=role,
        roles=frozenset({role}),
        place_id=place_id,
        device_id=device_id,
    )


async def add_proof(
    conn: Connection, vault: Vault, kind: str, value: str, at: datetime, number: str = IDS[0]
) -> None:
    """Evidence in the record; it reaches a movement when that is reported afterwards."""
    batch = uuid4()
    await conn.execute(
        """
        INSERT INTO registry.evidence_batch
               (id, kind, source, as_of, accepted, refused, imported_at)
        VALUES ($1, $2, 'province', $3, 1, 0, $3)
        """,
        batch,
        kind,
        at,
    )
    await conn.execute(
        """
        INSERT INTO registry.evidence (kind, subject, taken_at, value, source, batch_id)
        VALUES ($1, $2, $3, $4, 'province', $5)
        """,
        kind,
        vault.blind(number, field="person_id"),
        at,
        value,
        batch,
    )


def a_submission(city: City, now: datetime, **changes: Any) -> Submission:
    fields: dict[str, Any] = {
        "name": "李小龙",
        "id_number": IDS[0],
        "phone": "13812345678",
        "plate": "豫B12345",
        "origin": "山东省济南市",
        "entry_place_id": city.north,
        "expected_entry_at": now + timedelta(hours=1),
        "expected_exit_at": now + timedelta(hours=30),
        "declared": {"symptom": False, "risk_area": False},
        "stops": (city.mill,),
        "goods": "daily",
    }
    return Submission(**fields | changes)


async def a_report(
    conn: Connection, city: City, now: datetime, *, tested: bool = True, **changes: Any
) -> Reported:
    """A reported movement; its driver has a fresh negative test unless `tested` is false."""
    said = a_submission(city, now, **changes)
    if tested:
        await add_proof(
            conn, city.office.vault, "test", "negative", now - timedelta(hours=5), said.id_number
        )
    return await report(
        conn,
        city.office,
        event_id=uuid7(now),
        said=said,
        channel="driver",
        actor=None,
        now=now,
    )


async def add_dead_letter(conn: Connection, vault: Vault, now: datetime) -> UUID:
    """A channel with one message that nobody got; the channel's id."""
    channel_id = uuid4()
    said = NewChannel(
        id=channel_id, name="值班群", kind="chat", address="wecombot://abcdefghijklmnop/",
        audience=("duty",),
    )  # fmt: skip
    await add_channel(conn, vault, said, NOTHING, uuid4(), now)
    await post(conn, kind="trial", key=f"dead {channel_id}", recipient="duty", facts={}, now=now)
    await conn.execute(
        """
        INSERT INTO kernel.delivery (message_id, channel_id, attempts, next_at, gave_up_at, error)
        SELECT id, $1, 30, $2, $2, 'robot_refused' FROM kernel.outbox WHERE key = $3
        """,
        channel_id,
        now,
        f"dead {channel_id}",
    )
    return channel_id
