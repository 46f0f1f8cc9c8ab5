"""Looking at a case's people: each time with its rows of the record of accesses, its share of the
officer's quota, and only while the case is open.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from closedloop.reporting import Office
from closedloop.tracing_cases import audited, check_open
from closedloop.tracing_contacts import classified, classify, second_rule, through, widest
from closedloop.tracing_model import Case, Contact, How, Meeting, Sighting, Subject, Wanted
from closedloop.tracing_near import START, meetings
from closedloop.tracing_queries import own_case, risky_places, subjects_of, wanted
from closedloop.tracing_quota import count_shown, count_traced
from closedloop.tracing_sightings import sightings
from kernel.audit import record_accesses
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import NotFound, Unprocessable
from registry.rules import RuleSet
from registry.scope import own_district

#: People of one part of a list; the next part is asked for with its cursor.
PART = 500
#: So many may be between the subject and contacts of the second degree, and so many people may
#: come of it: more are refused with a sentence, never left out.
MOST_BETWEEN = 300
BETWEEN_AT_ONCE = 50
MOST_SECOND = 5_000


class Traced(Struct, frozen=True, kw_only=True):
    """One subject's places and times. `risky`: place → number of cases that were there."""

    case: Case
    subject: Subject
    rules: RuleSet
    sightings: list[Sighting]
    risky: dict[int, int]


class Contacts(Struct, frozen=True, kw_only=True):
    """`cursor` asks for the rest; None where there is none. `met` counts those of this part who
    were there, whether or not any rule gives them a class.
    """

    case: Case
    subject: Subject
    rules: RuleSet
    contacts: list[Contact]
    met: int
    cursor: str | None = None


class Looking(Struct, frozen=True, kw_only=True):
    """An officer at one subject of a case that is open to them."""

    case: Case
    subject: Subject
    rules: RuleSet
    actor: Actor
    now: datetime

    @property
    def district(self) -> str | None:
        return own_district(self.actor)

    @property
    def wanted(self) -> Wanted:
        return wanted(self.case, self.subject)


async def looking(
    conn: Connection, office: Office, case_id: UUID, number: int, actor: Actor, now: datetime
) -> Looking:
    """Raises NotFound `unknown_trace`, `unknown_trace_subject`; Conflict of `check_open`; TooMany
    `trace_quota_used`.
    """
    case = await own_case(conn, case_id, actor)
    check_open(case)
    subjects = await subjects_of(conn, case_id)
    subject = next((each for each in subjects if each.number == number), None)
    if subject is None:
        raise NotFound("unknown_trace_subject")
    await count_traced(conn, actor, case_id, number, now)
    world = await office.cache.now(conn)
    rules = world.rules_of(case.rules_version, case.opened_at)
    return Looking(case=case, subject=subject, rules=rules, actor=actor, now=now)


async def read_trajectory(conn: Connection, at: Looking) -> Traced:
    """Places and times of one subject; of a person one row of the record of accesses."""
    found = await sightings(conn, [at.wanted], district=at.district)
    shown = [at.subject.person_id] if at.subject.masked_name and at.subject.person_id else []
    await _recorded(conn, at, "trace_trajectory", shown)
    await _keep_places(conn, at.case.id, found)
    return Traced(
        case=at.case,
        subject=at.subject,
        rules=at.rules,
        sightings=found,
        risky=await _risky(conn, at, found),
    )


async def _risky(conn: Connection, at: Looking, found: Sequence[Sighting]) -> dict[int, int]:
    risk = at.rules.tracing.risk_place
    if risk is None:
        return {}
    places = sorted({each.place_id for each in found if _been(each)})
    return await risky_places(conn, places, risk.cases, at.now - timedelta(days=risk.days))


def _been(each: Sighting) -> bool:
    """A place that was only asked about makes nobody's case."""
    return each.counted and each.how is not How.ASKED


async def _keep_places(conn: Connection, case_id: UUID, found: Iterable[Sighting]) -> None:
    latest: dict[int, datetime] = {}
    for each in found:
        if _been(each):
            latest[each.place_id] = max(each.until, latest.get(each.place_id, each.until))
    await conn.execute(
        """
        INSERT INTO closedloop.trace_place AS p (case_id, place_id, last_at)
        SELECT $1, n.place_id, n.last_at FROM unnest($2::bigint[], $3::timestamptz[])
               AS n (place_id, last_at)
        ON CONFLICT (place_id, case_id) DO UPDATE
           SET last_at = greatest(p.last_at, excluded.last_at)
        """,
        case_id,
        list(latest),
        list(latest.values()),
    )


async def read_contacts(
    conn: Connection, at: Looking, *, after: str = "", limit: int = PART
) -> Contacts:
    """Who was there too, the next `limit` of them in the order of their keys; a row of the record
    of accesses for each who is shown.
    """
    seen = await sightings(conn, [at.wanted], district=at.district)
    tracing = at.rules.tracing
    start = (at.subject.number, after) if after else START
    found = await meetings(conn, seen, widest(tracing), limit=limit, after=start)
    contacts = classified(found, tracing)
    await _recorded(conn, at, "trace_contacts", _people(contacts))
    await _keep_places(conn, at.case.id, seen)
    return Contacts(
        case=at.case,
        subject=at.subject,
        rules=at.rules,
        contacts=contacts,
        met=len(found),
        cursor=found[-1].key if len(found) == limit else None,
    )


async def read_second(conn: Connection, at: Looking) -> Contacts:
    """Contacts of contacts, from the hour on at which the first two met.

    Raises Unprocessable `trace_too_many_between`: a shorter window answers.
    """
    tracing = at.rules.tracing
    rule = second_rule(tracing)
    if rule is None or rule.of is None:
        return Contacts(case=at.case, subject=at.subject, rules=at.rules, contacts=[], met=0)
    seen = await sightings(conn, [at.wanted], district=at.district)
    first = await _all_meetings(conn, seen, widest(tracing), MOST_SECOND)
    grave = [
        contact
        for each in first
        if (contact := classify(each, tracing)) and contact.code == rule.of
    ]
    if len(grave) > MOST_BETWEEN:
        raise Unprocessable("trace_too_many_between", n=len(grave), most=MOST_BETWEEN)
    found = await _met_by(conn, at, grave, widest(tracing, rule.of))
    known = {each.meeting.key for each in grave} | {str(at.subject.person_id)}
    contacts = through(grave, found, known, tracing)
    await _recorded(conn, at, "trace_contacts", _people(contacts))
    return Contacts(
        case=at.case, subject=at.subject, rules=at.rules, contacts=contacts, met=len(found)
    )


async def _met_by(
    conn: Connection, at: Looking, grave: Sequence[Contact], minutes: int
) -> list[Meeting]:
    """Meetings of each of them, numbered by their place in the list."""
    asked = [
        Wanted(
            number=number,
            since=each.meeting.first_at,
            until=at.case.until,
            person_id=each.meeting.person_id,
        )
        for number, each in enumerate(grave, 1)
        if each.meeting.person_id is not None
    ]
    found: list[Meeting] = []
    for start in range(0, len(asked), BETWEEN_AT_ONCE):
        seen = await sightings(conn, asked[start : start + BETWEEN_AT_ONCE], district=at.district)
        found += await _all_meetings(conn, seen, minutes, MOST_SECOND)
    return found


async def _all_meetings(
    conn: Connection, seen: Sequence[Sighting], minutes: int, most: int
) -> list[Meeting]:
    """Raises Unprocessable `trace_too_many_contacts`."""
    found = await meetings(conn, seen, minutes, limit=most + 1)
    if len(found) > most:
        raise Unprocessable("trace_too_many_contacts", most=most)
    return found


def _people(contacts: Iterable[Contact]) -> list[UUID]:
    people = (each.meeting.person_id for each in contacts)
    return list(dict.fromkeys(person for person in people if person is not None))


async def _recorded(conn: Connection, at: Looking, action: str, people: Sequence[UUID]) -> None:
    """A row for the case and one for each person shown, in the transaction of the reading."""
    await audited(conn, at.actor, action, at.case.id, at.case.number, at.now)
    if not people:
        return
    await record_accesses(
        conn,
        at.actor,
        action=action,
        subject_kind="person",
        subjects=[str(each) for each in people],
        reason=f"tracing: {at.case.number}",
        now=at.now,
    )
    await count_shown(conn, at.actor, len(people), at.now)
    await _keep_shown(conn, at.case.id, people)


async def _keep_shown(conn: Connection, case_id: UUID, people: Sequence[UUID]) -> None:
    await conn.execute(
        """
        WITH new AS (
            INSERT INTO closedloop.trace_shown (case_id, person_id)
            SELECT $1, person FROM unnest($2::uuid[]) AS person
            ON CONFLICT DO NOTHING RETURNING 1)
        UPDATE closedloop.trace_case SET people_shown = people_shown + (SELECT count(*) FROM new)
         WHERE id = $1
        """,
        case_id,
        people,
    )
