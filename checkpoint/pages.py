"""The lane's page: ready, scan, card."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from msgspec import Struct

from alerts.watch_list import wanted
from checkpoint.arrive_pages import HANDLERS as ARRIVING
from checkpoint.camera_lane import plate_for, seen_at
from checkpoint.discrepancy_pages import HANDLERS as DISCREPANT
from checkpoint.intake import WRONG_CODES, Answer, Intake, take_one
from checkpoint.me_pages import HANDLERS as MINE
from checkpoint.queries import driver_of
from checkpoint.scans import Override, Scan
from checkpoint.wording import lane_advice, spoken
from closedloop.saying import one_line
from closedloop.watching import name_of, place_of, who
from kernel.auth import Actor, requires
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import current_locale, t
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.accounts import home_of
from registry.camera_reads import watched_by_camera
from registry.model import Role
from registry.passes import classify
from registry.plates import kind_shown
from registry.report_queries import find_movement
from registry.wording import navigation
from registry.world import World

AnyRequest = Request[Any, Any, Any]
LONGEST_GATE, LONGEST_PLATE = 40, 20


class ScanForm(Struct, frozen=True, kw_only=True):
    input: str = ""
    gate: str = ""
    plate_seen: str = ""
    event_id: UUID | None = None
    override: str = ""


@get("/gate", guards=[requires(Role.LANE)])
async def gate_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    intake: NamedDependency[Intake],
    gate: FromQuery[str] = "",
) -> Page:
    """Ready for a scan."""
    return await _gate(tx, intake, who(request), gate)


@post("/gate", guards=[requires(Role.LANE)], status_code=200)
async def gate_scan(
    request: AnyRequest,
    data: URLEncodedBody[ScanForm],
    tx: NamedDependency[Connection],
    intake: NamedDependency[Intake],
) -> Page:
    """One scan, one card. What is no pass of ours gets a card that says what it is."""
    actor, now = who(request), intake.clock.now()
    typed = data.input.strip()
    if not typed:
        return await _gate(tx, intake, actor, data.gate)
    kind = classify(typed)
    # No plate is made of digits alone: such a text is a pass that lacks some.
    digits = kind == "pass" or (kind == "text" and "".join(typed.split()).isdecimal())
    scan = Scan(
        id=data.event_id or uuid7(now),
        kind="entry",
        place_id=place_of(actor),
        occurred_at=now,
        gate=one_line(data.gate, LONGEST_GATE),
        pass_number=typed if digits else "",
        plate="" if digits else typed,
        plate_seen=one_line(data.plate_seen, LONGEST_PLATE),
        override=Override(reason=one_line(data.override)) if data.override else None,
    )
    if kind not in {"pass", "text"}:
        return await _gate(tx, intake, actor, data.gate, card=_wrong(kind, now))
    try:
        seen = await plate_for(tx, intake.office, scan.place_id, scan.gate, scan.pass_number, now)
        answer = await take_one(tx, intake, scan, actor, None, now, camera_plate=seen)
    except Refused as refused:
        return await _gate(tx, intake, actor, data.gate, card=_refused(refused, typed, now))
    return await _gate(
        tx, intake, actor, data.gate, card=await _card(tx, intake, answer, typed, now)
    )


async def _gate(
    conn: Connection,
    intake: Intake,
    actor: Actor,
    gate: str,
    *,
    card: dict[str, Any] | None = None,
) -> Page:
    world = await intake.office.cache.now(conn)
    place = world.place(place_of(actor))
    own_gate = gate if gate in place.gates else None
    has_camera = await watched_by_camera(conn, place.id)
    return page(
        "lane.html",
        place={"name": place.name},
        reads=await seen_at(conn, place, own_gate or "", intake.clock.now())
        if has_camera
        else None,
        gate=own_gate,
        gates=list(place.gates),
        event_id=str(uuid7(intake.clock.now())),
        errors=[],
        card=card,
        home_url=home_of(actor),
        nav=navigation(actor),
    )


def _wrong(kind: str, now: datetime) -> dict[str, Any]:
    reason = {"code": kind, "sentence": t(f"wrong.{kind}")}
    return {"card": "wrong_code", "reasons": [reason], "at": now}


def _refused(refused: Refused, typed: str, now: datetime) -> dict[str, Any]:
    """Digits that are no pass of ours, or words that are no plate."""
    sentence = t(f"error.{refused.code}", **refused.facts)
    card = "wrong_code" if refused.code in WRONG_CODES | {"plate_malformed"} else "unknown"
    reason = {"code": refused.code, "sentence": sentence}
    return {"card": card, "plate": "", "reasons": [reason], "at": now, "typed": typed}


async def _card(
    conn: Connection, intake: Intake, answer: Answer, typed: str, now: datetime
) -> dict[str, Any]:
    outcome = answer.outcome
    if outcome is None or outcome.event is None:
        return _refused(answer.refusal or Refused("internal"), "", now)
    movement = await find_movement(conn, outcome.movement_id)
    world = await intake.office.cache.now(conn)
    body = outcome.event.body
    reasons = spoken(body, world, now)
    return {
        "card": body["card"],
        "plate": movement.plate,
        "plate_kind": kind_shown(movement.plate),
        "masked_name": await driver_of(conn, movement.movement_id),
        "from_place": movement.origin,
        "to_place": name_of(world, movement.stops[0] if movement.stops else None),
        "reasons": reasons,
        "next": reasons[0]["mend"] or None if reasons else None,
        "first": _first(body, world, now),
        "wanted": bool(
            await wanted(conn, world.rules_at(now).ladder, plates=[movement.plate], limit=1)
        ),
        "advice": lane_advice(outcome.event, world),
        "typed": typed,
        "rules_version": body.get("rules_version"),
        "at": outcome.event.occurred_at,
    }


def _first(body: dict[str, Any], world: World, now: datetime) -> str | None:
    """Why this truck goes free and first, in the words of the rule set that judged."""
    priority = world.rules_of(body.get("rules_version", 0), now).priority
    if not body.get("priority") or priority is None:
        return None
    return getattr(priority.sentence, current_locale())


HANDLERS: list[Any] = [gate_page, gate_scan, *ARRIVING, *DISCREPANT, *MINE]
