"""The demo city: real checkpoints and districts of Kaifeng, made-up firms, one log-in per role.

Everything may be seeded again at each start: what is there is kept.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

from msgspec import Struct

from kernel.auth import hash_password
from kernel.db import Connection
from kernel.privacy import Vault
from registry.accounts import create_account, create_device, store_token
from registry.demo_city import (
    MALL,
    Spot,
    firms,
    made_up_minutes,
    read_checkpoints,
    read_districts,
    receiving,
    venues,
)
from registry.demo_coverage import seed_ledger
from registry.demo_logins import DemoLogin, DemoLogins, Secrets
from registry.evidence import refresh_source
from registry.model import PlaceKind, Role
from registry.places import NewPlace, create_place
from registry.rules import Mode, read_scenario, shipped
from registry.scenario import install

__all__ = ["DemoLogin", "DemoLogins", "seed"]

RULING = shipped()[0]
SOURCE = "演示名单（示例）"
#: No telephone in China has this number.
NO_PHONE = "+8637100000000"

#: Log-in, role, name, and the kind of place of which the account stands at the first; a venue's
#: staff have the role of a firm's.
#: Two duty officers: a hold is looked at by one who did not order it.
ACCOUNTS: tuple[tuple[str, Role, str, str | None], ...] = (
    ("lane", Role.LANE, "卡口值守员（示例）", PlaceKind.CHECKPOINT),
    ("desk", Role.DESK, "核验台人员（示例）", PlaceKind.CHECKPOINT),
    ("firm", Role.FIRM, "企业门卫（示例）", PlaceKind.DESTINATION),
    ("venue", Role.FIRM, "商场门卫（示例）", MALL),
    ("duty", Role.DUTY, "值班员（示例）", None),
    ("duty-second", Role.DUTY, "值班长（示例）", None),
    ("registrar", Role.REGISTRAR, "审核员（示例）", None),
    ("hotline", Role.HOTLINE, "热线话务员（示例）", None),
    ("dispatcher", Role.DISPATCHER, "运输调度员（示例）", None),
    ("receiver", Role.RECEIVER, "接收人员（示例）", PlaceKind.VENUE),
    ("police", Role.POLICE, "交警（示例）", None),
    ("grid", Role.GRID, "网格员（示例）", None),
    ("inspector", Role.INSPECTOR, "巡查员（示例）", None),
    ("tracer", Role.TRACER, "流调员（示例）", None),
    ("admin", Role.ADMIN, "管理员（示例）", None),
    ("security", Role.SECURITY, "安全员（示例）", None),
    ("auditor", Role.AUDITOR, "审计员（示例）", None),
)


class _Stands(Struct, frozen=True):
    """A place of the demo and its id."""

    id: int
    spot: Spot


async def seed(conn: Connection, vault: Vault, now: datetime, data_dir: Path) -> DemoLogins:
    """Passwords and tokens are kept in `data_dir`/logins.txt. If that file is lost, the accounts
    get new passwords and the devices new tokens.
    """
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('demo', 0))")
    kept = Secrets(data_dir)
    await _districts(conn)
    gates = [await _place(conn, vault, spot, now) for spot in read_checkpoints()]
    works = [await _place(conn, vault, spot, now) for spot in firms()]
    taking = [await _place(conn, vault, spot, now) for spot in receiving()]
    shops = [await _place(conn, vault, spot, now) for spot in venues()]
    await conn.execute(
        "UPDATE registry.place SET within_id = $2 WHERE id = $1 AND within_id IS NULL",
        shops[1].id,
        shops[0].id,
    )
    await _roads(conn, gates, works)
    await _rules(conn, now)
    logins = DemoLogins(
        logins=await _accounts(conn, kept, (gates[0], works[0], taking[0], shops[0]), now),
        lane_tokens={place.id: await _token(conn, kept, place, "lane", now) for place in gates},
        firm_tokens={place.id: await _token(conn, kept, place, "firm", now) for place in works},
        venue_tokens={place.id: await _token(conn, kept, place, "firm", now) for place in shops},
        camera_tokens={gates[0].id: await _token(conn, kept, gates[0], "camera", now)},
    )
    await seed_ledger(conn, now)
    kept.keep()
    return logins


async def _districts(conn: Connection) -> None:
    await conn.executemany(
        "INSERT INTO registry.district (code, name) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        read_districts(),
    )


async def _place(conn: Connection, vault: Vault, spot: Spot, now: datetime) -> _Stands:
    known = await conn.fetchval(
        "SELECT id FROM registry.place WHERE demo AND kind = $1 AND name = $2",
        spot.kind,
        spot.name,
    )
    return _Stands(known or await create_place(conn, _new(vault, spot), now), spot)


def _new(vault: Vault, spot: Spot) -> NewPlace:
    has_contact = spot.kind != PlaceKind.CHECKPOINT
    return NewPlace(
        kind=spot.kind,
        category=spot.category,
        name=spot.name,
        district_code=spot.district_code,
        road=spot.road,
        address=spot.address,
        gates=spot.gates,
        contact_sealed=vault.seal("值班室", field="contact_name") if has_contact else None,
        contact_phone_sealed=vault.seal(NO_PHONE, field="contact_phone") if has_contact else None,
        source=spot.source,
        demo=True,
    )


async def _roads(conn: Connection, gates: Sequence[_Stands], works: Sequence[_Stands]) -> None:
    """From every checkpoint to every firm, and from every firm to every other."""
    pairs = [(a, b) for a in (*gates, *works) for b in works if a.id != b.id]
    await conn.execute(
        """
        INSERT INTO registry.road_time (from_place, to_place, minutes)
        SELECT said.origin, said.destination, said.minutes
          FROM unnest($1::bigint[], $2::bigint[], $3::int[]) AS said (origin, destination, minutes)
        ON CONFLICT DO NOTHING
        """,
        [a.id for a, _ in pairs],
        [b.id for _, b in pairs],
        [made_up_minutes(a.spot.name, b.spot.name) for a, b in pairs],
    )


async def _rules(conn: Connection, now: datetime) -> None:
    for path in shipped():
        await install(conn, path, now, now if path == RULING else None)
    for kind in read_scenario(RULING).evidence:
        if kind.mode is Mode.LIST:
            await refresh_source(conn, kind.kind, SOURCE, now)


async def _accounts(
    conn: Connection, kept: Secrets, firsts: Sequence[_Stands], now: datetime
) -> tuple[DemoLogin, ...]:
    places = {_kind(place.spot): place for place in firsts}
    return tuple(
        [
            await _account(conn, kept, login, role, name, places.get(kind or ""), now)
            for login, role, name, kind in ACCOUNTS
        ]
    )


def _kind(spot: Spot) -> str:
    """Two of the kind venue have log-ins: who takes over, and a mall."""
    return MALL if spot.category == MALL else spot.kind


async def _account(
    conn: Connection,
    kept: Secrets,
    login: str,
    role: Role,
    name: str,
    place: _Stands | None,
    now: datetime,
) -> DemoLogin:
    where = place.spot.name if place else ""
    password = kept.take("login", login, where)
    known: UUID | None = await conn.fetchval(
        "SELECT id FROM registry.account WHERE login = $1", login
    )
    if known is None:
        await create_account(
            conn,
            login=login,
            password_hash=await hash_password(password),
            name=name,
            roles={role},
            place_id=place.id if place else None,
            district=place.spot.district_code if place else None,
            now=now,
            demo=True,
        )
    elif kept.is_new("login", login):
        await conn.execute(
            "UPDATE registry.account SET password_hash = $2 WHERE id = $1",
            known,
            await hash_password(password),
        )
    return DemoLogin(role=role.value, login=login, password=password, place=where)


async def _token(conn: Connection, kept: Secrets, place: _Stands, role: str, now: datetime) -> str:
    token = kept.take("token", f"{role}-{place.spot.name}")
    device = await conn.fetchval(
        "SELECT id FROM registry.device WHERE place_id = $1 AND role = $2 AND revoked_at IS NULL",
        place.id,
        role,
    )
    if device is None:
        name = f"{place.spot.name} {role}"
        device = await create_device(conn, name=name, place_id=place.id, role=role, now=now)
    if kept.is_new("token", f"{role}-{place.spot.name}"):
        await conn.execute(
            "UPDATE registry.token SET revoked_at = $2 WHERE device_id = $1 AND revoked_at IS NULL",
            device,
            now,
        )
    await store_token(conn, token, device_id=device, label="demo", now=now)
    return token
