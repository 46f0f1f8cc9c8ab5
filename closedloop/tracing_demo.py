"""What tracing shows in the demo city: fourteen teams of five (seed 003), and one case whose clock
runs. Units only, nobody's name.
"""

from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from closedloop.tracing_cases import needs_second
from closedloop.tracing_team_queries import Member
from closedloop.tracing_teams import make_team
from kernel.auth import Actor
from kernel.db import Connection
from registry.model import PlaceKind, Role
from registry.tracing_rules import Tracing
from registry.world import load_world

TEAMS = 14
NUMERALS = "一二三四五六七八九十"
UNITS = ("县公安局（示例）", "县疾控中心（示例）", "乡镇（街道）社区（示例）")


def _id(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"demo trace {name}")


def _numeral(number: int) -> str:
    return NUMERALS[number - 1] if number <= 10 else f"十{NUMERALS[number - 11]}"


async def seed_tracing(conn: Connection, now: datetime) -> None:
    """Once: what is there is kept."""
    world = await load_world(conn)
    rules = world.rules_at(now)
    account = await conn.fetchval("SELECT id FROM registry.account WHERE login = 'tracer'")
    if account is None or not rules.tracing.team:
        return
    tracer = Actor(id=account, kind="account", name="demo", roles=frozenset({Role.TRACER}))
    members = [
        Member(part=part.code, unit=UNITS[min(number, len(UNITS) - 1)])
        for number, part in enumerate(rules.tracing.team)
        for _ in range(part.members)
    ]
    known = await conn.fetchval("SELECT count(*) FROM closedloop.trace_team")
    for number in range(1, TEAMS + 1) if not known else ():
        name = f"流调{_numeral(number)}队（示例）"
        at = now + timedelta(milliseconds=number)
        await make_team(conn, _id(name), name, members, rules.tracing.team, tracer, at)
    gate = next((p.id for p in world.places.values() if p.kind is PlaceKind.CHECKPOINT), None)
    if gate is not None:
        await _case(conn, gate, rules.version, rules.tracing, account, now)


async def _case(
    conn: Connection, gate: int, version: int, tracing: Tracing, account: UUID, now: datetime
) -> None:
    """Who was at the first checkpoint within a day."""
    since, until = now - timedelta(hours=12), now + timedelta(hours=12)
    status = await conn.execute(
        """
        INSERT INTO closedloop.trace_case
               (id, number, reason, since, until, subjects, rules_version, opened_by, opened_at,
                needs_second)
        VALUES ($1, '流调演示第1号', '演示：该卡口当天经过的车辆和人员', $2, $3, 1, $4, $5, $6, $7)
        ON CONFLICT (id) DO NOTHING
        """,
        _id("case"),
        since,
        until,
        version,
        account,
        now,
        needs_second(1, since, until, tracing),
    )
    if status == "INSERT 0 1":
        await conn.execute(
            """
            INSERT INTO closedloop.trace_subject (case_id, number, kind, place_id)
            VALUES ($1, 1, 'place', $2)
            """,
            _id("case"),
            gate,
        )
