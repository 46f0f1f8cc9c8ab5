"""A small ledger for tests of supervision."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from alerts.street_rounds import NewRound, make_round
from alerts.supervision_cases import Receipt, StepSaid, open_case, take_step
from alerts.supervision_problems import NewProblem, open_problem
from kernel.auth import Actor
from kernel.db import Connection
from registry.coverage_imports import CoverageReport, Listed, import_due
from registry.coverage_rows import Bad
from registry.rules import read_scenario, shipped
from registry.stepladders import Supervision

NOON = datetime(2022, 5, 24, 4, 0, tzinfo=UTC)
HENAN: Supervision = read_scenario(shipped()[0]).supervision
HEAD = "名称,统一社会信用代码,辖区,镇办,行业主管部门,地址"
LIST = Listed(source="市场主体台账", office="市场监督管理局", as_of=NOON.date())


def officer(*roles: str, district: str | None = None) -> Actor:
    return Actor(
        id=uuid4(),
        kind="account",
        name="/".join(roles),
        roles=frozenset(roles),
        district=district,
    )


async def districts(conn: Connection) -> None:
    await conn.execute(
        "INSERT INTO registry.district VALUES ('410221', '杞县'), ('410222', '通许县') "
        "ON CONFLICT DO NOTHING"
    )


async def take(
    conn: Connection,
    *lines: str,
    head: str = HEAD,
    data: bytes | None = None,
    actor: Actor | None = None,
    **how: Any,
) -> tuple[CoverageReport, list[Bad]]:
    content = data if data is not None else "\n".join([head, *lines]).encode()
    asked = {"dry_run": False, "actor": actor or officer("registrar"), "now": NOON} | how
    said = asked.pop("said", LIST)
    return await import_due(conn, content, "text/csv", said, **asked)


async def a_shop(
    conn: Connection, name: str = "烩面馆", district: str = "杞县", street: str = "城关镇"
) -> int:
    """A row of the ledger without a code."""
    await districts(conn)
    await take(conn, f"{name},,{district},{street},商务局,{name}路1号")
    return await conn.fetchval("SELECT id FROM registry.due_place WHERE name = $1", name)


async def a_place(
    conn: Connection,
    name: str,
    *,
    district: str = "410221",
    address: str = "",
    kind: str = "destination",
    issued_at: datetime = datetime(2022, 5, 1, tzinfo=UTC),
) -> int:
    """A registered place with one gate and its code."""
    place_id = await conn.fetchval(
        """
        INSERT INTO registry.place
               (kind, category, name, district_code, address, screen_secret, created_at)
        VALUES ($1, 'test', $2, $3, $4, $5, $6) RETURNING id
        """,
        kind,
        name,
        district,
        address,
        b"s" * 20,
        issued_at,
    )
    await conn.execute("INSERT INTO registry.gate (place_id, gate) VALUES ($1, '1')", place_id)
    await conn.execute(
        "INSERT INTO registry.code (code, place_id, gate, issued_at) VALUES ($1, $2, '1', $3)",
        f"{place_id:010d}",
        place_id,
        issued_at,
    )
    return place_id


async def visited(conn: Connection, place_id: int, at: datetime) -> None:
    await conn.execute(
        """
        INSERT INTO closedloop.visit
               (id, body_hash, place_id, way, shown, visited_at, received_at, actor)
        VALUES ($1, '', $2, 'scan', 'clear', $3, $3, 'test')
        """,
        uuid4(),
        place_id,
        at,
    )


#: Enough for any step.
ALL: dict[str, Any] = {"reason": "督查发现", "evidence": "现场照片编号 7"}


async def begin(
    conn: Connection, due_id: int, ladder: str, actor: Actor, now: datetime, **more: Any
) -> Receipt:
    said = StepSaid(id=uuid4(), step="", **(ALL | more))
    return await open_case(conn, HENAN, due_id, ladder, said, actor, now)


async def go(
    conn: Connection, case_id: UUID, step: str, actor: Actor, now: datetime, **more: Any
) -> Receipt:
    said = StepSaid(id=uuid4(), step=step, **(ALL | more))
    return await take_step(conn, HENAN, case_id, said, actor, now)


async def add_oversight(conn: Connection, now: datetime) -> dict[str, str]:
    """A shop of 410221 on a ladder, with a problem, in a round: what addresses name."""
    inspector = officer("inspector", "grid")
    due_id = await a_shop(conn)
    case = await begin(conn, due_id, "mend", inspector, now, days=3)
    said = NewProblem(id=uuid4(), due_id=due_id, finding="not_visible")
    problem = await open_problem(conn, HENAN, said, inspector, now)
    sweep = NewRound(id=uuid4(), name="城关镇", district="410221", teams=1)
    return {
        "due_id": str(due_id),
        "oversight_id": str(case.case_id),
        "problem_id": str(problem.problem_id),
        "round_id": str(await make_round(conn, sweep, inspector, now)),
        "team": "1",
    }
