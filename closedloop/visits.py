"""Visitors of venues: read, judge, write, for one or for many that arrive together.

One id is one visit for ever: sent again it is `repeated`, with another body a `conflict`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from closedloop.reporting import Office, body_hash
from closedloop.visit_model import Came, Coming, number_of
from closedloop.visit_queries import (
    Known,
    Visit,
    Whom,
    find_visit,
    insert_report,
    insert_visits,
    read_whom,
)
from kernel import outbox
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Forbidden, NotFound, Unprocessable
from kernel.privacy import mask_name
from registry.bodies import RECEIVING
from registry.model import Place, PlaceKind
from registry.rules import RuleSet
from registry.visit_judge import Finding, Seen, judge_visit
from registry.visitors import Document, file_people
from registry.world import World

#: A device's clock a day ahead of ours is no clock at all.
HOPELESS = timedelta(hours=24)
#: Nobody asks for older visits, and none is kept for longer.
OLDEST = timedelta(days=14)
#: What a quartz clock drifts, and what an offset is known to.
DRIFT, OFFLINE_DOUBT_MS = 100e-6, 2_000


def check_venue(place: Place | None) -> Place:
    """Raises Forbidden `not_a_venue`, Unprocessable `venue_not_active`."""
    if place is None or place.kind is not PlaceKind.VENUE or place.category == RECEIVING:
        raise Forbidden("not_a_venue")
    if not place.active:
        raise Unprocessable("venue_not_active")
    return place


def venue_of(actor: Actor, world: World) -> Place:
    """The venue at which somebody stands. Raises as `check_venue` does."""
    return check_venue(world.places.get(actor.place_id or 0))


def check_gate(place: Place, gate: str) -> str:
    """Raises Unprocessable `unknown_door`."""
    if gate and gate not in place.gates:
        raise Unprocessable("unknown_door")
    return gate


def moment(
    occurred_at: datetime, now: datetime, *, offline: bool, offset_ms: int = 0
) -> tuple[datetime, int]:
    """When a visit was, and how uncertain that is in ms. A live one is when it reaches us.

    Raises Unprocessable `visit_hour_needs_zone`, `visit_in_future`, `visit_too_old`.
    """
    if occurred_at.tzinfo is None:
        raise Unprocessable("visit_hour_needs_zone")
    try:
        at = occurred_at + timedelta(milliseconds=offset_ms)
    except OverflowError:
        raise Unprocessable("visit_in_future") from None
    if at > now + HOPELESS:
        raise Unprocessable("visit_in_future")
    if not offline:
        return now, 0
    if at < now - OLDEST:
        raise Unprocessable("visit_too_old", days=OLDEST.days)
    at = min(at, now)
    return at, OFFLINE_DOUBT_MS + int((now - at).total_seconds() * 1000 * DRIFT)


def digest(coming: Coming) -> bytes:
    """Of what was said; its hour counts where the sender knows it better than we. Of a document
    only the keyed hash goes in: a plain one of so few digits could be found by trying.
    """
    subject = coming.document.subject.hex() if coming.document else ""
    return body_hash(
        (
            coming.place_id,
            coming.gate,
            coming.way,
            subject,
            str(coming.person_id or ""),
            coming.relation,
            coming.declared,
            coming.address is not None,
            coming.at.isoformat() if coming.offline else "",
        )
    )


async def take(
    conn: Connection, office: Office, coming: Sequence[Coming], now: datetime
) -> list[Came]:
    """What came of each, in their order, inside the caller's transaction: one read and one write,
    and one more for people whom the record did not know.
    """
    if not coming:
        return []
    epoch, known = await read_whom(conn, coming)
    world = await office.cache.at(conn, epoch)
    done: dict[int, Came] = {}
    fresh: dict[int, Whom] = {}
    firsts: dict[UUID, int] = {}
    for number, (each, whom) in enumerate(zip(coming, known, strict=True)):
        if whom.known is not None:
            done[number] = _again(each, whom.known)
        elif each.person_id is not None and whom.person_id is None:
            refusal = Unprocessable("visitor_unknown")
            done[number] = Came(id=each.id, status="refused", refusal=refusal)
        elif firsts.setdefault(each.id, number) == number:
            fresh[number] = whom
    people = await file_people(conn, office.vault, _strangers(coming, fresh), now)
    rules = world.rules_at(now)
    visits = {
        number: _visit(coming[number], whom, people, rules, world, office)
        for number, whom in fresh.items()
    }
    stored = await _store(conn, visits, now)
    done |= {n: _came(visit) for n, visit in visits.items() if visit.coming.id in stored}
    return await _with_the_rest(conn, coming, done)


def _strangers(coming: Sequence[Coming], fresh: dict[int, Whom]) -> list[Document]:
    """Nobody the record knows; and whoever it knows without a name, once a name is said."""
    return [
        document
        for number, whom in fresh.items()
        if (document := coming[number].document) is not None
        and (whom.person_id is None or (document.name and whom.name_sealed is None))
    ]


async def _store(conn: Connection, visits: dict[int, Visit], now: datetime) -> set[UUID]:
    in_order = sorted(visits.values(), key=lambda each: each.coming.id)
    return await insert_visits(conn, in_order, now) if in_order else set()


async def _with_the_rest(
    conn: Connection, coming: Sequence[Coming], done: dict[int, Came]
) -> list[Came]:
    """Ids that stood twice in the batch, or that somebody stored meanwhile."""
    rest = [number for number in range(len(coming)) if number not in done]
    if rest:
        _, known = await read_whom(conn, [coming[number] for number in rest])
        for number, whom in zip(rest, known, strict=True):
            assert whom.known is not None  # noqa: S101 - its insert found it there
            done[number] = _again(coming[number], whom.known)
    return [done[number] for number in range(len(coming))]


def _again(coming: Coming, known: Known) -> Came:
    if known.body_hash != coming.digest:
        return Came(id=coming.id, status="conflict", refusal=Conflict("visit_id_taken"))
    return Came(
        id=coming.id,
        status="repeated",
        shown=known.shown,
        findings=known.reasons,
        at=known.visited_at,
        masked_name=known.masked_name,
        person_id=known.person_id,
    )


def _visit(
    coming: Coming,
    whom: Whom,
    people: dict[bytes, UUID],
    rules: RuleSet,
    world: World,
    office: Office,
) -> Visit:
    vault = office.vault
    subject = b"" if coming.document is None else coming.document.subject
    person_id = whom.person_id or people[subject]
    address = coming.address
    if address is None and whom.address_sealed is not None:
        address = vault.read(whom.address_sealed, field="visitor_address")
    seen = Seen(
        declared=whom.declared if coming.declared is None else coming.declared,
        evidence=whom.evidence,
        address=address or "",
    )
    shown, findings = judge_visit(seen, rules, coming.at, sources=world.sources, areas=world.areas)
    return Visit(
        coming=coming,
        person_id=person_id,
        masked_name=_masked(coming, whom, office),
        shown=shown,
        findings=findings,
    )


def _masked(coming: Coming, whom: Whom, office: Office) -> str:
    name = coming.name or (coming.document.name if coming.document else "")
    if not name and not coming.relation:
        name = office.vault.read(whom.name_sealed, field="person_name") or ""
    return mask_name(name) if name else ""


def _came(visit: Visit) -> Came:
    return Came(
        id=visit.coming.id,
        status="recorded",
        shown=visit.shown,
        findings=visit.findings,
        at=visit.coming.at,
        masked_name=visit.masked_name,
        person_id=visit.person_id,
    )


async def take_one(conn: Connection, office: Office, coming: Coming, now: datetime) -> Came:
    """Raises what refuses it."""
    came = (await take(conn, office, [replace(coming, digest=digest(coming))], now))[0]
    if came.refusal is not None:
        raise came.refusal
    return came


async def report_visit(
    conn: Connection, place: Place, visit_id: UUID, actor: str, now: datetime
) -> None:
    """The district is told at once of a visitor who may not go in; told twice is told once.

    Raises NotFound `unknown_visit`, Unprocessable `nothing_to_report`.
    """
    visit = await find_visit(conn, visit_id, place.id)
    if visit is None:
        raise NotFound("unknown_visit")
    if visit.shown == "clear":
        raise Unprocessable("nothing_to_report")
    if not await insert_report(conn, visit_id, place.id, actor, now):
        return
    facts: dict[str, object] = {
        "visit": str(visit_id),
        "number": number_of(visit_id),
        "place_id": place.id,
        "district": place.district_code,
        "gate": visit.gate,
        "reasons": [each.code for each in visit.reasons],
        "visited_at": visit.visited_at.isoformat(),
    }
    for recipient in ("grid", "duty"):
        await outbox.post(
            conn,
            kind="visitor_reported",
            key=f"visit:{visit_id}:reported:{recipient}",
            recipient=recipient,
            facts=facts,
            now=now,
        )


def reports_at_once(findings: Sequence[Finding], rules: RuleSet) -> bool:
    """Whether the rule set wants the district to be told of what was found."""
    codes = {rule.code for rule in rules.visitors.rules if rule.reported}
    return any(each.code in codes for each in findings)


def told(findings: Sequence[Finding], rules: RuleSet, locale: str) -> list[dict[str, Any]]:
    """Each finding in the reader's words, with what to do and the age of what it rests on."""
    words = {rule.code: rule for rule in rules.visitors.rules}
    return [
        {
            "code": each.code,
            "sentence": getattr(words[each.code].sentence, locale),
            "mend": getattr(words[each.code].mend, locale),
            "hours": each.facts.get("hours"),
        }
        for each in findings
        if each.code in words
    ]
