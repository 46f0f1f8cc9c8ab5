"""Every day one report, one tally, one bulletin (seed 001): the day's figures, what each unit has
open, and who is named. A day that is over is frozen when it is first asked for, or by the job; a
correction is a version of its own, and the older one stays.
"""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct, convert, to_builtins

from alerts.daily import hours_of
from alerts.supervision_case_list import open_cases
from alerts.supervision_figures import Line, figures, moment
from alerts.supervision_flags import Flag, flags_of
from alerts.supervision_problem_list import counts_by_unit
from alerts.supervision_steps import local_day
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Unprocessable
from registry.scope import within
from registry.stepladders import Supervision

#: A day further back was not kept here.
MOST_DAYS = 30
LONGEST_REASON = 200
#: What a bulletin names at most, of each kind.
MOST_NAMED = 20


class Unit(Struct, frozen=True, kw_only=True):
    street: str
    trade: str
    open: int
    late: int


class DayReport(Struct, frozen=True, kw_only=True):
    """`done`: what happened that day, by kind. `marks`: what hangs at the end of it. `named`: what
    was missed, with the units that answer for it.
    """

    day: date
    lines: tuple[Line, ...]
    done: dict[str, int]
    steps: dict[str, int]
    marks: dict[str, int]
    units: tuple[Unit, ...]
    named: tuple[Flag, ...]


class Frozen(Struct, frozen=True, kw_only=True):
    """`version` 0: the day lasts, and the figures move. `reason` of a correction."""

    report: DayReport
    version: int
    reason: str = ""
    made_at: datetime | None = None
    versions: tuple[int, ...] = ()


async def compute(
    conn: Connection,
    supervision: Supervision,
    day: date,
    now: datetime,
    district: str | None,
) -> DayReport:
    start, end = hours_of(day)
    until = min(now, end)
    cases = await open_cases(conn, supervision, district, until)
    marks: dict[str, int] = {}
    for case in cases:
        if case.standing.mark:
            marks[case.standing.mark] = marks.get(case.standing.mark, 0) + 1
    # The last moment of a day belongs to it: its check is late, the next day's is not yet.
    last = until - timedelta(microseconds=1)
    at = moment(day, now, supervision.idle_days)
    return DayReport(
        day=day,
        lines=tuple(await figures(conn, at, district)),
        done=await _done(conn, start, until, district),
        steps=await _steps(conn, start, until, district),
        marks=marks,
        units=tuple(convert(row, Unit) for row in await counts_by_unit(conn, until, district)),
        named=tuple(flags_of(supervision, cases, last)[:MOST_NAMED]),
    )


async def _done(
    conn: Connection, start: datetime, until: datetime, district: str | None
) -> dict[str, int]:
    rows = await conn.fetch(
        f"""
        SELECT s.kind, count(*) AS n FROM (
            SELECT 'visit' AS kind, due_id FROM alerts.street_visit
             WHERE visited_at >= $1 AND visited_at < $2
            UNION ALL
            SELECT 'problem_' || a.act, p.due_id FROM alerts.problem_act a
              JOIN alerts.problem p ON p.id = a.problem_id WHERE a.at >= $1 AND a.at < $2
            UNION ALL
            SELECT 'joint', due_id FROM alerts.joint_task
             WHERE done_at >= $1 AND done_at < $2) s
          JOIN registry.due_place d ON d.id = s.due_id
         WHERE {within("d.district_code", 3)} GROUP BY s.kind ORDER BY s.kind
        """,
        start,
        until,
        district,
    )
    return {row["kind"]: row["n"] for row in rows}


async def _steps(
    conn: Connection, start: datetime, until: datetime, district: str | None
) -> dict[str, int]:
    """By `ladder.step`."""
    rows = await conn.fetch(
        f"""
        SELECT o.ladder || '.' || a.step AS step, count(*) AS n FROM alerts.oversight_act a
          JOIN alerts.oversight o ON o.id = a.oversight_id
          JOIN registry.due_place d ON d.id = o.due_id
         WHERE a.at >= $1 AND a.at < $2 AND {within("d.district_code", 3)}
         GROUP BY 1 ORDER BY 1
        """,
        start,
        until,
        district,
    )
    return {row["step"]: row["n"] for row in rows}


async def report_of(
    conn: Connection,
    supervision: Supervision,
    day: date,
    now: datetime,
    district: str | None,
    version: int | None = None,
) -> Frozen:
    """Today's moves; a day that is over is frozen now if it was not. Raises NotFound
    `unknown_report` for a day to come, one too long ago, and a version that is none.
    """
    today = local_day(now)
    if not today - timedelta(days=MOST_DAYS) <= day <= today:
        raise NotFound("unknown_report", day=day.isoformat())
    if day == today:
        return Frozen(report=await compute(conn, supervision, day, now, district), version=0)
    found = await _read(conn, day, district, version)
    if found is None and version is None:
        await freeze(conn, supervision, day, now, district)
        found = await _read(conn, day, district, None)
    if found is None:
        raise NotFound("unknown_report", day=day.isoformat())
    return found


async def _read(
    conn: Connection, day: date, district: str | None, version: int | None
) -> Frozen | None:
    row = await conn.fetchrow(
        """
        SELECT version, body, reason, made_at,
               (SELECT array_agg(o.version ORDER BY o.version) FROM alerts.supervision_day o
                 WHERE o.day = $1 AND o.district_code = $2) AS versions
          FROM alerts.supervision_day
         WHERE day = $1 AND district_code = $2 AND ($3::int IS NULL OR version = $3)
         ORDER BY version DESC LIMIT 1
        """,
        day,
        district or "",
        version,
    )
    if row is None:
        return None
    said: dict[str, Any] = dict(row)
    return Frozen(
        report=convert(said["body"], DayReport),
        version=said["version"],
        reason=said["reason"],
        made_at=said["made_at"],
        versions=tuple(said["versions"]),
    )


async def freeze(
    conn: Connection,
    supervision: Supervision,
    day: date,
    now: datetime,
    district: str | None,
    *,
    version: int = 1,
    reason: str = "",
    actor_id: UUID | None = None,
) -> bool:
    """Whether this was the first to write that version."""
    report = await compute(conn, supervision, day, now, district)
    return bool(
        await conn.fetchval(
            """
            INSERT INTO alerts.supervision_day
                   (day, district_code, version, body, reason, made_by, made_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING true
            """,
            day,
            district or "",
            version,
            to_builtins(report),
            reason,
            actor_id,
            now,
        )
    )


async def correct(
    conn: Connection,
    supervision: Supervision,
    day: date,
    reason: str,
    actor: Actor,
    now: datetime,
    district: str | None,
    of: int | None = None,
) -> int:
    """The new version's number; `of` is the one that was looked at. Sent twice it is one. Raises
    NotFound `unknown_report`; Conflict `report_corrected`; Unprocessable `reason_needed`,
    `reason_too_long`, `day_not_over`.
    """
    reason = " ".join(reason.replace("\0", "").split())
    if not reason:
        raise Unprocessable("reason_needed")
    if len(reason) > LONGEST_REASON:
        raise Unprocessable("reason_too_long", most=LONGEST_REASON)
    if day >= local_day(now):
        raise Unprocessable("day_not_over")
    before = await report_of(conn, supervision, day, now, district)
    if of is not None and of != before.version:
        if before.reason != reason:
            raise Conflict("report_corrected", version=before.version)
        return before.version
    number = before.version + 1
    first = await freeze(
        conn, supervision, day, now, district, version=number, reason=reason, actor_id=actor.id
    )
    if not first:
        raise Conflict("report_corrected", version=number)
    return number


async def freeze_yesterday(conn: Connection, supervision: Supervision, now: datetime) -> None:
    """For the whole city and for each district that has a ledger."""
    day = local_day(now) - timedelta(days=1)
    rows = await conn.fetch(
        """
        SELECT s.code FROM (
            SELECT '' AS code UNION ALL SELECT DISTINCT district_code FROM registry.due_place) s
         WHERE EXISTS (SELECT 1 FROM registry.due_place WHERE created_at < $2)
           AND NOT EXISTS (SELECT 1 FROM alerts.supervision_day o
                            WHERE o.day = $1 AND o.district_code = s.code)
        """,
        day,
        hours_of(day)[1],
    )
    for row in rows:
        await freeze(conn, supervision, day, now, row["code"] or None)
