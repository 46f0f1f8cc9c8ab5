"""What should have been done and was not, read off the clock: the day's check of a place with a
black plaque, a look back, a mending. A job tells it once; nothing here depends on its having run.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

from alerts.supervision_case_list import Case, daily_step, open_cases
from alerts.supervision_problem_list import Sought, problems
from alerts.supervision_steps import local_day
from kernel.db import Connection
from kernel.i18n import LOCAL_ZONE
from kernel.outbox import post
from registry.stepladders import Stepladder, Supervision

Kind = Literal["check_missed", "look_back_due", "mending_late"]
#: Days of missed checks that are told one by one.
MOST_DAYS = 60
#: A city with more late problems has another problem.
MOST_LATE = 10_000
TOLD = ("duty", "grid")


class Flag(Struct, frozen=True, kw_only=True):
    """`subject` is a case, or a problem where `problem` is true; `since` is the first day of it,
    and `days` how many there were.
    """

    kind: Kind
    subject: UUID
    due_id: int
    place_id: int | None
    name: str
    street: str
    trade: str
    since: date
    days: int
    problem: bool = False


def missed_checks(
    ladder: Stepladder | None, case: Case, now: datetime, check_by_hour: int
) -> list[date]:
    """Days without a check since the mark was put up: the day itself asks for none, today only once
    its hour is over.
    """
    step, since = daily_step(ladder), case.standing.mark_since
    if step is None or since is None or case.standing.mark is None:
        return []
    today = local_day(now)
    if now.astimezone(LOCAL_ZONE).hour < check_by_hour:
        today -= timedelta(days=1)
    first = max(local_day(since) + timedelta(days=1), today - timedelta(days=MOST_DAYS))
    done = {local_day(act.at) for act in case.acts if act.step == step.code and act.at >= since}
    days = (first + timedelta(days=n) for n in range((today - first).days + 1))
    return [day for day in days if day not in done]


def flags_of(supervision: Supervision, cases: Iterable[Case], now: datetime) -> list[Flag]:
    """Of cases, the oldest omission first."""
    found: list[Flag] = []
    for case in cases:
        ladder = supervision.ladder(case.ladder)
        if days := missed_checks(ladder, case, now, supervision.check_by_hour):
            found.append(_flag("check_missed", case, days[0], len(days)))
        due = case.standing.look_back
        if due is not None and case.standing.mark is None and due <= local_day(now):
            found.append(_flag("look_back_due", case, due, (local_day(now) - due).days))
        late = case.standing.deadline
        if late is not None and late < now and "mended" not in case.standing.by:
            found.append(_flag("mending_late", case, local_day(late), _days(late, now)))
    return sorted(found, key=lambda flag: (flag.since, flag.name))


def _days(since: datetime, now: datetime) -> int:
    return (local_day(now) - local_day(since)).days


def _flag(kind: Kind, case: Case, since: date, days: int) -> Flag:
    return Flag(
        kind=kind,
        subject=case.id,
        due_id=case.due_id,
        place_id=case.place_id,
        name=case.name,
        street=case.street,
        trade=case.trade,
        since=since,
        days=days,
    )


async def flags(
    conn: Connection, supervision: Supervision, now: datetime, district: str | None = None
) -> list[Flag]:
    """Of cases and of problems."""
    cases = await open_cases(conn, supervision, district)
    late = await problems(conn, Sought(late=True, district=district), now, limit=MOST_LATE)
    of_problems = [
        Flag(
            kind="mending_late",
            subject=each.id,
            due_id=each.due_id,
            place_id=each.place_id,
            name=each.name,
            street=each.street,
            trade=each.trade,
            since=local_day(each.deadline),
            days=_days(each.deadline, now),
            problem=True,
        )
        for each in late
    ]
    return [*flags_of(supervision, cases, now), *of_problems]


async def raise_flags(conn: Connection, supervision: Supervision, now: datetime) -> int:
    """Each flag once a day, to the duty desk and the street offices; how many were new."""
    found = await flags(conn, supervision, now)
    day = local_day(now)
    rows = await conn.fetch(
        """
        INSERT INTO alerts.supervision_flag (flagged, kind, on_day, raised_at)
        SELECT s.flagged, s.kind, $3, $4 FROM unnest($1::uuid[], $2::text[]) AS s (flagged, kind)
        ON CONFLICT DO NOTHING RETURNING flagged, kind
        """,
        [flag.subject for flag in found],
        [flag.kind for flag in found],
        day,
        now,
    )
    fresh = {(row["flagged"], row["kind"]) for row in rows}
    await _tell(conn, [f for f in found if (f.subject, f.kind) in fresh], day, now)
    return len(fresh)


async def _tell(conn: Connection, fresh: Sequence[Flag], day: date, now: datetime) -> None:
    for flag in fresh:
        facts: dict[str, object] = {"place_id": flag.place_id, "days": flag.days}
        for whom in TOLD:
            key = f"{flag.kind}:{flag.subject}:{day}:{whom}"
            await post(conn, kind=flag.kind, key=key, recipient=whom, facts=facts, now=now)
