"""One case of tracing with a team, a task and a wish to export, for the walks through every route."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from closedloop.tracing_cases import Asked, NewCase, open_case
from closedloop.tracing_exports import ask_export
from closedloop.tracing_reading import looking, read_trajectory
from closedloop.tracing_team_queries import Member
from closedloop.tracing_teams import assign, make_team
from kernel.db import Connection
from tests.alerts.enquiry import officer
from tests.city import City


async def add_trace(
    conn: Connection, city: City, movement_id: int, now: datetime, *, district: str | None = None
) -> dict[str, str]:
    """Its opener is nobody of the callers; the subject was shown to it once."""
    tracer = await officer(conn, f"tracer {uuid4().hex}", "tracer")
    said = NewCase(
        id=uuid4(),
        number="流调2022-7",
        reason="车辆超时未到",
        since=now - timedelta(days=1),
        until=now,
        subjects=(Asked(movement_id=movement_id),),
    )
    case = await open_case(conn, city.office, said, tracer, now)
    await read_trajectory(conn, await looking(conn, city.office, case.id, 1, tracer, now))
    parts = (await city.office.cache.now(conn)).rules_at(now).tracing.team
    members = [Member(part=part.code, unit="某单位") for part in parts for _ in range(part.members)]
    team_id, task_id, export_id = uuid4(), uuid4(), uuid4()
    await make_team(conn, team_id, f"队{uuid4().hex[:6]}", members, parts, tracer, now)
    await assign(conn, case.id, task_id, "核实", team_id, tracer, now)
    await ask_export(conn, case.id, export_id, tracer, now)
    await conn.execute(
        "UPDATE closedloop.trace_case SET district_code = $2 WHERE id = $1", case.id, district
    )
    await conn.execute(
        "UPDATE closedloop.trace_team SET district_code = $2 WHERE id = $1", team_id, district
    )
    person: UUID = await conn.fetchval(
        "SELECT person_id FROM closedloop.trace_subject WHERE case_id = $1", case.id
    )
    return {
        "case_id": str(case.id),
        "subject_no": "1",
        "trace_act": "refuse",
        "team_id": str(team_id),
        "task_id": str(task_id),
        "trace_export_id": str(export_id),
        "person_id": str(person),
    }
