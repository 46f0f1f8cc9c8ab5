"""Opening a case of tracing, with a number and a reason; a second officer where much is asked."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from closedloop.reporting import Office, situation_of
from closedloop.situation import check_in_district
from closedloop.tracing_model import Case, CaseState
from closedloop.tracing_queries import own_case
from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Forbidden, NotFound, Unprocessable
from kernel.i18n import LOCAL_ZONE
from kernel.privacy import without_numbers
from registry.model import Role
from registry.people import check_document
from registry.plates import parse
from registry.scope import covers, own_district
from registry.tracing_rules import Tracing

#: Cases are opened and approved by these; people are shown to tracers only.
OFFICERS = (Role.TRACER, Role.DUTY)
LONGEST_NUMBER, LONGEST_REASON = 40, 200
MOST_SUBJECTS = 200
DAY = timedelta(days=1)


class Asked(Struct, frozen=True, kw_only=True):
    """One subject as it is named: the crew of a movement or one of it, a document, a plate, a
    place.
    """

    movement_id: int | None = None
    ordinal: int | None = None
    id_type: str = "resident"
    id_number: str = ""
    plate: str = ""
    place_id: int | None = None

    def __repr__(self) -> str:
        return "Asked()"


class NewCase(Struct, frozen=True, kw_only=True):
    id: UUID
    number: str
    reason: str
    since: datetime
    until: datetime
    subjects: tuple[Asked, ...]


class Found(Struct, frozen=True, kw_only=True):
    kind: str
    person_id: UUID | None = None
    plate: str = ""
    place_id: int | None = None


def one_line(text: str, most: int) -> str:
    return " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())[:most]


def number_kept(text: str) -> str:
    """Raises Unprocessable `trace_number_needed`, `trace_number_personal`."""
    number = one_line(text, LONGEST_NUMBER)
    if not number:
        raise Unprocessable("trace_number_needed")
    if without_numbers(number) != number:
        raise Unprocessable("trace_number_personal")
    return number


def reason_kept(text: str) -> str:
    """Raises Unprocessable `trace_reason_needed`. What looks like a person's number is left out."""
    reason = without_numbers(one_line(text, LONGEST_REASON))
    if not reason:
        raise Unprocessable("trace_reason_needed")
    return reason


def check_window(since: datetime, until: datetime, tracing: Tracing) -> None:
    """Raises Unprocessable `time_without_zone`, `trace_window_wrong`, `trace_window_too_long`."""
    if since.tzinfo is None or until.tzinfo is None:
        raise Unprocessable("time_without_zone")
    if until <= since:
        raise Unprocessable("trace_window_wrong")
    if until - since > tracing.most_days * DAY:
        raise Unprocessable("trace_window_too_long", most=tracing.most_days)


def needs_second(subjects: int, since: datetime, until: datetime, tracing: Tracing) -> bool:
    return subjects > tracing.alone_subjects or until - since > tracing.alone_days * DAY


async def open_case(
    conn: Connection, office: Office, said: NewCase, actor: Actor, now: datetime
) -> Case:
    """The same id again is the same case. Raises Unprocessable as above and
    `trace_without_subject`, `trace_too_many_subjects`; NotFound `unknown_person`,
    `unknown_movement`, `unknown_place`; Conflict `event_id_taken`; and those of documents and
    plates.
    """
    number, reason = number_kept(said.number), reason_kept(said.reason)
    rules = (await office.cache.now(conn)).rules_at(now)
    check_window(said.since, said.until, rules.tracing)
    found = await _resolved(conn, office, said.subjects, actor, now)
    row = await conn.fetchrow(
        """
        INSERT INTO closedloop.trace_case AS c
               (id, number, reason, district_code, since, until, subjects, rules_version,
                opened_by, opened_at, needs_second)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (id) DO UPDATE SET number = c.number
         WHERE (c.number, c.reason, c.since, c.until, c.subjects, c.opened_by)
             = ($2, $3, $5, $6, $7, $9)
        RETURNING opened_at = $10 AS new
        """,
        said.id,
        number,
        reason,
        own_district(actor),
        said.since,
        said.until,
        len(found),
        rules.version,
        actor.id,
        now,
        needs_second(len(found), said.since, said.until, rules.tracing),
    )
    if row is None:
        raise Conflict("event_id_taken", id=str(said.id))
    await _keep_subjects(conn, said.id, found)
    await audited(conn, actor, "open_trace", said.id, number, now)
    return await own_case(conn, said.id, actor)


async def audited(
    conn: Connection, actor: Actor, action: str, case_id: UUID, number: str, now: datetime
) -> None:
    await record_access(
        conn,
        actor,
        action=action,
        subject_kind="trace",
        subject=str(case_id),
        reason=f"tracing: {number}",
        now=now,
    )


async def _keep_subjects(conn: Connection, case_id: UUID, found: Sequence[Found]) -> None:
    await conn.execute(
        """
        INSERT INTO closedloop.trace_subject (case_id, number, kind, person_id, plate, place_id)
        SELECT $1, n.number, n.kind, n.person_id, n.plate, n.place_id
          FROM unnest($2::text[], $3::uuid[], $4::text[], $5::bigint[]) WITH ORDINALITY
               AS n (kind, person_id, plate, place_id, number)
        ON CONFLICT (case_id, number) DO NOTHING
        """,
        case_id,
        [each.kind for each in found],
        [each.person_id for each in found],
        [each.plate for each in found],
        [each.place_id for each in found],
    )


async def _resolved(
    conn: Connection, office: Office, asked: Sequence[Asked], actor: Actor, now: datetime
) -> list[Found]:
    """Each once, in the order in which they were named."""
    found: list[Found] = []
    for each in asked[: MOST_SUBJECTS + 1]:
        found += [one for one in await _found(conn, office, each, actor, now) if one not in found]
    if not found:
        raise Unprocessable("trace_without_subject")
    if len(found) > MOST_SUBJECTS:
        raise Unprocessable("trace_too_many_subjects", most=MOST_SUBJECTS)
    return found


async def _found(
    conn: Connection, office: Office, asked: Asked, actor: Actor, now: datetime
) -> list[Found]:
    if asked.place_id is not None:
        place = (await office.cache.now(conn)).places.get(asked.place_id)
        if place is None or not covers(own_district(actor), place.district_code):
            raise NotFound("unknown_place", place_id=asked.place_id)
        return [Found(kind="place", place_id=place.id)]
    if asked.movement_id is not None:
        return await _crew(conn, office, asked, actor)
    if asked.plate.strip():
        return [Found(kind="plate", plate=parse(asked.plate).text)]
    if asked.id_number.strip():
        return [await _by_document(conn, office, asked, now)]
    return []


async def _crew(conn: Connection, office: Office, asked: Asked, actor: Actor) -> list[Found]:
    movement_id = asked.movement_id or 0
    situation = await situation_of(conn, movement_id)
    check_in_district(situation, actor, await office.cache.now(conn))
    rows = await conn.fetch(
        """
        SELECT s.person_id FROM registry.movement_person s
          JOIN registry.person p ON p.id = s.person_id AND p.erased_at IS NULL
         WHERE s.movement_id = $1 AND ($2::int IS NULL OR s.ordinal = $2) ORDER BY s.ordinal
        """,
        movement_id,
        asked.ordinal,
    )
    if not rows:
        raise NotFound("unknown_person", movement_id=movement_id, ordinal=asked.ordinal)
    return [Found(kind="person", person_id=row["person_id"]) for row in rows]


async def _by_document(conn: Connection, office: Office, asked: Asked, now: datetime) -> Found:
    today = now.astimezone(LOCAL_ZONE).date()
    number = check_document(asked.id_type, asked.id_number, today=today)
    person_id = await conn.fetchval(
        "SELECT id FROM registry.person WHERE id_blind = $1 AND erased_at IS NULL",
        office.vault.blind(number, field="person_id"),
    )
    if person_id is None:
        raise NotFound("trace_person_unknown")
    return Found(kind="person", person_id=person_id)


async def decide_case(
    conn: Connection, case_id: UUID, actor: Actor, now: datetime, *, yes: bool
) -> Case:
    """By a second officer; deciding the same again changes nothing. Raises NotFound
    `unknown_trace`; Forbidden `trace_second_person`; Conflict `trace_decided`.
    """
    case = await own_case(conn, case_id, actor, held=True)
    if not decided_anew(case, actor, yes=yes):
        return case
    await conn.execute(
        """
        UPDATE closedloop.trace_case SET decided_by = $2, decided_at = $3, approved = $4
         WHERE id = $1 AND approved IS NULL
        """,
        case_id,
        actor.id,
        now,
        yes,
    )
    await audited(conn, actor, "decide_trace", case_id, case.number, now)
    return await own_case(conn, case_id, actor)


def decided_anew(case: Case, actor: Actor, *, yes: bool) -> bool:
    if case.approved is not None and case.approved is yes and case.decided_by == actor.id:
        return False
    if case.opened_by == actor.id and yes:
        raise Forbidden("trace_second_person")
    if case.state is not CaseState.WAITING:
        raise Conflict("trace_decided")
    return True


async def close_case(conn: Connection, case_id: UUID, actor: Actor, now: datetime) -> None:
    """From then on nobody is shown its people. Closing it again changes nothing."""
    case = await own_case(conn, case_id, actor, held=True)
    if case.closed_at is not None:
        return
    await conn.execute(
        "UPDATE closedloop.trace_case SET closed_by = $2, closed_at = $3 WHERE id = $1",
        case_id,
        actor.id,
        now,
    )
    await audited(conn, actor, "close_trace", case_id, case.number, now)


def check_open(case: Case) -> None:
    """Raises Conflict `trace_waits`, `trace_refused`, `trace_closed`."""
    codes: dict[CaseState, str] = {
        CaseState.WAITING: "trace_waits",
        CaseState.REFUSED: "trace_refused",
        CaseState.CLOSED: "trace_closed",
    }
    if (code := codes.get(case.state)) is not None:
        raise Conflict(code)
